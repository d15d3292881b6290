import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { sourceOf, tool } from '../support/go-tool.js';
import { ROOT } from '../support/process.js';
import {
  ELSEWHERE,
  GOOD,
  GUARD_CASES,
  POD_CASES,
  REQUEST_CASES,
  WORKLOAD_CASES,
  broken,
  guardCasesAt,
  namespace,
  pod,
} from './support/cases.js';
import { type Policies, judge, mistakesBy, policiesWith } from './support/kyverno.js';
import type { Resource } from './support/resource.js';

const IMAGES = 'lazaret-allowed-images';
const USED = 'lazaret-allowed-images-break-glass';
const GUARD = 'lazaret-break-glass';
const PODS = [...POD_CASES, ...WORKLOAD_CASES];

const made: Policies[] = [];
/** The policies, in which something may be wrong, without the one that asks a registry. */
async function policies(options?: Parameters<typeof policiesWith>[0]): Promise<readonly Resource[]> {
  const copy = policiesWith(options);
  made.push(copy);
  return (await copy.read()).filter(({ kind }) => kind === 'ValidatingPolicy');
}

let shipped: readonly Resource[];
beforeAll(async () => {
  await tool('kyverno');
  shipped = await policies();
});
afterAll(() => {
  for (const each of made) each.remove();
});

describe("Kyverno's own tool", () => {
  it('finds that every good image is let in, and everything else refused, with the reason', async () => {
    expect(await mistakesBy(shipped, IMAGES, PODS)).toEqual([]);
  });

  it('finds the same of what is done to a Pod later', async () => {
    expect(await mistakesBy(shipped, IMAGES, REQUEST_CASES)).toEqual([]);
  });

  it('finds the same of who breaks the glass, and for how long', async () => {
    expect(await mistakesBy(shipped, GUARD, [...GUARD_CASES, ...guardCasesAt(new Date())])).toEqual([]);
  });

  it('leaves out the namespaces that are named, and no other', async () => {
    const elsewhere = (name: string) => ({
      object: pod({ containers: [{ name: 'web', image: ELSEWHERE }] }, { namespace: name }),
    });
    const names = ['kube-system', 'kyverno', 'azure-arc', 'staging', 'kube-systems', 'default'];
    const said = await judge(shipped, names.map(elsewhere));
    expect(said.map((all) => all.some(({ policy, result }) => policy === IMAGES && result === 'fail'))).toEqual([
      ...[false, false, false],
      ...[true, true, true],
    ]);
  });
});

