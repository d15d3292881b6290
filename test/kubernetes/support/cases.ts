/** The registry of the cases: the one that settings/ names before anybody has changed it. */
export const REGISTRY = 'contoso.azurecr.io';
const DIGEST = `@sha256:${'a'.repeat(64)}`;
/** An image that may be deployed. */
export const GOOD = `${REGISTRY}/team/app${DIGEST}`;
/** An image of somebody else. */
export const ELSEWHERE = `docker.io/library/nginx${DIGEST}`;

type Json = Readonly<Record<string, unknown>>;

/** Something that is applied to a cluster, and what has to come of it. */
export interface AdmissionCase {
  /** A sentence about it, after "an object that". */
  readonly name: string;
  readonly object: Json;
  /** A part of what is said of it; undefined where it is let in. */
  readonly refused?: string;
}

/** A Pod with `spec`. */
export const pod = (spec: Json, metadata: Json = {}): Json => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'web', namespace: 'team', ...metadata },
  spec,
});

const container = (image: unknown, name = 'web'): Json => ({ name, ...(image !== undefined && { image }) });
const running = (image: unknown): Json => pod({ containers: [container(image)] });

const workload = (apiVersion: string, kind: string, spec: Json): Json => ({
  apiVersion,
  kind,
  metadata: { name: 'web', namespace: 'team' },
  spec,
});
const template = (spec: Json): Json => ({ metadata: { labels: { app: 'web' } }, spec });
const deployment = (spec: Json): Json =>
  workload('apps/v1', 'Deployment', {
    replicas: 1,
    selector: { matchLabels: { app: 'web' } },
    template: template(spec),
  });
const cronJob = (spec: Json): Json =>
  workload('batch/v1', 'CronJob', {
    schedule: '0 0 * * *',
    jobTemplate: { spec: { template: template({ restartPolicy: 'Never', ...spec }) } },
  });

/** What an API server asks before it does something, as Gatekeeper's own tool reads it. */
export function request(
  operation: 'CREATE' | 'UPDATE' | 'DELETE',
  object: Json | null,
  more: {
    readonly oldObject?: Json;
    readonly groups?: readonly string[];
    readonly subResource?: string;
  } = {},
): Json {
  const { oldObject = null, groups = ['system:authenticated'], subResource } = more;
  const { kind } = (object ?? oldObject) as { readonly kind: string };
  return {
    apiVersion: 'admission.k8s.io/v1',
    kind: 'AdmissionReview',
    request: {
      uid: '705ab4f5-6393-11e8-b7cc-42010a800002',
      kind: { group: '', version: 'v1', kind },
      resource: { group: '', version: 'v1', resource: kind === 'Pod' ? 'pods' : 'namespaces' },
      ...(subResource !== undefined && { subResource }),
      name: 'web',
      ...(kind === 'Pod' && { namespace: 'team' }),
      operation,
      userInfo: { username: 'somebody@contoso.example', groups: [...groups] },
      ...(object !== null && { object }),
      ...(oldObject !== null && { oldObject }),
    },
  };
}

const elsewhere = 'is not from';
const unpinned = 'is not pinned by a digest';

