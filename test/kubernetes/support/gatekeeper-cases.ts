import { type AdmissionCase, GOOD, REGISTRY, namespace, pod, request } from './cases.js';

const DIGEST = `@sha256:${'a'.repeat(64)}`;
const MICROSOFT = 'mcr.microsoft.com';
const TAGGED = `${REGISTRY}/team/app:v1`;
const unpinned = 'is not pinned by a digest';
const elsewhere = 'is not from';

const container = (image: string, name = 'web') => ({ name, image });
const running = (image: string) => pod({ containers: [container(image)] });

/** Names of repositories that are none: a node would refuse them too, but nobody has to rely on it. */
export const NAME_CASES: readonly AdmissionCase[] = [
  { name: 'climbs out of its repository', object: running(`${REGISTRY}/team/../app${DIGEST}`), refused: unpinned },
  { name: 'has an empty part in its repository', object: running(`${REGISTRY}//app${DIGEST}`), refused: unpinned },
  { name: 'has capitals in its repository', object: running(`${REGISTRY}/Team/app${DIGEST}`), refused: unpinned },
  { name: 'has a tag with a slash', object: running(`${REGISTRY}/app:v1/evil${DIGEST}`), refused: unpinned },
  { name: 'has every sign that a repository may have', object: running(`${REGISTRY}/a.b/c_d/e__f/g--h${DIGEST}`) },
  {
    name: 'is a ReplicationController with a tag alone',
    object: {
      apiVersion: 'v1',
      kind: 'ReplicationController',
      metadata: { name: 'web', namespace: 'team' },
      spec: { template: { metadata: { labels: { app: 'web' } }, spec: { containers: [container(TAGGED)] } } },
    },
    refused: unpinned,
  },
  {
    name: 'is debugged with the tag that it runs already',
    object: request(
      'UPDATE',
      pod({ containers: [container(TAGGED)], ephemeralContainers: [container(TAGGED, 'debug')] }),
      { oldObject: running(TAGGED), subResource: 'ephemeralcontainers' },
    ),
    refused: `ephemeral container "debug": ${TAGGED} ${unpinned}`,
  },
];

/** Where registries.yaml beside the cases names more than one, rightly and wrongly. */
export const REGISTRY_CASES: readonly AdmissionCase[] = [
  { name: 'is of a registry that is named with a slash', object: running(GOOD) },
  { name: 'is below a path', object: running(`${MICROSOFT}/oss/kubernetes/pause${DIGEST}`) },
  { name: 'is the repository that is named', object: running(`${MICROSOFT}/aks/tool${DIGEST}`) },
  { name: 'is the repository that is named, with a tag', object: running(`${MICROSOFT}/aks/tool:1${DIGEST}`) },
  { name: 'is of a port that is named', object: running(`registry:5000/app${DIGEST}`) },
  { name: 'is below a path, with a tag alone', object: running(`${MICROSOFT}/oss/app:1`), refused: unpinned },
  {
    name: 'is the repository that is named, as a tag alone',
    object: running(`${MICROSOFT}/aks/tool:1`),
    refused: unpinned,
  },
  { name: 'climbs out of a path', object: running(`${MICROSOFT}/oss/../app${DIGEST}`), refused: unpinned },
  { name: 'is of a path that begins alike', object: running(`${MICROSOFT}/oss-evil/app${DIGEST}`), refused: elsewhere },
  { name: 'is a repository that begins alike', object: running(`${MICROSOFT}/aks/tools${DIGEST}`), refused: elsewhere },
  { name: 'is beside a path', object: running(`${MICROSOFT}/other/app${DIGEST}`), refused: elsewhere },
  {
    name: 'is of a host behind a path',
    object: running(`${MICROSOFT}/oss@evil.example/app${DIGEST}`),
    refused: unpinned,
  },
  { name: 'is of Docker Hub, by a name without a dot', object: running(`team/app${DIGEST}`), refused: elsewhere },
  { name: 'is of Docker Hub, by a path without a host', object: running(`shop/app/web${DIGEST}`), refused: elsewhere },
  { name: 'is of no host', object: running(`/app${DIGEST}`), refused: elsewhere },
  { name: 'is of a name with a star', object: running(`evil.example/app${DIGEST}`), refused: elsewhere },
];

const PAST = { until: '2026-01-01T00:00:00Z', reason: 'over', ticket: 'INC-0' };
const labelled = (labels: Readonly<Record<string, string>>) => ({
  apiVersion: 'v1',
  kind: 'Namespace',
  metadata: { name: 'team', labels },
});
const IGNORE = 'admission.gatekeeper.sh/ignore';

/** What a namespace says, that Gatekeeper alone is asked about. */
export const NAMESPACE_CASES: readonly AdmissionCase[] = [
  {
    name: 'is there, which the audit tells',
    object: namespace(PAST),
    refused: 'break-glass is set in namespace team until 2026-01-01T00:00:00Z: over (INC-0)',
  },
  { name: 'is not there, which the audit leaves alone', object: namespace({}) },
  {
    name: 'is for longer than a clock can tell',
    object: request('CREATE', namespace({ ...PAST, until: '9999-01-01T00:00:00Z' })),
    refused: 'is a time to come',
  },
  ...['status', 'finalize'].map((subResource): AdmissionCase => ({
    name: `is gone around by a label, by way of ${subResource}`,
    object: request('UPDATE', labelled({ [IGNORE]: '' }), { oldObject: labelled({}), subResource }),
    refused: `the label ${IGNORE}`,
  })),
  {
    name: 'is not gone around by a label that was there, or by none',
    object: request('UPDATE', labelled({ [IGNORE]: '' }), {
      oldObject: labelled({ [IGNORE]: '' }),
      subResource: 'status',
    }),
  },
];
