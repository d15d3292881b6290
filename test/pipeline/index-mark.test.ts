import { describe, expect, it } from 'vitest';
import * as sample from '../../local/sample/image.js';
import type { ArtifactKey } from '../../shared/artifact/reference.js';
import { AppError } from '../../shared/error/app-error.js';
import type { JournalEvent } from '../../shared/pipeline/effects.js';
import type { Services } from '../../shared/steps.js';
import { type Verdictless, createLine, onePolicy } from '../support/line.js';
import { TOO_MUCH, keyOf, marksOf, reportsOn, scanAgain } from '../support/marks.js';

const HOUR = 3_600_000;
const POLICY = `maxAge: 48h\n${onePolicy('vulnerabilities: { fail: CRITICAL }\nonPush: lock\nonChange: { enforce: lock, after: 72h }')}`;
const AMD64 = { os: 'linux', architecture: 'amd64' };
const ARM64 = { os: 'linux', architecture: 'arm64' };
const CRITICAL: Verdictless = { vulnerabilities: [{ id: 'CVE-1', severity: 'CRITICAL' }] };
const HIGH: Verdictless = { vulnerabilities: [{ id: 'CVE-2', severity: 'HIGH' }] };

/** A line that notes what is journalled, and what is pushed to it: an index of two platforms. */
async function pushed(
  answers: { amd64?: Verdictless | Error; arm64?: Verdictless | Error },
  more: Partial<Services> = {},
) {
  const lines: JournalEvent[] = [];
  const line = await createLine(POLICY, { journal: (event) => Promise.resolve(void lines.push(event)), ...more });
  const amd64 = await sample.imageOf([{ path: 'name', content: 'amd64' }], AMD64);
  const arm64 = await sample.imageOf([{ path: 'name', content: 'arm64' }], ARM64);
  if (answers.amd64 !== undefined) line.answers.set(amd64.digest, answers.amd64);
  if (answers.arm64 !== undefined) line.answers.set(arm64.digest, answers.arm64);
  const index = sample.makeIndex([
    { image: amd64, platform: AMD64 },
    { image: arm64, platform: ARM64 },
  ]);
  await line.registry.push(index, 'app', { tag: 'v1' });
  return { line, lines, index, amd64, arm64, key: keyOf(index.digest) };
}

async function settled(...given: Parameters<typeof pushed>) {
  const world = await pushed(...given);
  await world.line.settle();
  return world;
}