/** Shapes in which images come, good and bad. */
export const POD_CASES: readonly AdmissionCase[] = [
  { name: 'is pinned by a digest', object: running(GOOD) },
  { name: 'has a tag beside its digest', object: running(`${REGISTRY}/team/app:v1${DIGEST}`) },
  {
    name: 'has several containers, and volumes of other kinds',
    object: pod({
      initContainers: [container(GOOD, 'first')],
      containers: [container(GOOD), container(`${REGISTRY}/other${DIGEST}`, 'other')],
      volumes: [
        { name: 'data', emptyDir: {} },
        { name: 'model', image: { reference: GOOD, pullPolicy: 'Always' } },
      ],
    }),
  },
  { name: 'is of another registry', object: running(ELSEWHERE), refused: elsewhere },
  { name: 'names no registry', object: running(`nginx${DIGEST}`), refused: elsewhere },
  { name: 'names a repository of Docker Hub alone', object: running('library/nginx'), refused: elsewhere },
  {
    name: 'is of a host that begins alike',
    object: running(`${REGISTRY}.evil.example/team/app${DIGEST}`),
    refused: elsewhere,
  },
  {
    name: 'is of a host behind a user name',
    object: running(`${REGISTRY}@evil.example/app${DIGEST}`),
    refused: elsewhere,
  },
  { name: 'is of a host that ends alike', object: running(`evil${REGISTRY}/team/app${DIGEST}`), refused: elsewhere },
  { name: 'is of a path that looks so', object: running(`evil.example/${REGISTRY}/app${DIGEST}`), refused: elsewhere },
  { name: 'is of another port', object: running(`${REGISTRY}:5000/team/app${DIGEST}`), refused: elsewhere },
  { name: 'has its host in upper case', object: running(`Contoso.azurecr.io/team/app${DIGEST}`), refused: elsewhere },
  { name: 'has a scheme', object: running(`https://${REGISTRY}/team/app${DIGEST}`), refused: elsewhere },
  { name: 'begins with a space', object: running(` ${GOOD}`), refused: elsewhere },
  { name: 'has a tag alone', object: running(`${REGISTRY}/team/app:v1`), refused: unpinned },
  { name: 'has nothing behind its repository', object: running(`${REGISTRY}/team/app`), refused: unpinned },
  { name: 'has a short digest', object: running(`${REGISTRY}/team/app@sha256:${'a'.repeat(63)}`), refused: unpinned },
  { name: 'has a long digest', object: running(`${GOOD}a`), refused: unpinned },
  {
    name: 'has a digest in upper case',
    object: running(`${REGISTRY}/team/app@sha256:${'A'.repeat(64)}`),
    refused: unpinned,
  },
  {
    name: 'has a digest of another kind',
    object: running(`${REGISTRY}/team/app@sha512:${'a'.repeat(64)}`),
    refused: unpinned,
  },
  { name: 'has two digests', object: running(`${GOOD}${DIGEST}`), refused: unpinned },
  { name: 'has a line behind its digest', object: running(`${GOOD}\n`), refused: unpinned },
  { name: 'has no repository', object: running(`${REGISTRY}/${DIGEST}`), refused: unpinned },
  { name: 'has no image', object: running(undefined), refused: 'names no image that can be read' },
  { name: 'has an empty image', object: running(''), refused: 'names no image that can be read' },
  { name: 'has no list of containers', object: pod({}), refused: 'the Pod has no containers' },
  { name: 'has no containers', object: pod({ containers: [] }), refused: 'the Pod has no containers' },
  {
    name: 'has a second container from elsewhere',
    object: pod({ containers: [container(GOOD), container(ELSEWHERE, 'side')] }),
    refused: 'container "side": docker.io',
  },
  {
    name: 'has an init container from elsewhere',
    object: pod({ initContainers: [container(ELSEWHERE, 'first')], containers: [container(GOOD)] }),
    refused: 'init container "first": docker.io',
  },
  {
    name: 'has an ephemeral container from elsewhere',
    object: pod({ containers: [container(GOOD)], ephemeralContainers: [container(ELSEWHERE, 'debug')] }),
    refused: 'ephemeral container "debug": docker.io',
  },
  {
    name: 'has an image volume from elsewhere',
    object: pod({ containers: [container(GOOD)], volumes: [{ name: 'model', image: { reference: ELSEWHERE } }] }),
    refused: 'image volume "model": docker.io',
  },
  {
    name: 'has an image volume with a tag alone',
    object: pod({
      containers: [container(GOOD)],
      volumes: [{ name: 'model', image: { reference: `${REGISTRY}/model:1` } }],
    }),
    refused: 'image volume "model"',
  },
  {
    name: 'has an image volume without an image',
    object: pod({ containers: [container(GOOD)], volumes: [{ name: 'model', image: {} }] }),
    refused: 'image volume "model" names no image',
  },
];

