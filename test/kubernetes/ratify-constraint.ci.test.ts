import { appendFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Provider, reviewer } from './support/opa.js';
import { copyOfKubernetes, render } from './support/render.js';
import { only } from './support/resource.js';

const image = (name: string, digit = '0') => `contoso.azurecr.io/${name}@sha256:${digit.repeat(64)}`;
const GOOD = image('good');
const BAD = image('bad');
const result = (type: string, isSuccess: boolean, errorReason?: string) => ({
  type,
  isSuccess,
  message: '',
  errorReason,
});
const SIGNED = {
  artifactType: 'application/vnd.cncf.notary.signature',
  verifierReports: [result('notation', true)],
};
const REPORT = { artifactType: 'application/sarif+json', verifierReports: [result('vulnerabilityreport', true)] };
const PASSED = { version: '1.1.0', isSuccess: true, verifierReports: [SIGNED, REPORT] };
const REFUSED = {
  version: '1.1.0',
  isSuccess: false,
  verifierReports: [
    { ...SIGNED, verifierReports: [result('notation', false, 'the signer is a stranger')] },
    { artifactType: 'application/vnd.cyclonedx+json', verifierReports: [] },
  ],
};
const RATIFY: Provider = { values: { [GOOD]: PASSED, [BAD]: REFUSED } };

type Review = Parameters<Awaited<ReturnType<typeof reviewer>>>[0];
type Judge = (review: Review, provider?: Provider) => readonly string[];

const container = (reference: string) => ({ name: 'web', image: reference });
const spec = (reference: unknown) => ({ containers: [{ name: 'web', image: reference }] });
function review(object: unknown, more: Readonly<Record<string, unknown>> = {}): Review {
  return { kind: { group: '', version: 'v1', kind: 'Pod' }, operation: 'CREATE', object: { spec: object }, ...more };
}
const from = (minutes: number) => new Date(Date.now() + minutes * 60_000).toISOString();
const namespace = (annotations: Readonly<Record<string, string>> | undefined) => ({
  namespaceObject: { metadata: { name: 'shop', ...(annotations && { annotations }) } },
});
const BREAK_GLASS = {
  'lazaret.io/break-glass-until': from(60),
  'lazaret.io/break-glass-reason': 'the site is down',
  'lazaret.io/break-glass-ticket': 'INC-7',
};

/** Whether a constraint keeps every promise: the tests of mistakes ask it of a broken one. */
const PROMISES: Readonly<Record<string, (judge: Judge) => boolean>> = {
  'a container': (judge) => judge(review(spec(BAD)), RATIFY).length > 0,
  'an init container': (judge) => judge(review({ ...spec(GOOD), initContainers: [container(BAD)] }), RATIFY).length > 0,
  'an ephemeral container': (judge) =>
    judge(review({ ...spec(GOOD), ephemeralContainers: [container(BAD)] }), RATIFY).length > 0,
  'an image volume': (judge) =>
    judge(review({ ...spec(GOOD), volumes: [{ name: 'data', image: { reference: BAD } }] }), RATIFY).length > 0,
  'a registry that only begins alike': (judge) => {
    const evil = `contoso.azurecr.io.evil.com/good@sha256:${'0'.repeat(64)}`;
    return judge(review(spec(evil)), { values: { [evil]: PASSED } }).length > 0;
  },
  'a tag': (judge) => {
    const tagged = 'contoso.azurecr.io/good:v1';
    return judge(review(spec(tagged)), { values: { [tagged]: PASSED } }).length > 0;
  },
  'a Ratify that cannot be asked': (judge) =>
    judge(review(spec(GOOD)), { ...RATIFY, systemError: 'connection refused' }).length > 0,
  'an error beside an answer': (judge) =>
    judge(review(spec(GOOD)), { ...RATIFY, errors: { [GOOD]: 'no such manifest' } }).length > 0,
  'no answer': (judge) => judge(review(spec(GOOD)), {}).length > 0,
  'break-glass that has ended': (judge) => {
    const ended = { ...BREAK_GLASS, 'lazaret.io/break-glass-until': from(-1) };
    return judge(review(spec(BAD), namespace(ended)), RATIFY).length > 0;
  },
  'break-glass for too long': (judge) => {
    const long = { ...BREAK_GLASS, 'lazaret.io/break-glass-until': from(241) };
    return judge(review(spec(BAD), namespace(long)), RATIFY).length > 0;
  },
};

let folder: string;
let judge: Judge;
let witness: Judge;
beforeAll(async () => {
  folder = copyOfKubernetes();
  const resources = await render(join(folder, 'ratify', 'production'));
  const template = only(resources, 'ConstraintTemplate');
  judge = await reviewer(template, only(resources, 'LazaretVerifiedImages', 'lazaret-verified-images'));
  const name = 'lazaret-verified-images-break-glass';
  witness = await reviewer(template, only(resources, 'LazaretVerifiedImages', name));
});
afterAll(() => rmSync(folder, { recursive: true }));