describe('a policy that', () => {
  it.each([
    [
      'does not look at init containers',
      'variables.spec.?initContainers',
      'variables.spec.?nothing',
      'an init container',
    ],
    [
      'does not look at ephemeral containers',
      'variables.spec.?ephemeralContainers',
      'variables.spec.?nothing',
      'ephemeral',
    ],
    ['does not look at volumes', 'variables.spec.?volumes', 'variables.spec.?nothing', 'image volume from elsewhere'],
    [
      'does not look at containers',
      "variables.slots.filter(s, s[1] == ''",
      "variables.slots.filter(s, !s[0].startsWith('container')).filter(s, s[1] == ''",
      'another registry',
    ],
    ['forgets the slash', "variables.registry + '/'", 'variables.registry', 'host that begins alike'],
    ['matches a host anywhere', 's[1].startsWith(', 's[1].contains(', 'path that looks so'],
    ['takes tags', '!s[1].matches(', "s[1] == '?' && !s[1].matches(", 'tag alone'],
    ['takes whatever follows a digest', '{64}$', '{64}', 'line behind its digest'],
    ['takes a digest of any length', '[a-f0-9]{64}$', '[a-f0-9]+$', 'short digest'],
    ['takes what it cannot read', "? s[0] + ' names no image that can be read'", "? ''", 'has no image'],
    ['takes a Pod without containers', "['the Pod has no containers']", '[]', 'no containers'],
    ['looks at no CronJobs', '[jobs, cronjobs]', '[jobs]', 'CronJob'],
    ['looks at no Deployments', '[deployments, ', '[', 'Deployment'],
    [
      'looks for a CronJob where others have their Pods',
      "object.kind == 'CronJob'",
      "object.kind == 'Cron'",
      'CronJob',
    ],
    ['lets everything in', 'size(variables.problems) == 0 ||', 'true ||', 'another registry'],
  ])('%s does not pass', async (_, from, to, name) => {
    const mistakes = await mistakesBy(await policies({ from, to }), IMAGES, PODS);
    expect(mistakes.join('\n')).toContain(name);
  });

  it.each([
    [
      'lets everything in on an update',
      "s[1] == '' || !(s[1] in variables.had)",
      "request.operation != 'UPDATE'",
      'changed to an image',
    ],
    ['looks at old images again', '|| !(s[1] in variables.had)', "|| s[1] != ''", 'finalizer'],
    ['wants to be asked before a Pod goes away', '[CREATE, UPDATE]', '[CREATE, UPDATE, DELETE]', 'goes away'],
  ])('%s does not pass', async (_, from, to, name) => {
    const mistakes = await mistakesBy(await policies({ from, to }), IMAGES, REQUEST_CASES);
    expect(mistakes.join('\n')).toContain(name);
  });

  it.each([
    [
      'lets everybody break the glass',
      'variables.group in request.userInfo.?groups.orValue([])',
      'true',
      'by somebody else',
    ],
    ['sets no end to it', '<= duration(variables.maximum)', "<= duration('100000h')", 'longer than is allowed'],
    [
      'wants no reason',
      "variables.said[?'lazaret.io/break-glass-reason'].orValue('').trim() != ''",
      'true',
      'no reason',
    ],
    ['takes a blank reason', ".orValue('').trim() != ''", ".orValue('') != ''", 'empty reason'],
    [
      'wants no ticket',
      "variables.said[?'lazaret.io/break-glass-ticket'].orValue('').trim() != ''",
      'true',
      'no ticket',
    ],
    ['takes what is over', 'time.now() < timestamp(variables.until) &&', '', 'is over'],
    [
      'looks at new namespaces alone',
      "!(request.operation == 'UPDATE' &&",
      "!(request.operation == 'UPDATE' || ",
      'set later by somebody else',
    ],
    ['looks at old namespaces alone', '[CREATE, UPDATE]', '[UPDATE]', 'is set by somebody else'],
    [
      'does not see another reason',
      ", 'lazaret.io/break-glass-reason', 'lazaret.io/break-glass-ticket'].all",
      '].all',
      'another reason',
    ],
    ['does not leave alone what stays', 'variables.said[?name]', "'x' + variables.said[?name]", 'stays as it was'],
  ])('%s does not pass', async (_, from, to, name) => {
    const wrong = await policies({ file: 'base/break-glass.yaml', from, to });
    const mistakes = await mistakesBy(wrong, GUARD, [...GUARD_CASES, ...guardCasesAt(new Date())]);
    expect(mistakes.join('\n')).toContain(name);
  });
});