/** What no API server lets through, whatever else it is. */
export const MALFORMED_CASES: readonly AdmissionCase[] = [
  {
    name: 'has containers that are no list',
    object: pod({ containers: { web: {} } }),
    refused: 'containers is not a list',
  },
  {
    name: 'has no specification',
    object: { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'web', namespace: 'team' } },
    refused: 'the Pod has no containers',
  },
];

/** What makes Pods. */
export const WORKLOAD_CASES: readonly AdmissionCase[] = [
  { name: 'is a Deployment of good images', object: deployment({ containers: [container(GOOD)] }) },
  { name: 'is a CronJob of good images', object: cronJob({ containers: [container(GOOD)] }) },
  {
    name: 'is a Deployment from elsewhere',
    object: deployment({ containers: [container(ELSEWHERE)] }),
    refused: 'container "web": docker.io',
  },
  {
    name: 'is a Deployment with an init container from elsewhere',
    object: deployment({ initContainers: [container(ELSEWHERE, 'first')], containers: [container(GOOD)] }),
    refused: 'init container "first": docker.io',
  },
  ...[
    ['StatefulSet', 'apps/v1', { serviceName: 'web', selector: { matchLabels: { app: 'web' } } }],
    ['DaemonSet', 'apps/v1', { selector: { matchLabels: { app: 'web' } } }],
    ['ReplicaSet', 'apps/v1', { selector: { matchLabels: { app: 'web' } } }],
    ['Job', 'batch/v1', {}],
  ].map(([kind, apiVersion, spec]): AdmissionCase => ({
    name: `is a ${kind as string} with a tag alone`,
    object: workload(apiVersion as string, kind as string, {
      ...(spec as Json),
      template: template({
        containers: [container(`${REGISTRY}/team/app:v1`)],
        ...(kind === 'Job' && { restartPolicy: 'Never' }),
      }),
    }),
    refused: unpinned,
  })),
  {
    name: 'is a CronJob from elsewhere',
    object: cronJob({ containers: [container(ELSEWHERE)] }),
    refused: 'container "web": docker.io',
  },
];

const old = pod({ containers: [container(`${REGISTRY}/team/app:v1`)] }, { finalizers: ['example.io/wait'] });
const debugged = (image: string) =>
  pod({ containers: [container(`${REGISTRY}/team/app:v1`)], ephemeralContainers: [container(image, 'debug')] });

/** What is done to a Pod later. */
export const REQUEST_CASES: readonly AdmissionCase[] = [
  { name: 'is created', object: request('CREATE', running(GOOD)) },
  { name: 'is created from elsewhere', object: request('CREATE', running(ELSEWHERE)), refused: elsewhere },
  {
    name: 'was let in before, and loses its finalizer',
    object: request('UPDATE', pod({ containers: [container(`${REGISTRY}/team/app:v1`)] }), { oldObject: old }),
  },
  {
    name: 'is changed to an image from elsewhere',
    object: request('UPDATE', running(ELSEWHERE), { oldObject: running(GOOD) }),
    refused: elsewhere,
  },
  {
    name: 'is debugged with a good image',
    object: request('UPDATE', debugged(GOOD), { oldObject: old, subResource: 'ephemeralcontainers' }),
  },
  {
    name: 'is debugged with an image from elsewhere',
    object: request('UPDATE', debugged(ELSEWHERE), { oldObject: old, subResource: 'ephemeralcontainers' }),
    refused: 'ephemeral container "debug": docker.io',
  },
  { name: 'goes away', object: request('DELETE', null, { oldObject: old }) },
];

/** Whose members may break the glass, in the cases. */
export const GROUP = '8d1b2c5e-0000-4000-8000-000000000001';
const glass = 'lazaret.io/break-glass-';

