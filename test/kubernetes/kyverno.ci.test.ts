import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type AdmissionCase,
  ELSEWHERE,
  GROUP,
  GUARD_CASES,
  MALFORMED_CASES,
  POD_CASES,
  REQUEST_CASES,
  WORKLOAD_CASES,
  broken,
  guardCasesAt,
  namespace,
  pod,
} from './support/cases.js';
import { judge, named } from './support/kyverno.js';
import { copyOfKubernetes, render } from './support/render.js';
import { type Resource, only } from './support/resource.js';

let kubernetes: string;
let images: Resource;
let guard: Resource;
let used: Resource;
beforeAll(async () => {
  kubernetes = copyOfKubernetes({ breakGlassGroup: GROUP });
  const resources = await render(join(kubernetes, 'kyverno', 'production'));
  images = only(resources, 'ValidatingPolicy', 'lazaret-allowed-images');
  guard = only(resources, 'ValidatingPolicy', 'lazaret-break-glass');
  used = only(resources, 'ValidatingPolicy', 'lazaret-break-glass-used');
});
afterAll(() => rmSync(kubernetes, { recursive: true }));

/** The names of the cases that a policy judges otherwise than it has to. */
async function wrong(
  policy: Resource,
  cases: readonly AdmissionCase[],
  groups?: readonly string[],
): Promise<readonly string[]> {
  const objects = cases.map(({ object }, index) => named(object, `case-${index}`));
  const judged = await judge([policy], objects, groups && { groups });
  return cases.flatMap(({ name, refused }, index) => {
    const each = judged.find((judgement) => judgement.name === `case-${index}`);
    // What cannot be evaluated is refused as well: the policy fails closed.
    const isRefused = each?.result === 'fail' || each?.result === 'error';
    const isRight =
      refused === undefined
        ? each !== undefined && !isRefused
        : isRefused && (each.result === 'error' || each.message.includes(refused));
    return isRight ? [] : [`${name}: ${each?.result ?? 'not judged'} ${each?.message ?? ''}`];
  });
}

/** The same policy, in which `from` is `to`. */
function changed(policy: Resource, from: string, to: string): Resource {
  const text = JSON.stringify(policy);
  const [before, after] = [from, to].map((each) => JSON.stringify(each).slice(1, -1));
  if (!text.includes(before!)) throw new Error(`${policy.metadata.name} does not say ${from}`);
  return JSON.parse(text.replaceAll(before!, after!)) as Resource;
}

/**
 * The tool knows neither requests nor what was there before, so what is asked of both is put into the object itself, and the policy
 * looks for it there.
 */
const asked = (policy: Resource) =>
  JSON.parse(
    JSON.stringify(policy)
      .replaceAll('request.operation', 'object.lazaretOperation')
      .replaceAll('oldObject', 'object.lazaretOld'),
  ) as Resource;
function put({ object, ...each }: AdmissionCase): readonly (AdmissionCase & { readonly groups: readonly string[] })[] {
  const { request } = object as {
    request: {
      operation: string;
      object?: Readonly<Record<string, unknown>>;
      oldObject?: unknown;
      userInfo: { groups: readonly string[] };
    };
  };
  // What goes away is not asked about: the policies name the two operations that they are for.
  if (request.object === undefined) return [];
  const { operation: lazaretOperation, oldObject: lazaretOld } = request;
  return [{ ...each, object: { ...request.object, lazaretOperation, lazaretOld }, groups: request.userInfo.groups }];
}
async function wrongRequests(policy: Resource, cases: readonly AdmissionCase[]): Promise<readonly string[]> {
  const all = cases.flatMap(put);
  const groups = [...new Set(all.map((each) => each.groups.join(' ')))];
  const found = groups.map((group) =>
    wrong(
      asked(policy),
      all.filter((each) => each.groups.join(' ') === group),
      group.split(' '),
    ),
  );
  return (await Promise.all(found)).flat();
}

