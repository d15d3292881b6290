import { createHash, randomBytes } from 'node:crypto';
import { appendFileSync, cpSync, existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as sample from '../../local/sample/image.js';
import { push } from '../../local/sample/push.js';
import { createFileLog } from '../../local/registry/change-log.js';
import { createFileStore } from '../../local/registry/store.js';
import { openRepositories } from '../../local/registry/repositories.js';
import { type Change, OPEN, emptyRepository, repositoryChange } from '../../local/registry/state.js';
import { moveLargeLayer, startRegistry, tokenFor } from '../support/registry-process.js';

const AT = '2026-06-01T12:00:00.0000000Z';
let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'lazaret-registry-'));
});
afterAll(() => rmSync(directory, { recursive: true }));

const tagChange = (key: string): Change => ({
  kind: 'tag',
  key,
  record: { digest: 'sha256:1', createdTime: AT, lastUpdateTime: AT, attributes: OPEN },
});

describe('the state on disk', () => {
  it('drops a line that a kill has cut short, and goes on behind it', async () => {
    const place = join(directory, 'torn');
    const first = await openRepositories(await createFileLog(place));
    const begin = repositoryChange(emptyRepository(AT));
    await first.change('a/b', () => ({ changes: [begin, tagChange('one')] }));
    const file = join(place, readdirSync(place)[0]!);
    appendFileSync(file, '[{"kind":"tag","key":"tw');
    const second = await openRepositories(await createFileLog(place));
    expect([...second.get('a/b').tags.keys()]).toEqual(['one']);
    await second.change('a/b', () => ({ changes: [tagChange('two')] }));
    const third = await openRepositories(await createFileLog(place));
    expect([...third.get('a/b').tags.keys()]).toEqual(['one', 'two']);
  });

  it('keeps a name of any length, forgets a removed repository, and writes an outgrown log anew', async () => {
    const place = join(directory, 'names');
    const name = Array.from({ length: 128 }, () => 'a').join('/');
    const repositories = await openRepositories(await createFileLog(place));
    await repositories.change(name, () => ({ changes: [repositoryChange(emptyRepository(AT))] }));
    for (let i = 0; i < 1500; i++) await repositories.change(name, () => ({ changes: [tagChange('same')] }));
    await repositories.change('gone', () => ({ changes: [repositoryChange(emptyRepository(AT))] }));
    await repositories.change('gone', () => ({ removed: true }));
    const again = await openRepositories(await createFileLog(place));
    expect(again.names()).toEqual([name]);
    expect([...again.get(name).tags.keys()]).toEqual(['same']);
    expect(statSync(join(place, readdirSync(place)[0]!)).size).toBeLessThan(1200 * 250);
  });

  it('takes as little for the ten-thousandth manifest as for the first', async () => {
    const place = join(directory, 'many');
    const log = await createFileLog(place);
    let written = 0;
    const counting = {
      ...log,
      append: (name: string, changes: readonly Change[]) => {
        written = JSON.stringify(changes).length;
        return log.append(name, changes);
      },
    };
    const repositories = await openRepositories(counting);
    await repositories.change('many', () => ({ changes: [repositoryChange(emptyRepository(AT)), tagChange('first')] }));
    const first = written;
    await repositories.change('many', () => ({
      changes: Array.from({ length: 10_000 }, (_, i) => tagChange(`t${i}`)),
    }));
    await repositories.change('many', () => ({
      changes: [repositoryChange(repositories.get('many')), tagChange('last')],
    }));
    expect(written).toBeLessThan(first + 100);
  });

  it('keeps the secret of its tokens', async () => {
    const place = join(directory, 'secret');
    const { secret } = await createFileStore(place);
    expect(Buffer.from((await createFileStore(place)).secret).equals(secret)).toBe(true);
  });
});

