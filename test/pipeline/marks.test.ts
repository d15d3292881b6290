import { describe, expect, it } from 'vitest';
import * as sample from '../../local/sample/image.js';
import { MediaType } from '../../shared/artifact/media-type.js';
import { AppError } from '../../shared/error/app-error.js';
import { QUEUES } from '../../shared/message/queue-name.js';
import type { JournalEvent } from '../../shared/pipeline/effects.js';
import type { Services } from '../../shared/steps.js';
import { admissionReads } from '../support/admission-reads.js';
import { type Line, type Verdictless, createLine, onePolicy } from '../support/line.js';
import { TOO_MUCH, hangingOn, keyOf, marksOf, reportsOn, scanAgain } from '../support/marks.js';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const POLICY = `maxAge: 48h\n${onePolicy('vulnerabilities: { fail: CRITICAL }\nonPush: mark')}`;
const CRITICAL: Verdictless = { vulnerabilities: [{ id: 'CVE-1', severity: 'CRITICAL' }] };

/** An image that has been scanned and decided, on a line that notes what is journalled. */
async function settled(answer: Verdictless = {}, more: (line: Line) => Partial<Services> = () => ({})) {
  const lines: JournalEvent[] = [];
  const line = await createLine(POLICY, { journal: (event) => Promise.resolve(void lines.push(event)) });
  line.redeploy(more(line));
  const image = await sample.imageOf([{ path: 'name', content: 'marked' }]);
  line.answers.set(image.digest, answer);
  await line.registry.push(image, 'app', { tag: 'v1' });
  await line.settle();
  return { line, lines, image };
}

/** It is scanned once more, with another outcome. */
async function findAgain(line: Line, digest: string, answer: Verdictless) {
  line.answers.set(digest, answer);
  await scanAgain(line);
}

const typesOn = async (line: Line, digest: string) =>
  (await hangingOn(line, digest)).map(({ artifactType }) => artifactType).sort();
const named = (lines: readonly JournalEvent[], what: string) => lines.filter((each) => each.what === what);

/** A registry that takes no referrer of this type. */
const refusing = ({ registry: { client } }: Line, type: string): Services['registry'] => ({
  ...client,
  pushReferrer: (subject, referrer) =>
    referrer.artifactType === type
      ? Promise.reject(new AppError('MARK_REFUSED', 'no'))
      : client.pushReferrer(subject, referrer),
});

describe('an image that has been scanned', () => {
  it('carries a bill of materials and a report, as old as its scan', async () => {
    const { line, image } = await settled();
    expect(await typesOn(line, image.digest)).toEqual([MediaType.sarif, MediaType.cyclonedx].sort());
    const entry = await line.entry('app', image.digest);
    if (entry?.scan.state !== 'done') throw new Error('not scanned');
    const { finishedAt, scanId } = entry.scan;
    expect(await hangingOn(line, image.digest)).toMatchObject([{ createdAt: finishedAt }, { createdAt: finishedAt }]);
    expect(entry.marks).toMatchObject([
      { kind: 'sbom', scanId },
      { kind: 'sarif', scanId },
    ]);
  });

  it('carries a report that hides no finding behind a milder one of the same identifier', async () => {
    const rated = ['LOW', 'CRITICAL', 'MEDIUM'].map((severity) => ({ id: 'CVE-1', severity }));
    const { line, image } = await settled({ vulnerabilities: rated });
    const [report] = await reportsOn(line, image.digest);
    expect(admissionReads(Buffer.from(report!.text))).toEqual(['CRITICAL', 'CRITICAL', 'CRITICAL']);
    expect((await line.entry('app', image.digest))?.decision?.verdict).toBe('fail');
  });

  it('is pushed nothing anew when it is decided once more', async () => {
    const { line, image } = await settled();
    const marks = await marksOf(line, image.digest);
    const before = line.registry.requests.length;
    await line.decide(keyOf(image.digest));
    expect(line.registry.requests.slice(before).filter((request) => request.startsWith('P'))).toEqual([]);
    expect(await marksOf(line, image.digest)).toEqual(marks);
  });

  it('carries the marks of a newer scan alone', async () => {
    const { line, image } = await settled();
    const first = await hangingOn(line, image.digest);
    await findAgain(line, image.digest, { vulnerabilities: [{ id: 'CVE-1', severity: 'LOW' }] });
    const second = await hangingOn(line, image.digest);
    expect(second).toHaveLength(2);
    for (const { digest } of second) expect(first.map((each) => each.digest)).not.toContain(digest);
  });
});

describe('an image of which there is too much to tell', () => {
  it('carries its bill of materials alone, which is journalled once, and the verdict stands', async () => {
    const { line, lines, image } = await settled(TOO_MUCH);
    await line.decide(keyOf(image.digest));
    await line.decide(keyOf(image.digest));
    expect((await line.entry('app', image.digest))?.decision?.verdict).toBe('pass');
    expect(await typesOn(line, image.digest)).toEqual([MediaType.cyclonedx]);
    expect(await marksOf(line, image.digest)).toMatchObject([{ kind: 'sbom' }]);
    const refused = named(lines, 'mark-refused');
    expect(refused).toMatchObject(refused.map(() => ({ key: keyOf(image.digest), why: 'SARIF_TOO_LARGE' })));
    expect(new Set(refused.map(({ id }) => id)).size).toBe(1);
  });

  it('keeps no report of before, and gets one again when there is less', async () => {
    const { line, image } = await settled();
    await findAgain(line, image.digest, TOO_MUCH);
    expect(await typesOn(line, image.digest)).toEqual([MediaType.cyclonedx]);
    expect(await marksOf(line, image.digest)).toMatchObject([{ kind: 'sbom' }]);
    await findAgain(line, image.digest, {});
    expect(await typesOn(line, image.digest)).toHaveLength(2);
    expect(await marksOf(line, image.digest)).toMatchObject([{ kind: 'sbom' }, { kind: 'sarif' }]);
  });

  it('keeps it where we may not delete, which is journalled', async () => {
    const { line, lines, image } = await settled();
    line.redeploy({ registry: { ...line.registry.client, deleteReferrer: () => Promise.resolve('refused') } });
    await findAgain(line, image.digest, TOO_MUCH);
    expect(await reportsOn(line, image.digest)).toHaveLength(1);
    expect(named(lines, 'mark-kept')).not.toEqual([]);
  });
});