describe('the allow-list', () => {
  it('lets everything good in, and refuses everything else, with the reason', async () => {
    expect(await wrong(images, [...POD_CASES, ...WORKLOAD_CASES])).toEqual([]);
  });

  it('refuses what no API server would let through', async () => {
    expect(
      await wrong(
        images,
        MALFORMED_CASES.map((each) => ({ ...each, refused: '' })),
      ),
    ).toEqual([]);
  });

  it('judges on an update what is new in a Pod', async () => {
    expect(await wrongRequests(images, REQUEST_CASES)).toEqual([]);
  });

  it('says nothing of namespaces that the cluster needs', async () => {
    const object = named(pod({ containers: [{ name: 'web', image: ELSEWHERE }] }), 'web');
    const inside = { ...object, metadata: { name: 'web', namespace: 'kube-system' } };
    expect(await judge([images], [inside], { namespace: 'kube-system' })).toEqual([]);
  });

  it.each([
    [
      'does not look at init containers',
      'variables.pod.?initContainers',
      'variables.pod.?noContainers',
      'init container from elsewhere',
    ],
    [
      'does not look at ephemeral containers',
      'variables.pod.?ephemeralContainers',
      'variables.pod.?noContainers',
      'ephemeral container',
    ],
    ['does not look at volumes', 'variables.pod.?volumes', 'variables.pod.?noVolumes', 'image volume from elsewhere'],
    [
      'forgets the slash',
      "!s.image.startsWith(variables.registry + '/')",
      '!s.image.startsWith(variables.registry)',
      'host that begins alike',
    ],
    ['takes tags', '!s.image.matches(', 'false && !s.image.matches(', 'tag alone'],
    ['takes a digest of any length', '[a-f0-9]{64}$', '[a-f0-9]+$', 'short digest'],
    ['takes what it cannot read', "s.image == ''", 'false', 'has no image'],
    ['looks at what a Pod had already', 's.image in images', 'false', 'loses its finalizer'],
    ['looks at no update at all', 's.image in images', 'true', 'is changed to an image'],
    ['knows no CronJobs', "object.kind == 'CronJob'", "object.kind == 'CronJop'", 'CronJob'],
  ])('that %s does not pass', async (_, from, to, name) => {
    const mistaken = changed(images, from, to);
    const found = [
      ...(await wrong(mistaken, [...POD_CASES, ...WORKLOAD_CASES])),
      ...(await wrongRequests(mistaken, REQUEST_CASES)),
    ];
    expect(found.join('\n')).toContain(name);
  });
});

describe('break-glass', () => {
  const now = new Date();
  const good = broken(now, 3);
  const annotationsOf = (said: Readonly<Record<string, string>>) =>
    (namespace(said)['metadata'] as { annotations: Readonly<Record<string, string>> }).annotations;
  const object = named(pod({ containers: [{ name: 'web', image: ELSEWHERE }] }), 'web');
  const results = async (policy: Resource, said: Readonly<Record<string, string>>) =>
    (await judge([policy], [object], { annotations: annotationsOf(said) })).map(({ result, message }) => [
      result,
      message,
    ]);

  it('lets in while it holds, and says so', async () => {
    expect((await results(images, good)).map(([result]) => result)).toEqual(['skip']);
    expect(await results(used, good)).toEqual([
      [
        'fail',
        `admitted unverified, by break-glass in namespace team until ${good['until']!}: the registry is away (INC-1)`,
      ],
    ]);
  });

  it.each<readonly [string, Readonly<Record<string, string>>]>([
    ['is not said', {}],
    ['is over', broken(now, -1)],
    ['is for longer than is allowed', broken(now, 5)],
    ['is no time', { ...good, until: 'soon' }],
    ['is a time that there is not', { ...good, until: '2026-13-01T00:00:00Z' }],
    ['has no reason', { until: good['until']!, ticket: 'INC-1' }],
    ['has an empty reason', { ...good, reason: ' ' }],
    ['has no ticket', { until: good['until']!, reason: 'x' }],
  ])('lets nothing in where it %s', async (_, said) => {
    expect((await results(images, said)).map(([result]) => result)).toEqual([expect.stringMatching(/^(fail|error)$/)]);
  });

  it.each([
    ['its end', "timestamp(said['lazaret.io/break-glass-until']) > time.now()", 'true', broken(now, -1)],
    ['its maximum', '<= duration("4h")', '<= duration("9999h")', broken(now, 5)],
    [
      'its ticket',
      "said[?'lazaret.io/break-glass-ticket'].orValue('').matches('[^ ]')",
      'true',
      { ...good, ticket: ' ' },
    ],
  ])('would be too much without %s', async (_, from, to, said) => {
    expect((await results(changed(images, from, to), said)).map(([result]) => result)).toEqual(['skip']);
  });

  it('is set by its group alone, for a while, with reason and ticket', async () => {
    expect(await wrongRequests(guard, [...GUARD_CASES, ...guardCasesAt(now)])).toEqual([]);
  });

  it.each([
    [
      'lets everybody set it',
      'variables.group in request.userInfo',
      "'system:authenticated' in request.userInfo",
      'by somebody else',
    ],
    ['sets no end to it', '<= duration(variables.maximum)', '<= duration("9999h")', 'longer than is allowed'],
    [
      'wants no ticket',
      "variables.said[?'lazaret.io/break-glass-ticket'].orValue('').matches('[^ ]')",
      'true',
      'has no ticket',
    ],
    ['takes what was there before for nothing', "request.operation == 'UPDATE' ?", 'false ?', 'stays as it was'],
  ])('with a guard that %s does not pass', async (_, from, to, name) => {
    const mistaken = changed(guard, from, to);
    const cases = [...GUARD_CASES, ...guardCasesAt(now)];
    expect((await wrongRequests(mistaken, cases)).join('\n')).toContain(name);
  });
});
