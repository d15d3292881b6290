import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ROOT } from '../support/process.js';
import { ELSEWHERE, broken, namespace, pod } from './support/cases.js';
import { readResources } from './support/resource.js';
import { SUITE, suiteAt } from './support/gatekeeper.js';
import { verifySuite, writeSuite } from './support/gator.js';
import { reviewer } from './support/opa.js';
import { tool } from '../support/go-tool.js';

const FOLDER = join(ROOT, 'infra', 'kubernetes', 'gatekeeper');
const IMAGES = 'base/allowed-images.yaml';
const GLASS = 'base/break-glass.yaml';

/** A copy of the policies in which `from` is `to`. */
function copyWith(file = IMAGES, from = '', to = ''): string {
  const copy = mkdtempSync(join(tmpdir(), 'lazaret-gator-'));
  cpSync(FOLDER, copy, { recursive: true });
  const text = readFileSync(join(copy, file), 'utf8');
  if (text.split(from).length < 2) throw new Error(`${file} does not say ${from}`);
  writeFileSync(join(copy, file), text.replaceAll(from, to));
  return copy;
}

const copies: string[] = [];
const kept = (copy: string) => {
  copies.push(copy);
  return copy;
};
beforeAll(async () => {
  await tool('gator');
  await tool('opa');
});
afterAll(() => {
  for (const copy of copies) rmSync(copy, { recursive: true, force: true });
});

describe("Gatekeeper's own tool", () => {
  it('finds that everything good is let in, and everything else refused, with the reason', async () => {
    const { passed, said } = await verifySuite(FOLDER);
    expect(passed, said).toBe(true);
    const cases = SUITE.reduce((sum, each) => sum + each.cases.length, 0);
    expect(said.match(/--- PASS: /g)).toHaveLength(cases + SUITE.length);
  });

  it('finds the same of who breaks the glass, and for how long', async () => {
    const copy = kept(copyWith());
    writeSuite(copy, suiteAt(new Date()));
    const { passed, said } = await verifySuite(copy);
    expect(passed, said).toBe(true);
  });
});

describe('a policy that', () => {
  it.each([
    ['does not look at init containers', '"initContainers": "init container",', '', 'init container from elsewhere'],
    [
      'does not look at ephemeral containers',
      '"ephemeralContainers": "ephemeral container",',
      '',
      'ephemeral container',
    ],
    ['does not look at volumes', 'containers(spec) | volumes(spec)', 'containers(spec)', 'image volume from elsewhere'],
    ['does not look at containers', '"containers": "container",', '', 'another registry'],
    ['forgets the slash', 'sprintf("%s/", [name])', 'sprintf("%s", [name])', 'host that begins alike'],
    ['matches a host anywhere', 'startswith(image, prefix)', 'contains(image, prefix)', 'path that looks so'],
    ['takes tags', 'not pod_images.pinned(slot.image)', 'not slot.image', 'tag alone'],
    ['lets a line follow a digest', '{64}$`, image)', '{64}`, image)', 'line behind its digest'],
    ['takes a digest of any length', '[a-f0-9]{64}$', '[a-f0-9]+$', 'short digest'],
    [
      'lets everything in on an update',
      'review.operation == "UPDATE"\n',
      'review.operation == "CREATE"\n',
      'finalizer',
    ],
    ['takes what it cannot read', 'slot.image == ""', 'slot.image == "?"', 'has no image'],
    [
      'takes a name on Docker Hub for a host',
      'regex.match(`[.:]`, split(name, "/")[0])',
      'true',
      'is of Docker Hub, by a name without a dot',
    ],
    [
      'takes any text for the name of a repository',
      '(([._]|__|-+)[a-z0-9]+)*)+(:',
      '[a-z0-9._/-]*)+(:',
      'climbs out of its',
    ],
    [
      'lets in what begins like a repository',
      'some end in [":", "@"]',
      'some end in ["", "@"]',
      'repository that begins alike',
    ],
    ['lets in by no repository', 'some end in [":", "@"]', 'some end in []', 'is the repository that is named'],
    [
      'lets an image in anew wherever it is already',
      'not slot in old',
      'not slot.image in {each.image | some each in old}',
      'is debugged with the tag that it runs already',
    ],
    ['takes a Pod without containers', 'else := {"the Pod has no containers"}', 'else := set()', 'no containers'],
    [
      'does not expand workloads',
      'kinds: [Deployment, ReplicaSet',
      'kinds: [Deploiment, Replicaset',
      'Deployment',
      'base/expansion.yaml',
    ],
    [
      'does not expand CronJobs',
      'templateSource: spec.jobTemplate',
      'templateSource: spec.template',
      'CronJob',
      'base/expansion.yaml',
    ],
  ])('%s does not pass', async (_, from, to, caseName, file = IMAGES) => {
    const { passed, said } = await verifySuite(kept(copyWith(file, from, to)));
    expect(passed).toBe(false);
    expect(said).toMatch(new RegExp(`--- FAIL: .*${caseName}`));
  });

  it.each([
    ['lets everybody break the glass', 'not is_member\n', 'not true\n', 'by somebody else'],
    ['sets no end to it', 'until - now <= ', '0 <= ', 'longer than is allowed'],
    [
      'wants no reason',
      '"lazaret.io/break-glass-reason", "lazaret.io/break-glass-ticket"]\n',
      '"lazaret.io/break-glass-ticket"]\n',
      'no reason',
    ],
    [
      'looks at new namespaces alone',
      'input.review.operation == "UPDATE"',
      'input.review.operation == "NEVER"',
      'set later by somebody else',
    ],
    [
      'looks at old namespaces alone',
      'input.review.operation == "CREATE"',
      'input.review.operation == "NEVER"',
      'is set by somebody else',
    ],
    [
      'tells the audit nothing',
      'object.get(input.review, "operation", "") == ""',
      'not input.review.operation',
      'which the audit tells',
    ],
    [
      'lets a label take a namespace out of everything',
      'object.get(input.review, "subResource", "") != ""',
      'input.review.subResource == "none"',
      'gone around by a label, by way of status',
    ],
    [
      'refuses a label that was there',
      'not input.review.oldObject.metadata.labels[ignore]',
      'true',
      'gone around by a label that was there',
    ],
  ])('%s does not pass', async (_, from, to, caseName) => {
    const copy = kept(copyWith(GLASS, from, to));
    writeSuite(copy, [...SUITE.filter(({ name }) => name === 'break-glass'), ...suiteAt(new Date())]);
    const { passed, said } = await verifySuite(copy);
    expect(passed).toBe(false);
    expect(said).toMatch(new RegExp(`--- FAIL: .*${caseName}`));
  });
});