describe('a Pod is admitted', () => {
  it.each([
    ['with a verified image', spec(GOOD)],
    [
      'with a verified image everywhere',
      {
        ...spec(GOOD),
        initContainers: [container(GOOD)],
        ephemeralContainers: [container(GOOD)],
        volumes: [
          { name: 'data', image: { reference: GOOD } },
          { name: 'tmp', emptyDir: {} },
        ],
      },
    ],
  ])('%s', (_, object) => {
    expect(judge(review(object), RATIFY)).toEqual([]);
  });

  it('with a tag beside the digest, which is what counts', () => {
    const both = GOOD.replace('@', ':v1@');
    expect(judge(review(spec(both)), { values: { [both]: PASSED } })).toEqual([]);
  });
});

describe('a Pod is refused', () => {
  it.each(Object.keys(PROMISES))('for %s', (promise) => {
    expect(PROMISES[promise]!(judge)).toBe(true);
  });

  it.each([
    ['no spec', undefined],
    ['no containers', { containers: [] }],
    ['containers that are no list', { containers: { web: container(GOOD) } }],
    ['containers that are text', { containers: 'web' }],
    ['init containers that are text', { ...spec(GOOD), initContainers: 'web' }],
    ['a container without an image', { containers: [{ name: 'web' }] }],
    ['a container that is text', { containers: [GOOD] }],
    ['an image that is a list', spec([GOOD])],
    ['an empty image', spec('')],
    ['an image volume without a reference', { ...spec(GOOD), volumes: [{ name: 'data', image: {} }] }],
    ['an image volume that is text', { ...spec(GOOD), volumes: [{ name: 'data', image: GOOD }] }],
    ['another registry', spec(`docker.io/library/good@sha256:${'0'.repeat(64)}`)],
    ['no registry', spec('good')],
    ['a user in the name of the registry', spec(`contoso.azurecr.io@evil/good@sha256:${'0'.repeat(64)}`)],
    ['a registry in capitals', spec(GOOD.replace('contoso', 'Contoso'))],
    ['two digests', spec(`${GOOD}@sha256:${'0'.repeat(64)}`)],
    ['a short digest', spec(GOOD.slice(0, -1))],
    ['a digest in capitals', spec(image('good', 'A'))],
    ['a line break', spec(GOOD.replace('good', 'good\n'))],
    ['a blank', spec(`${GOOD} `)],
  ])('for its shape: %s', (_, object) => {
    const reference = (object as { containers?: { image?: string }[] } | undefined)?.containers?.[0]?.image;
    const answers = { ...RATIFY.values, ...(typeof reference === 'string' && { [reference]: PASSED }) };
    expect(judge(review(object), { values: answers })).not.toEqual([]);
  });

  it('for not being one: a workload is judged by its Pods', () => {
    const kind = { group: 'apps', version: 'v1', kind: 'Deployment' };
    expect(judge(review(spec(GOOD), { kind }), RATIFY)[0]).toContain('only Pods are judged here');
  });

  it.each([
    ['says neither', { version: '1.1.0' }],
    ['says it in words', { ...PASSED, isSuccess: 'true' }],
    ['comes from the policy of the chart', { ...PASSED, version: '0.2.0' }],
    ['is nothing', null],
  ])('where the answer %s', (_, value) => {
    expect(judge(review(spec(GOOD)), { values: { [GOOD]: value } })).not.toEqual([]);
  });

  it('and told where, what, why, and what to do', () => {
    expect(judge(review({ ...spec(BAD), initContainers: [container('nginx')] }), RATIFY)).toEqual([
      `container "web": ${BAD} is not verified: it has no report (application/sarif+json); it has no signature that verifies; ` +
        `notation: the signer is a stranger (npx lazaret status ${BAD})`,
      'init container "web": nginx is not from contoso.azurecr.io: push it there, where it is scanned',
    ]);
    const [message] = judge(review(spec(GOOD)), { systemError: 'connection refused' });
    expect(message).toContain('Ratify does not answer: connection refused');
  });
});