describe('killed at any write', () => {
  /** Pushes two images to one tag; returns what was answered, and stops at the first request that was not. */
  async function pushUntilKilled(origin: string, images: readonly sample.Artifact[]): Promise<readonly string[]> {
    const answered: string[] = [];
    for (const image of images) {
      try {
        await push(image, { origin, repository: 'team/app', fetch }, { tag: 'v1' });
        answered.push(image.digest);
      } catch {
        break;
      }
    }
    return answered;
  }

  it(
    'it loses nothing that was answered, nor its event, and serves nothing that is incomplete',
    { timeout: 120_000 },
    async () => {
      const images = [
        await sample.imageOf([{ path: 'a', content: 'one' }]),
        await sample.imageOf([{ path: 'a', content: 'two' }]),
      ];
      let moments = 0;
      for (let moment = 0; ; moment++) {
        const place = join(directory, `kill-${moment}`);
        const told = join(directory, `events-${moment}.jsonl`);
        const victim = await startRegistry(place, '--kill-at', String(moment), '--events', told);
        const answered = await pushUntilKilled(victim.origin, images);
        if (answered.length === images.length) {
          await victim.stop();
          break;
        }
        moments += 1;
        expect(await victim.exited).toBe('SIGKILL');
        const next = await startRegistry(place);
        const headers = await tokenFor(next.origin, 'team/app');
        const tag = await fetch(`${next.origin}/v2/team/app/manifests/v1`, { headers });
        const served = tag.status === 200 ? tag.headers.get('docker-content-digest')! : undefined;
        const events = existsSync(told) ? readFileSync(told, 'utf8') : '';
        for (const digest of answered) expect(events, `moment ${moment}`).toContain(digest);
        // What was answered stands, unless a push that was under way has already replaced it.
        const allowed = [answered.at(-1), images[answered.length]!.digest];
        expect(allowed, `moment ${moment}`).toContain(served);
        for (const image of images.filter(({ digest }) => answered.includes(digest) || digest === served)) {
          for (const { digest } of image.blobs) {
            const blob = await fetch(`${next.origin}/v2/team/app/blobs/${digest}`, { headers });
            const bytes = Buffer.from(await blob.arrayBuffer());
            expect(`sha256:${createHash('sha256').update(bytes).digest('hex')}`).toBe(digest);
          }
        }
        expect(await pushUntilKilled(next.origin, images)).toHaveLength(2);
        await next.stop();
      }
      // Two images of two blobs and a manifest each: every write of a push was a moment.
      expect(moments).toBeGreaterThan(30);
    },
  );
});