describe('an index whose platforms have all been scanned', () => {
  it('carries one report, and no bill of materials', async () => {
    const { line, index, key } = await settled({ arm64: HIGH });
    const entry = await line.entry('app', index.digest);
    expect(entry?.decision?.verdict).toBe('pass');
    expect(entry).not.toHaveProperty('drafts');
    const [report, ...others] = await reportsOn(line, index.digest);
    expect(others).toEqual([]);
    expect(entry?.marks).toMatchObject([{ kind: 'sarif', digest: report?.digest }]);
    const { descriptors } = await line.registry.client.listReferrers(key, { maxDescriptors: 10, maxPages: 1 });
    expect(descriptors).toHaveLength(1);
  });

  it('carries it where a platform fails, too, and is locked afterwards', async () => {
    const { line, index } = await settled({ arm64: CRITICAL });
    expect(await line.entry('app', index.digest)).toMatchObject({
      decision: { verdict: 'fail' },
      enforcement: { state: 'quarantined' },
    });
    expect(await reportsOn(line, index.digest)).toHaveLength(1);
    const requests = line.registry.requests.filter((request) => /^(PUT|PATCH)/.test(request));
    const [report] = await reportsOn(line, index.digest);
    const marked = requests.findIndex((request) => request.includes(`/manifests/${report?.digest}`));
    const locked = requests.findIndex((request) => decodeURIComponent(request).includes(`_manifests/${index.digest}`));
    expect([marked >= 0, marked < locked]).toEqual([true, true]);
  });

  it('is as old as the oldest of their scans', async () => {
    const { line, index, amd64, arm64 } = await settled({});
    line.answers.set(arm64.digest, new AppError('SCAN_FAILED', 'away', { retryable: true }));
    const first = (await line.entry('app', arm64.digest))?.scan;
    await scanAgain(line);
    const second = (await line.entry('app', amd64.digest))?.scan;
    if (first?.state !== 'done' || second?.state !== 'done') throw new Error('not scanned');
    expect(Date.parse(second.finishedAt)).toBeGreaterThan(Date.parse(first.finishedAt));
    expect(await reportsOn(line, index.digest)).toMatchObject([{ createdAt: first.finishedAt }]);
  });

  it('is not asked for what its own report is, and nobody takes that for an image', async () => {
    const { line, index } = await settled({});
    const [report] = await reportsOn(line, index.digest);
    expect(await line.ledger.read(keyOf(report!.digest))).toBeUndefined();
    expect(await line.ledger.readExcluded(keyOf(report!.digest))).toMatchObject({ kind: 'other' });
  });

  it('is pushed nothing anew when it is decided once more', async () => {
    const { line, index, key } = await settled({});
    const marks = await marksOf(line, index.digest);
    const before = line.registry.requests.length;
    await line.decide(key);
    expect(line.registry.requests.slice(before).filter((request) => request.startsWith('P'))).toEqual([]);
    expect(await marksOf(line, index.digest)).toEqual(marks);
  });

  it('is marked again where somebody has deleted its report', async () => {
    const { line, index } = await settled({});
    const [report] = await reportsOn(line, index.digest);
    await line.registry.remove('app', report!.digest);
    line.registry.events.splice(0);
    line.queued.splice(0);
    await line.wait(25 * HOUR, HOUR);
    expect((await line.app.reconcile()).repairs).toMatchObject({ marks: 1 });
    await line.settle();
    expect(await reportsOn(line, index.digest)).toEqual([report]);
  });
});

describe('an index with a platform that has no report', () => {
  it('has none as long as that is not scanned, and gets it then', async () => {
    const away = new AppError('SCAN_FAILED', 'away', { retryable: true });
    const { line, index, arm64 } = await settled({ arm64: away });
    expect(await reportsOn(line, index.digest)).toEqual([]);
    line.answers.delete(arm64.digest);
    await line.wait(2 * HOUR, 600_000);
    expect(await reportsOn(line, index.digest)).toHaveLength(1);
  });

  it('has none where that cannot be scanned', async () => {
    const { line, index } = await settled({ arm64: new AppError('LAYER_MISMATCH', 'no', { retryable: false }) });
    expect((await line.entry('app', index.digest))?.decision?.verdict).toBe('inconclusive');
    expect([await reportsOn(line, index.digest), await marksOf(line, index.digest)]).toEqual([[], []]);
  });

  it('has none where that is an index itself', async () => {
    const line = await createLine(POLICY);
    const image = await sample.imageOf([{ path: 'name', content: 'inner' }], AMD64);
    const inner = sample.makeIndex([{ image, platform: AMD64 }]);
    const outer = sample.makeIndex([
      { image, platform: AMD64 },
      { image: inner, platform: ARM64 },
    ]);
    await line.registry.push(outer, 'app', { tag: 'v1' });
    await line.settle();
    expect((await line.entry('app', outer.digest))?.decision?.verdict).toBe('pass');
    expect([await reportsOn(line, outer.digest), await reportsOn(line, inner.digest)]).toMatchObject([[], [{}]]);
  });

  it('has none where that tells too much, which is journalled once, and the verdict stands', async () => {
    const { line, lines, index, key } = await settled({ arm64: TOO_MUCH });
    await line.decide(key);
    expect((await line.entry('app', index.digest))?.decision?.verdict).toBe('pass');
    expect(await reportsOn(line, index.digest)).toEqual([]);
    const refused = lines.filter((each) => each.what === 'mark-refused' && each.key?.digest === index.digest);
    expect(refused).toMatchObject(refused.map(() => ({ key, why: 'SARIF_TOO_LARGE' })));
    expect(new Set(refused.map(({ id }) => id)).size).toBe(1);
  });

  it('has none where that is lost, and is judged all the same', async () => {
    const { line, index, key, arm64 } = await settled({});
    const scan = (await line.entry('app', arm64.digest))?.scan;
    if (scan?.state !== 'done') throw new Error('not scanned');
    await line.ledger.update(key, (entry) => ({ ...entry, marks: [], settledAt: undefined }));
    const reports = {
      ...line.reports,
      get: (...what: Parameters<typeof line.reports.get>) =>
        what[0].digest === scan.findings.digest
          ? Promise.reject(new AppError('BLOB_MISSING', 'lost', { retryable: true }))
          : line.reports.get(...what),
    };
    line.redeploy({ reports });
    await line.decide(key);
    expect(await line.entry('app', index.digest)).toMatchObject({ decision: { verdict: 'pass' }, marks: [] });
  });
});