describe('break-glass', () => {
  const now = new Date();
  const good = broken(now, 3);
  const labelled = (annotations: Readonly<Record<string, string>>) => {
    const { metadata, ...rest } = namespace(annotations) as { readonly metadata: object };
    return { ...rest, metadata: { ...metadata, labels: { 'kubernetes.io/metadata.name': 'team' } } };
  };
  /** What is said of an image, in a namespace that says so. */
  async function said(
    annotations: Readonly<Record<string, string>> | null,
    { from = shipped, image = ELSEWHERE }: { readonly from?: readonly Resource[]; readonly image?: string } = {},
  ) {
    const object = pod({ containers: [{ name: 'web', image }] });
    const [judgements = []] = await judge(from, [
      { object, ...(annotations !== null && { namespace: labelled(annotations) }) },
    ]);
    const by = (name: string) => judgements.find(({ policy }) => policy === name);
    return { allowed: by(IMAGES)?.result, used: by(USED) };
  }
  const REFUSED = { allowed: 'fail', used: { policy: USED, result: 'pass', message: 'success' } };

  it('lets in while it holds, and says so', async () => {
    expect(await said(good)).toEqual({
      allowed: 'pass',
      used: {
        policy: USED,
        result: 'fail',
        message: `admitted unverified, by break-glass in namespace team until ${good['until']!}: the registry is away (INC-1)`,
      },
    });
  });

  it.each([
    ['+00:00', 0],
    ['-02:30', -2.5],
    ['+01:00', 1],
    ['.5Z', 0],
  ])('lets in with a time that ends with %s', async (zone, ahead) => {
    const until = broken(now, 2 + ahead)['until']!.replace('Z', zone);
    expect(await said({ ...good, until })).toMatchObject({ allowed: 'pass', used: { result: 'fail' } });
  });

  it.each<readonly [string, Readonly<Record<string, string>> | null]>([
    ['is not said', {}],
    ['is said of no namespace that is known', null],
    ['is over', broken(now, -1)],
    ['is for longer than is allowed', broken(now, 5)],
    ['is no time', { ...good, until: 'soon' }],
    ['is a number', { ...good, until: '9999999999' }],
    ['is in no zone', { ...good, until: good['until']!.slice(0, -1) }],
    ['is in a month that there is not', { ...good, until: good['until']!.replace(/-\d\d-/, '-13-') }],
    ['has no reason', { until: good['until']!, ticket: 'INC-1' }],
    ['has an empty reason', { ...good, reason: ' ' }],
    ['has no ticket', { until: good['until']!, reason: 'x' }],
  ])('lets nothing in where it %s', async (_, annotations) => {
    expect(await said(annotations)).toEqual(REFUSED);
  });

  it('takes nothing from a good image where its day does not exist', async () => {
    const until = '2026-02-31T12:00:00Z';
    expect((await said({ ...good, until })).allowed).toBe('error');
    expect((await said({ ...good, until }, { image: GOOD })).allowed).toBe('pass');
  });

  it('lets nothing in where its maximum is none', async () => {
    expect(await said(good, { from: await policies({ settings: { breakGlassMaximum: '-4h' } }) })).toEqual(REFUSED);
  });

  // Kyverno's own webhook refuses such a policy when it is applied.
  it.each([['soon'], ['']])('is no policy where its maximum is %j', async (breakGlassMaximum) => {
    const wrong = await policies({ settings: { breakGlassMaximum } });
    await expect(said(good, { from: wrong })).rejects.toThrow('invalid duration');
  });

  it.each([
    ['its end', 'time.now() < timestamp(until) &&', '', broken(now, -1)],
    ['its maximum', '<= maximum', "<= maximum + duration('100h')", broken(now, 5)],
    ['its ticket', "said[?'lazaret.io/break-glass-ticket'].orValue('').trim() != ''", 'true', { ...good, ticket: ' ' }],
  ])('would be too much without %s', async (_, from, to, annotations) => {
    const wrong = await policies({ file: 'base/break-glass.cel', from, to });
    expect((await said(annotations, { from: wrong })).allowed).toBe('pass');
    expect((await said(annotations)).allowed).toBe('fail');
  });
});

describe('the values for the chart', () => {
  it('set options that Kyverno knows', async () => {
    const source = await sourceOf('kyverno', 'github.com/kyverno/kyverno');
    const options = ['cmd/internal/flag.go', 'cmd/kyverno/main.go']
      .map((path) => readFileSync(join(source, path), 'utf8'))
      .join();
    const values = parse(readFileSync(join(ROOT, 'infra', 'kubernetes', 'kyverno', 'values.yaml'), 'utf8'), {
      merge: true,
    }) as { admissionController: { container: { extraArgs: object } } };
    const { extraArgs } = values.admissionController.container;
    expect(Object.keys(extraArgs)).not.toEqual([]);
    for (const option of Object.keys(extraArgs)) expect(options).toContain(`"${option}"`);
  });
});