describe('an image of which there is no bill of materials', () => {
  it('is judged, and carries its report alone, where the scanner could not make one', async () => {
    const { line, lines, image } = await settled({ ...CRITICAL, withoutSbom: true });
    expect((await line.entry('app', image.digest))?.decision?.verdict).toBe('fail');
    expect(await typesOn(line, image.digest)).toEqual([MediaType.sarif]);
    expect(await marksOf(line, image.digest)).toMatchObject([{ kind: 'sarif' }]);
    expect(named(lines, 'mark-refused')[0]).toMatchObject({ why: 'SBOM_MISSING' });
  });

  it('is judged, and carries its report alone, where it is lost', async () => {
    const lost = new AppError('BLOB_MISSING', 'lost', { retryable: true });
    const { line, lines, image } = await settled(CRITICAL, ({ reports }) => ({
      reports: {
        ...reports,
        get: async (...what) => {
          const bytes = await reports.get(...what);
          if (Buffer.from(bytes).includes('CycloneDX')) throw lost;
          return bytes;
        },
      },
    }));
    expect((await line.entry('app', image.digest))?.decision?.verdict).toBe('fail');
    expect(await typesOn(line, image.digest)).toEqual([MediaType.sarif]);
    expect(named(lines, 'mark-refused')[0]).toMatchObject({ why: 'BLOB_MISSING' });
  });
});

describe('a registry that takes one mark and not the other', () => {
  it.each([
    [MediaType.sarif, 'sbom', MediaType.cyclonedx],
    [MediaType.cyclonedx, 'sarif', MediaType.sarif],
  ])('has that one, and gets the other when it can: not %s', async (refused, kind, taken) => {
    const { line, lines, image } = await settled({}, (of) => ({ registry: refusing(of, refused) }));
    expect(await typesOn(line, image.digest)).toEqual([taken]);
    expect(await marksOf(line, image.digest)).toMatchObject([{ kind }]);
    expect(named(lines, 'mark-refused')[0]).toMatchObject({ why: 'MARK_REFUSED' });
    line.redeploy({});
    await line.decide(keyOf(image.digest));
    expect(await typesOn(line, image.digest)).toHaveLength(2);
    expect(await marksOf(line, image.digest)).toMatchObject([{ kind: 'sbom' }, { kind: 'sarif' }]);
  });

  it('keeps no report of an earlier scan', async () => {
    const { line, image } = await settled();
    line.redeploy({ registry: refusing(line, MediaType.sarif) });
    await findAgain(line, image.digest, CRITICAL);
    expect(await typesOn(line, image.digest)).toEqual([MediaType.cyclonedx]);
  });

  it('is not forgotten what it has', async () => {
    const { line, image } = await settled({}, (of) => ({ registry: refusing(of, MediaType.sarif) }));
    const before = await marksOf(line, image.digest);
    const pushReferrer = () => Promise.reject(new AppError('MARK_REFUSED', 'no'));
    line.redeploy({ registry: { ...line.registry.client, pushReferrer } });
    await line.decide(keyOf(image.digest));
    expect(await marksOf(line, image.digest)).toEqual(before);
    line.redeploy({});
    await findAgain(line, image.digest, {});
    expect(await typesOn(line, image.digest)).toHaveLength(2);
  });
});

/** An image whose report somebody has deleted, and the sweep that comes to know of it. */
async function unmarked() {
  const line = await createLine(onePolicy('onPush: mark'));
  const image = await sample.imageOf([{ path: 'name', content: 'marked' }]);
  await line.registry.push(image, 'app', { tag: 'v1' });
  await line.settle();
  const [mark] = (await line.entry('app', image.digest))!.marks;
  await line.registry.remove('app', mark!.digest);
  line.registry.events.splice(0);
  await line.wait(25 * HOUR, HOUR);
  expect((await line.app.reconcile()).repairs).toMatchObject({ marks: 1 });
  return { line, image, mark };
}

const digestsOn = async (line: Line, digest: string) => (await hangingOn(line, digest)).map((each) => each.digest);

describe('a mark that somebody has deleted', () => {
  it('is made again', async () => {
    const { line, image, mark } = await unmarked();
    await line.settle();
    expect(await digestsOn(line, image.digest)).toContain(mark!.digest);
  });

  it('is made again although the request for it got lost', async () => {
    const { line, image, mark } = await unmarked();
    const lost = line.queued.splice(0);
    expect(lost.map(({ queue }) => queue)).toContain(QUEUES.decide);
    for (let minutes = 0; minutes < 20; minutes += 5) {
      await line.wait(5 * MINUTE);
      await line.app.reconcile();
      await line.settle();
    }
    expect(await digestsOn(line, image.digest)).toContain(mark!.digest);
    expect((await line.entry('app', image.digest))?.settledAt).toBeDefined();
  });
});
