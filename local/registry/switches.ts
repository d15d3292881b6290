import { readFile } from 'node:fs/promises';
import { z } from 'zod';

const faq = 'https://aka.ms/acr/faq';
const locks = 'https://learn.microsoft.com/azure/container-registry/container-registry-image-lock';
const webhooks = 'https://learn.microsoft.com/azure/container-registry/container-registry-webhook-reference';
const specification = 'https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md';

interface Switch {
  readonly question: string;
  /** The first one is the default. */
  readonly answers: readonly [string, ...string[]];
  /** A public source of the default, or that there is none. */
  readonly source: string;
  /** What a client can find out by asking: `requests`, or only who receives the registry's events: `events`. */
  readonly askedBy: 'requests' | 'events';
}

/**
 * What no public source says of Azure Container Registry, or says in two ways. Each is a switch with both answers, so
 * that whatever is true, it has been tested. `lazaret probe` asks a real registry.
 */
export const SWITCHES = {
  readLockedStatus: {
    question: 'Which status does a pull of something read-locked get?',
    answers: ['405', '404'],
    source: `*inference*: the FAQ names pulls among disallowed operations, ${faq}`,
    askedBy: 'requests',
  },
  readLockedHead: {
    question: 'Does HEAD of something read-locked get what GET gets?',
    answers: ['as-get', 'served'],
    source: '*inference*: a lock that HEAD does not see would be odd',
    askedBy: 'requests',
  },
  readLockedTag: {
    question: 'Does a read lock on a tag alone also refuse the pull by digest?',
    answers: ['tag-only', 'tag-and-digest'],
    source: `*inference*: attributes of tag and manifest are separate, ${locks}`,
    askedBy: 'requests',
  },
  pushOfWriteLockedDigest: {
    question: 'May a digest that is write-locked be pushed again under another tag?',
    answers: ['refused', 'allowed'],
    source: '*inference*: it is a PUT of the manifest',
    askedBy: 'requests',
  },
  referrerOfWriteLockedSubject: {
    question: 'May a referrer be pushed whose subject is write-locked?',
    answers: ['allowed', 'refused'],
    source: '*inference*: a referrer is a manifest of its own',
    askedBy: 'requests',
  },
  untagOfLockedManifest: {
    question: 'May a tag be removed whose manifest alone is locked against deletion or writing?',
    answers: ['allowed', 'refused'],
    source: `*inference*: attributes of tag and manifest are separate, ${locks}`,
    askedBy: 'requests',
  },
  patchInLockedRepository: {
    question: 'May attributes of tags and manifests be changed while their repository is write-locked?',
    answers: ['allowed', 'refused'],
    source: '*inference*; that a change can be refused shows https://github.com/Azure/azure-sdk-for-net/issues/22827',
    askedBy: 'requests',
  },
  deleteWithLockedTag: {
    question: 'May a manifest be deleted while a tag of it is locked?',
    answers: ['refused', 'allowed'],
    source: `*inference*: a lock blocks image deletion, ${locks}`,
    askedBy: 'requests',
  },
  referrersApi: {
    question: 'Is the referrers API there? Registries with customer-managed keys have none.',
    answers: ['on', 'off'],
    source: 'https://learn.microsoft.com/azure/container-registry/container-registry-manage-artifact',
    askedBy: 'requests',
  },
  referrerArtifactType: {
    question: 'Does a listed referrer without an artifactType of its own show that of its configuration?',
    answers: ['config', 'declared-only'],
    source: `config: ${specification}#listing-referrers; declared-only: https://github.com/Azure/acr/issues/784`,
    askedBy: 'requests',
  },
  sha512: {
    question: 'Are digests of the algorithm sha512 taken?',
    answers: ['off', 'on'],
    source: '*inference*: no page of the service names any algorithm but sha256; on for the conformance suite',
    askedBy: 'requests',
  },
  blobHead: {
    question: 'Where blobs are redirected: is HEAD redirected too?',
    answers: ['direct', 'redirect'],
    source: '*inference*: HEAD has no bytes to move',
    askedBy: 'requests',
  },
  taglessSubject: {
    question: 'What is the subject of the event for a push by digest?',
    answers: ['repository', 'repository@digest'],
    source: '*inference*: as the subject of a delete',
    askedBy: 'events',
  },
  referrerEvent: {
    question: 'Does the push of a referrer raise an event?',
    answers: ['on', 'off'],
    source: '*inference*: each PUT of a manifest raises one',
    askedBy: 'events',
  },
  cascadeEvent: {
    question: 'Does the deletion of a subject raise events for the referrers that go with it?',
    answers: ['off', 'on'],
    source: `*inference*: one request, one event; ${webhooks} tells of the manifest alone`,
    askedBy: 'events',
  },
  importEvent: {
    question: 'Does an import raise an event?',
    answers: ['off', 'on'],
    source: '*inference*: no client sends a PUT',
    askedBy: 'events',
  },
  retentionEvent: {
    question: 'Does the retention policy raise events for what it deletes?',
    answers: ['on', 'off'],
    source: `*inference*: a manifest is deleted, ${webhooks}`,
    askedBy: 'events',
  },
  replicaEvent: {
    question: 'Does each replica raise an event of its own for a push?',
    answers: ['on', 'off'],
    source: 'for webhooks: https://learn.microsoft.com/azure/container-registry/container-registry-geo-replication',
    askedBy: 'events',
  },
} as const satisfies Readonly<Record<string, Switch>>;

/** The name of a switch. */
export type SwitchName = keyof typeof SWITCHES;

/** One answer to each open question. */
export type Switches = { readonly [Name in SwitchName]: (typeof SWITCHES)[Name]['answers'][number] };

/** All names, in the order of the table. */
export const SWITCH_NAMES = Object.keys(SWITCHES) as readonly SwitchName[];

/** The answers that are thought the likeliest. */
export const DEFAULT_SWITCHES = Object.fromEntries(
  SWITCH_NAMES.map((name) => [name, SWITCHES[name].answers[0]]),
) as unknown as Switches;

const shape = Object.fromEntries(SWITCH_NAMES.map((name) => [name, z.enum([...SWITCHES[name].answers]).optional()]));
const schema = z.strictObject(shape);

/** Reads answers from parsed JSON; what is left out is the default. Throws a `ZodError` for a name or an answer that is none. */
export function parseSwitches(json: unknown): Switches {
  return { ...DEFAULT_SWITCHES, ...(schema.parse(json) as Partial<Switches>) };
}

/** Reads a file as `lazaret probe --out` writes it: `{"switches": {…}}`, or the switches alone. */
export async function loadSwitches(file: string): Promise<Switches> {
  const json = JSON.parse(await readFile(file, 'utf8')) as { readonly switches?: unknown };
  return parseSwitches(json.switches ?? json);
}

/** The switch turned to an answer that is not the default. */
export function flipped(name: SwitchName): Partial<Switches> {
  return { [name]: SWITCHES[name].answers[1] };
}