/** A namespace that says these of break-glass. */
export function namespace(said: Readonly<Record<string, string>>): Json {
  const annotations = Object.fromEntries(Object.entries(said).map(([name, value]) => [`${glass}${name}`, value]));
  return { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'team', annotations } };
}

/** What break-glass has to say, `hours` from `now`. */
export function broken(now: Date, hours: number): Readonly<Record<string, string>> {
  // Without fractions, as people write it.
  const until = `${new Date(now.getTime() + hours * 3_600_000).toISOString().slice(0, 19)}Z`;
  return { until, reason: 'the registry is away', ticket: 'INC-1' };
}

const member = { groups: ['system:authenticated', GROUP] };
const PAST = { until: '2026-01-01T00:00:00Z', reason: 'over', ticket: 'INC-0' };

/** Who says so, and what, where it does not matter when. */
export const GUARD_CASES: readonly AdmissionCase[] = [
  { name: 'says nothing of break-glass', object: request('CREATE', namespace({})) },
  { name: 'gives a reason alone, which lets nobody in', object: request('CREATE', namespace({ reason: 'x' })) },
  { name: 'is over', object: request('CREATE', namespace(PAST), member), refused: 'is a time to come' },
  {
    name: 'is no time',
    object: request('CREATE', namespace({ ...PAST, until: 'tomorrow' }), member),
    refused: 'is a time to come',
  },
  {
    name: 'is a date',
    object: request('CREATE', namespace({ ...PAST, until: '2126-01-01' }), member),
    refused: 'is a time to come',
  },
  {
    name: 'is for a century',
    object: request('CREATE', namespace({ ...PAST, until: '2126-01-01T00:00:00Z' }), member),
    refused: 'at most 4h from now',
  },
  {
    name: 'stays as it was when somebody else changes the namespace',
    object: request('UPDATE', namespace(PAST), { oldObject: namespace(PAST) }),
  },
  {
    name: 'is taken away by whoever may change the namespace',
    object: request('UPDATE', namespace({}), { oldObject: namespace(PAST) }),
  },
  { name: 'goes away with its namespace', object: request('DELETE', null, { oldObject: namespace(PAST) }) },
];

/** The same where it does matter, at `now`. */
export function guardCasesAt(now: Date): readonly AdmissionCase[] {
  const good = broken(now, 3);
  const { until = '', reason = '', ticket = '' } = good;
  return [
    { name: 'is set by a member', object: request('CREATE', namespace(good), member) },
    {
      name: 'is set later by a member',
      object: request('UPDATE', namespace(good), { ...member, oldObject: namespace({}) }),
    },
    {
      name: 'is set by somebody else',
      object: request('CREATE', namespace(good)),
      refused: `set by members of the group ${GROUP} alone; somebody@contoso.example is none`,
    },
    {
      name: 'is set later by somebody else',
      object: request('UPDATE', namespace(good), { oldObject: namespace({}) }),
      refused: 'set by members of the group',
    },
    {
      name: 'is prolonged by somebody else',
      object: request('UPDATE', namespace(good), { oldObject: namespace(broken(now, 1)) }),
      refused: 'set by members of the group',
    },
    {
      name: 'is given another reason by somebody else',
      object: request('UPDATE', namespace({ ...good, reason: 'y' }), { oldObject: namespace(good) }),
      refused: 'set by members of the group',
    },
    {
      name: 'is for longer than is allowed',
      object: request('CREATE', namespace(broken(now, 5)), member),
      refused: 'at most 4h from now',
    },
    {
      name: 'has no reason',
      object: request('CREATE', namespace({ until, ticket }), member),
      refused: 'break-glass needs lazaret.io/break-glass-reason',
    },
    {
      name: 'has an empty reason',
      object: request('CREATE', namespace({ ...good, reason: '  ' }), member),
      refused: 'break-glass needs lazaret.io/break-glass-reason',
    },
    {
      name: 'has no ticket',
      object: request('CREATE', namespace({ until, reason }), member),
      refused: 'break-glass needs lazaret.io/break-glass-ticket',
    },
  ];
}
