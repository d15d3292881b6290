import { describe, expect, it } from 'vitest';
import { createMemoryBlobs } from '../../local/simulation/memory-blobs.js';
import { createMemoryTable } from '../../local/simulation/memory-table.js';
import { digestOf } from '../../shared/artifact/digest.js';
import { type LoginServer, parseLoginServer } from '../../shared/artifact/login-server.js';
import { type Repository, parseRepository } from '../../shared/artifact/repository.js';
import { AppError } from '../../shared/error/app-error.js';
import { createLedger } from '../../shared/ledger/ledger.js';
import { coverage } from '../../shared/pipeline/coverage.js';
import { openLedger } from '../../shared/pipeline/loss.js';
import { type ReconcileDeps, reconcile } from '../../shared/pipeline/reconcile.js';
import { createReportStore } from '../../shared/report/report-store.js';
import { createClock } from '../support/clock.js';

const MINUTE = 60_000;
const POLICY = digestOf('a policy');
const ONE = parseLoginServer('one.azurecr.test');
const TWO = parseLoginServer('two.azurecr.test');

const repositories = (count: number) =>
  Array.from({ length: count }, (_, i) => parseRepository(`app-${String(i).padStart(3, '0')}`));

/** Registries of so many empty repositories, all of them looked at as a whole a moment ago unless they are `fresh`. */
async function createWorld(
  counts: ReadonlyMap<LoginServer, number>,
  { callsPerMinute, fresh = [] }: { readonly callsPerMinute: number; readonly fresh?: readonly LoginServer[] },
) {
  const clock = createClock();
  const ledger = createLedger(createMemoryTable());
  const store = createReportStore(createMemoryBlobs());
  await openLedger({ clock: clock.now, ledger, store });
  const at = clock.now().toISOString();
  const zero = {
    manifests: 0,
    pass: 0,
    fail: 0,
    inconclusive: 0,
    aged: 0,
    pending: 0,
    quarantined: 0,
    observed: 0,
    braked: 0,
    existing: 0,
    waiting: 0,
    reserved: 0,
    incomplete: 0,
  };
  const summary = { ...zero, signatures: 0, others: 0, shut: 0, unaccounted: 0 };
  for (const [registry, count] of counts) {
    if (fresh.includes(registry)) continue;
    for (const repository of repositories(count)) {
      const survey = { registry, repository, sweptAt: at, walkedAt: at, policy: POLICY, summary, recovered: 0 };
      await ledger.updateSurvey({ registry, repository }, () => survey);
    }
  }
  const asked: { readonly registry: LoginServer; readonly repository: Repository }[] = [];
  const walked: string[] = [];
  const faults: ((repository: Repository) => void)[] = [];
  const unexpected = () => Promise.reject(new Error('nothing was to be repaired'));
  const deps: ReconcileDeps = {
    clock: clock.now,
    sleep: () => Promise.resolve(),
    mode: 'enforce',
    store: { ...store, createOnce: unexpected },
    ...{ channels: [], reportUrl: undefined, epochs: () => Promise.resolve() },
    log: () => undefined,
    ...{ send: unexpected, journal: unexpected, newId: () => 'id' },
    servers: [...counts.keys()],
    policy: {
      digest: POLICY,
      trust: POLICY,
      deadlineMilliseconds: 30 * MINUTE,
      maxAgeMilliseconds: 7 * 24 * 60 * MINUTE,
    },
    callsPerMinute,
    queueLength: () => Promise.resolve(0),
    isWaiting: () => Promise.resolve(false),
    registry: {
      unlock: unexpected,
      listRepositories: (registry) =>
        Promise.resolve({ items: repositories(counts.get(registry) ?? 0), next: undefined }),
      repositoryUpdatedAt: (registry, repository) => {
        asked.push({ registry, repository });
        for (const fault of faults) fault(repository);
        return Promise.resolve(new Date(0));
      },
      listManifests: ({ registry, repository }) => {
        walked.push(`${registry}/${repository}`);
        return Promise.resolve({ items: [], next: undefined });
      },
    },
    ledger,
  };
  return { deps, clock, asked, walked, faults };
}

const namesOf = (asked: readonly { readonly repository: Repository }[]) => asked.map(({ repository }) => repository);