describe('break-glass', () => {
  const now = new Date();
  const good = broken(now, 3);
  const REFUSED = [expect.stringContaining('is not from contoso.azurecr.io')];

  /** What is said of an image from elsewhere, in a namespace that says so. */
  async function said(
    annotations: Readonly<Record<string, string>> | null,
    { tell = 'refused', maximum = '4h', copy = FOLDER }: { tell?: string; maximum?: string | null; copy?: string } = {},
  ) {
    const template = readResources(readFileSync(join(copy, IMAGES), 'utf8'))[0]!;
    const parameters = {
      registries: ['contoso.azurecr.io'],
      ...(maximum !== null && { breakGlassMaximum: maximum }),
      tell,
    };
    const review = {
      kind: { group: '', version: 'v1', kind: 'Pod' },
      operation: 'CREATE',
      object: pod({ containers: [{ name: 'web', image: ELSEWHERE }] }),
      namespaceObject: annotations && namespace(annotations),
    };
    return (await reviewer(template, { spec: { parameters } }))(review);
  }

  it('lets in while it holds, and says so', async () => {
    expect(await said(good)).toEqual([]);
    expect(await said(good, { tell: 'exempted' })).toEqual([
      `admitted unverified, by break-glass in namespace team until ${good['until']!}: the registry is away (INC-1)`,
    ]);
  });

  it.each<readonly [string, Readonly<Record<string, string>> | null]>([
    ['is not said', {}],
    ['is said of no namespace that is known', null],
    ['is over', broken(now, -1)],
    ['is for longer than is allowed', broken(now, 5)],
    ['is no time', { ...good, until: 'soon' }],
    ['is a number', { ...good, until: '9999999999' }],
    ['has no reason', { until: good['until']!, ticket: 'INC-1' }],
    ['has an empty reason', { ...good, reason: ' ' }],
    ['has no ticket', { until: good['until']!, reason: 'x' }],
  ])('lets nothing in where it %s', async (_, annotations) => {
    expect(await said(annotations)).toEqual(REFUSED);
    expect(await said(annotations, { tell: 'exempted' })).toEqual([]);
  });

  it.each([[null], [''], ['soon'], ['-4h']])('lets nothing in where its maximum is %s', async (maximum) => {
    expect(await said(good, { maximum })).toEqual(REFUSED);
  });

  it.each([
    ['its end', 'now < until', 'true', broken(now, -1)],
    ['its maximum', 'until - now <= time.parse_duration_ns(maximum)', 'maximum', broken(now, 5)],
    ['its ticket', 'trim_space(said["lazaret.io/break-glass-ticket"]) != ""', 'true', { ...good, ticket: ' ' }],
  ])('would be too much without %s', async (_, from, to, annotations) => {
    expect(await said(annotations, { copy: kept(copyWith(IMAGES, from, to)) })).toEqual([]);
    expect(await said(annotations)).toEqual(REFUSED);
  });
});