describe('killed in the middle of an intervention', () => {
  it('it has done each step wholly or not at all, and every step that was answered', { timeout: 120_000 }, async () => {
    const [one, two] = [
      await sample.imageOf([{ path: 'a', content: 'one' }]),
      await sample.imageOf([{ path: 'a', content: 'two' }]),
    ];
    const prepared = join(directory, 'prepared');
    const first = await startRegistry(prepared);
    for (const [image, tag] of [
      [one, 'v1'],
      [two, 'v2'],
      [two, 'v3'],
    ] as const)
      await push(image, { origin: first.origin, repository: 'team/app', fetch }, { tag });
    await first.stop();
    const steps = [
      ['PATCH', `/acr/v1/team/app/_manifests/${two.digest}`, '{"readEnabled":false,"deleteEnabled":false}'],
      ['DELETE', '/acr/v1/team/app/_tags/v2', undefined],
      ['DELETE', `/v2/team/app/manifests/${one.digest}`, undefined],
      ['PATCH', `/acr/v1/team/app/_manifests/${two.digest}`, '{"deleteEnabled":true}'],
      ['DELETE', '/acr/v1/team/app', undefined],
    ] as const;
    const stateOf = async (origin: string) => {
      const headers = await tokenFor(origin, 'team/app');
      const response = await fetch(`${origin}/acr/v1/team/app/_manifests`, { headers });
      const { manifests = [] } = (await response.json()) as {
        manifests?: { digest: string; tags?: string[]; changeableAttributes: object }[];
      };
      return JSON.stringify(
        manifests.map(({ digest, tags, changeableAttributes }) => [digest, tags, changeableAttributes]),
      );
    };
    /** Takes the steps until one is not answered; returns the states after each. */
    const take = async (origin: string): Promise<readonly string[]> => {
      const headers = { ...(await tokenFor(origin, 'team/app')), 'content-type': 'application/json' };
      const states = [await stateOf(origin)];
      for (const [method, path, body] of steps) {
        const response = await fetch(`${origin}${path}`, {
          method,
          headers,
          ...(body !== undefined && { body }),
        }).catch(() => undefined);
        if (response === undefined) break;
        expect(response.ok, `${method} ${path}`).toBe(true);
        states.push(await stateOf(origin));
      }
      return states;
    };
    const copyOf = (name: string) => {
      cpSync(prepared, join(directory, name), { recursive: true });
      return join(directory, name);
    };
    const whole = await startRegistry(copyOf('whole'));
    const states = await take(whole.origin);
    await whole.stop();
    expect(new Set(states).size).toBe(steps.length + 1);
    for (let moment = 0; ; moment++) {
      const place = copyOf(`step-${moment}`);
      const victim = await startRegistry(place, '--kill-at', String(moment));
      const answered = (await take(victim.origin)).length - 1;
      if (answered === steps.length) {
        await victim.stop();
        // Each step is one write, and the deletion of a manifest tells of it.
        expect(moment).toBeGreaterThanOrEqual(2 * steps.length);
        return;
      }
      expect(await victim.exited).toBe('SIGKILL');
      const next = await startRegistry(place);
      expect([states[answered], states[answered + 1]], `moment ${moment}`).toContain(await stateOf(next.origin));
      await next.stop();
    }
  });
});

describe('a layer of 256 MiB', () => {
  it('goes through in constant memory', { timeout: 120_000 }, async () => {
    const registry = await startRegistry(join(directory, 'large'));
    expect(await moveLargeLayer(registry, 256 * 1024 * 1024)).toBeLessThan(64 * 1024 * 1024);
    await registry.stop();
  });
});

describe('a client that goes away in the middle of a chunk', () => {
  it('goes on where its upload stands', { timeout: 60_000 }, async () => {
    const registry = await startRegistry(join(directory, 'away'));
    const headers = await tokenFor(registry.origin, 'team/app');
    const bytes = randomBytes(6 * 1024 * 1024);
    const start = await fetch(`${registry.origin}/v2/team/app/blobs/uploads/`, { method: 'POST', headers });
    const location = new URL(start.headers.get('location')!, registry.origin);
    const standing = async () => {
      const { headers: told } = await fetch(location, { headers });
      return Number(/^0-(\d+)$/.exec(told.get('range') ?? '')?.[1] ?? 0) + 1;
    };
    const gone = new AbortController();
    const body = new ReadableStream({
      pull: async (stream) => {
        stream.enqueue(bytes.subarray(0, 2 * 1024 * 1024));
        await expect.poll(standing, { timeout: 20_000 }).toBeGreaterThan(1);
        gone.abort();
      },
    });
    const patch = { method: 'PATCH', headers, body, duplex: 'half', signal: gone.signal } as RequestInit;
    await expect(fetch(location, patch)).rejects.toThrow();
    let before = -1;
    await expect
      .poll(
        async () => {
          const now = await standing();
          const settled = now === before;
          before = now;
          return settled;
        },
        { timeout: 20_000, interval: 200 },
      )
      .toBe(true);
    const rest = bytes.subarray(before);
    const range = { 'content-range': `${before}-${bytes.byteLength - 1}` };
    expect((await fetch(location, { method: 'PATCH', headers: { ...headers, ...range }, body: rest })).status).toBe(
      202,
    );
    location.searchParams.set('digest', `sha256:${createHash('sha256').update(bytes).digest('hex')}`);
    expect((await fetch(location, { method: 'PUT', headers })).status).toBe(201);
    await registry.stop();
  });
});