describe('a registry with more repositories than one run has calls', () => {
  it('is searched from end to end, every run going on where the one before stopped', async () => {
    const { deps, clock, asked } = await createWorld(new Map([[ONE, 100]]), { callsPerMinute: 7 });
    const completed: boolean[] = [];
    for (let i = 0; i < 6; i++) {
      completed.push((await reconcile(deps)).complete);
      clock.advance(5 * MINUTE);
    }
    // 35 calls, one of them for the catalogue.
    expect(completed).toEqual([false, false, true, false, false, true]);
    expect(namesOf(asked)).toEqual([...repositories(100), ...repositories(100)]);
  });

  it('is searched as a whole by whoever asks now, wherever the timer is', async () => {
    const { deps, clock, asked } = await createWorld(new Map([[ONE, 100]]), { callsPerMinute: 60 });
    await reconcile(deps, { spanMilliseconds: 20_000 });
    asked.length = 0;
    clock.advance(MINUTE);
    const options = { spanMilliseconds: 20_000 };
    let done = await reconcile(deps, { ...options, since: clock.now() });
    expect(done.startedAt).toBe(clock.now().toISOString());
    const since = new Date(done.startedAt);
    let runs = 1;
    for (; !done.complete && runs < 20; runs++) {
      clock.advance(20_000);
      done = await reconcile(deps, { ...options, since });
    }
    expect([runs, done.complete]).toEqual([6, true]);
    expect(namesOf(asked)).toEqual(repositories(100));
    // Whoever asks once more has been answered.
    expect(await reconcile(deps, { ...options, since })).toMatchObject({ complete: true, calls: 1 });
  });

  it('is walked as a whole by whoever asks for all of it, once', async () => {
    const { deps, clock, walked, asked } = await createWorld(new Map([[ONE, 50]]), { callsPerMinute: 60 });
    clock.advance(MINUTE);
    let done = await reconcile(deps, { spanMilliseconds: 20_000, all: true });
    for (let runs = 1; !done.complete && runs < 20; runs++) {
      clock.advance(20_000);
      done = await reconcile(deps, { spanMilliseconds: 20_000, all: true, since: new Date(done.startedAt) });
    }
    expect(done.complete).toBe(true);
    expect(walked).toEqual(repositories(50).map((repository) => `${ONE}/${repository}`));
    expect(asked).toEqual([]);
  });

  it('goes on behind a repository that cannot be looked at', async () => {
    const { deps, asked, faults } = await createWorld(new Map([[ONE, 10]]), { callsPerMinute: 60 });
    faults.push((repository) => {
      if (repository === 'app-003') throw new AppError('REGISTRY_DENIED', 'no', { retryable: true });
    });
    expect(await reconcile(deps)).toMatchObject({ failed: 1, complete: false });
    expect(namesOf(asked)).toEqual(repositories(10));
  });

  it('is begun anew by a second round while a run of the first is under way, and is not cut short by it', async () => {
    const { deps, clock, asked, faults } = await createWorld(new Map([[ONE, 60]]), { callsPerMinute: 60 });
    await reconcile(deps, { spanMilliseconds: 20_000 });
    // A run of the first round stands still; somebody asks meanwhile.
    let second: Promise<unknown> | undefined;
    faults.push((repository) => {
      if (repository !== 'app-030' || second !== undefined) return;
      clock.advance(1000);
      second = reconcile(deps, { spanMilliseconds: 20_000, since: clock.now() });
    });
    await reconcile(deps, { spanMilliseconds: 20_000 });
    await second;
    asked.length = 0;
    await reconcile(deps, { spanMilliseconds: 60_000 });
    expect(namesOf(asked)[0]).toBe('app-019');
    expect(namesOf(asked).at(-1)).toBe('app-059');
  });
});

describe('two registries', () => {
  it('do not wait for one another: each has a budget of its own', async () => {
    const counts = new Map([
      [ONE, 500],
      [TWO, 10],
    ]);
    const { deps, walked, asked } = await createWorld(counts, { callsPerMinute: 20, fresh: [ONE] });
    await reconcile(deps);
    expect(asked).toHaveLength(10);
    expect(walked.every((name) => name.startsWith(ONE))).toBe(true);
    expect(walked).toHaveLength(99);
  });
});

describe('how long a search for news takes', () => {
  it('is told, and whether that is short enough', async () => {
    const { deps, clock } = await createWorld(new Map([[ONE, 100]]), { callsPerMinute: 8 });
    const registries = { registries: new Map(), readRetention: () => Promise.reject(new Error('none is configured')) };
    const searches = async () => (await coverage({ ...deps, ...registries })).searches;
    expect(await searches()).toEqual([]);
    const told: unknown[] = [];
    for (let i = 0; i < 3; i++) {
      await reconcile(deps);
      clock.advance(5 * MINUTE);
      told.push(...(await searches()));
    }
    expect(told).toEqual([
      { registry: ONE, milliseconds: 5 * MINUTE, prompt: true },
      { registry: ONE, milliseconds: 10 * MINUTE, prompt: true },
      { registry: ONE, milliseconds: 10 * MINUTE, prompt: true },
    ]);
    const { deps: slow, clock: later } = await createWorld(new Map([[ONE, 100]]), { callsPerMinute: 4 });
    await reconcile(slow);
    later.advance(11 * MINUTE);
    expect((await coverage({ ...slow, ...registries })).searches).toMatchObject([{ prompt: false }]);
  });
});

describe('coverage of more repositories than one answer has calls', () => {
  it('says how many it knows nothing of, until they have been looked at', async () => {
    const { deps } = await createWorld(new Map([[ONE, 320]]), { callsPerMinute: 300, fresh: [ONE] });
    const registries = { registries: new Map(), readRetention: () => Promise.reject(new Error('none is configured')) };
    expect(await coverage({ ...deps, ...registries })).toMatchObject({ unaccounted: 0, stale: 21, unseen: 21 });
    await reconcile(deps);
    expect(await coverage({ ...deps, ...registries })).toMatchObject({ unaccounted: 0, stale: 21, unseen: 0 });
  });
});