describe('a Pod that is there already', () => {
  const update = (object: unknown, old: unknown) => review(object, { operation: 'UPDATE', oldObject: { spec: old } });

  it('may be changed though its image would not be admitted any more, without Ratify being asked', () => {
    expect(judge(update(spec(BAD), spec(BAD)), { mustNotBeAsked: true })).toEqual([]);
  });

  it('gets no other image by that', () => {
    expect(judge(update(spec(BAD), spec(GOOD)), RATIFY)).not.toEqual([]);
    expect(judge(update({ ...spec(GOOD), ephemeralContainers: [container(BAD)] }, spec(GOOD)), RATIFY)).toHaveLength(1);
    expect(judge(update(spec(''), spec('')), RATIFY)).not.toEqual([]);
  });

  it('may go', () => {
    expect(judge(review(spec(BAD), { operation: 'DELETE' }), { mustNotBeAsked: true })).toEqual([]);
  });
});

describe('break-glass', () => {
  it('admits, does not wait for Ratify, and is told', () => {
    const opened = review(spec('nginx'), namespace(BREAK_GLASS));
    expect(judge(opened, { mustNotBeAsked: true })).toEqual([]);
    const [told, ...others] = witness(opened, { mustNotBeAsked: true });
    expect(told).toMatch(
      /^admitted unverified, by break-glass in namespace shop until .*: the site is down \(INC-7\)$/,
    );
    expect(others).toEqual([]);
    // The same question is an error where there is no break-glass: the stub does notice.
    expect(() => judge(review(spec(GOOD), namespace({})), { mustNotBeAsked: true })).toThrow();
  });

  it.each<readonly [string, Readonly<Record<string, unknown>>]>([
    ['no namespace', {}],
    ['a cluster-wide object', { namespaceObject: null }],
    ['a namespace without annotations', namespace(undefined)],
    ...Object.keys(BREAK_GLASS).map(
      (name) => [`an empty ${name}`, namespace({ ...BREAK_GLASS, [name]: ' ' })] as const,
    ),
    ['a time that is none', namespace({ ...BREAK_GLASS, 'lazaret.io/break-glass-until': 'tomorrow' })],
    ['a day without a time', namespace({ ...BREAK_GLASS, 'lazaret.io/break-glass-until': '2100-01-01' })],
  ])('is none: %s', (_, more) => {
    expect(judge(review(spec(BAD), more), RATIFY)).not.toEqual([]);
    expect(witness(review(spec(BAD), more))).toEqual([]);
  });
});

describe('a mistake in the template would be noticed, by', () => {
  it.each([
    ['an init container', '"initContainers": "init container",', ''],
    ['an ephemeral container', '"ephemeralContainers": "ephemeral container",', ''],
    ['an image volume', 'containers(spec) | volumes(spec)', 'containers(spec)'],
    ['a registry that only begins alike', 'startswith(image, prefix)', 'startswith(image, input.parameters.registry)'],
    ['a tag', '@sha256:[a-f0-9]{64}$`', '`'],
    ['a Ratify that cannot be asked', 'answer.system_error == ""\n', 'true\n'],
    ['an error beside an answer', 'count([key | some [key, _] in answer.errors; key == image]) == 0', 'true'],
    ['no answer', 'count(values) > 0', 'true'],
    ['break-glass that has ended', 'now < until', 'true'],
    ['break-glass for too long', 'until - now <= time.parse_duration_ns(maximum)', 'true'],
  ])('%s', async (promise, right, wrong) => {
    const broken = copyOfKubernetes();
    const file = join(broken, 'ratify', 'base', 'template.yaml');
    const text = readFileSync(file, 'utf8');
    expect(text).toContain(right);
    writeFileSync(file, text.replace(right, wrong));
    const resources = await render(join(broken, 'ratify', 'production'));
    const constraint = only(resources, 'LazaretVerifiedImages', 'lazaret-verified-images');
    const mistaken = await reviewer(only(resources, 'ConstraintTemplate'), constraint);
    rmSync(broken, { recursive: true });
    expect(mistaken(review(spec(GOOD)), RATIFY)).toEqual([]);
    expect(PROMISES[promise]!(mistaken)).toBe(false);
  });
});

describe('the authority of Notation from a Key Vault', () => {
  it('takes the place of the file, and nothing else changes', async () => {
    const copy = copyOfKubernetes();
    const overlay = join(copy, 'ratify', 'production');
    const before = await render(overlay);
    appendFileSync(join(overlay, 'kustomization.yaml'), 'components: [../key-vault]\n');
    const after = await render(overlay);
    rmSync(copy, { recursive: true });
    const { spec } = only(after, 'KeyManagementProvider', 'lazaret-notation');
    expect(spec).toMatchObject({ type: 'azurekeyvault', refreshInterval: '10m' });
    expect(Object.keys(spec['parameters'] as object).toSorted()).toEqual([
      'certificates',
      'clientID',
      'tenantID',
      'vaultURI',
    ]);
    const others = (all: typeof after) => all.filter(({ kind }) => kind !== 'KeyManagementProvider');
    expect(others(after)).toEqual(others(before));
  });
});