describe('a newer scan of one platform', () => {
  it('takes the place of the report on the index, although no verdict changes', async () => {
    const { line, index } = await settled({});
    const [first] = await reportsOn(line, index.digest);
    await scanAgain(line);
    const [second, ...others] = await reportsOn(line, index.digest);
    expect(others).toEqual([]);
    expect(second?.digest).not.toBe(first?.digest);
    expect(Date.parse(second?.createdAt ?? '')).toBeGreaterThan(Date.parse(first?.createdAt ?? ''));
    expect(await line.ledger.readExcluded(keyOf(first!.digest))).toBeUndefined();
    expect(line.cards).toEqual([]);
  });

  it('reaches an index that is locked', async () => {
    const { line, index, amd64 } = await settled({ arm64: CRITICAL });
    const [first] = await reportsOn(line, index.digest);
    line.answers.set(amd64.digest, HIGH);
    await scanAgain(line);
    const reports = await reportsOn(line, index.digest);
    expect(reports).toHaveLength(1);
    expect(reports).not.toEqual([first]);
  });

  it('leaves no pass of before where there can be no report any more', async () => {
    const { line, lines, index, arm64 } = await settled({});
    line.answers.set(arm64.digest, TOO_MUCH);
    await scanAgain(line);
    expect([await reportsOn(line, index.digest), await marksOf(line, index.digest)]).toEqual([[], []]);
    expect(lines).toContainEqual(expect.objectContaining({ what: 'mark-refused', why: 'SARIF_TOO_LARGE' }));
  });

  it('leaves none where the registry takes no new one', async () => {
    const { line, index } = await settled({});
    const { pushReferrer } = line.registry.client;
    const refusing: typeof pushReferrer = (subject, referrer) => {
      if (subject.key.digest !== index.digest) return pushReferrer(subject, referrer);
      const announce = async (digest: ArtifactKey['digest']) => {
        await referrer.announce?.(digest);
        throw new AppError('MARK_REFUSED', 'no');
      };
      return pushReferrer(subject, { ...referrer, announce });
    };
    line.redeploy({ registry: { ...line.registry.client, pushReferrer: refusing } });
    await scanAgain(line);
    expect([await reportsOn(line, index.digest), await marksOf(line, index.digest)]).toEqual([[], []]);
  });

  it('leaves the old one where we may not delete, and journals it', async () => {
    const { line, lines, index } = await settled({});
    line.redeploy({ registry: { ...line.registry.client, deleteReferrer: () => Promise.resolve('refused') } });
    await scanAgain(line);
    expect(await reportsOn(line, index.digest)).toHaveLength(2);
    expect(await marksOf(line, index.digest)).toHaveLength(1);
    expect(lines.filter(({ what }) => what === 'mark-kept').length).toBeGreaterThan(0);
  });
});
