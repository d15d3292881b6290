import { type Digest, digestOf } from '../../shared/artifact/digest.js';
import type { LoginServer } from '../../shared/artifact/login-server.js';
import { MediaType } from '../../shared/artifact/media-type.js';
import { type Repository, parseRepository } from '../../shared/artifact/repository.js';
import { parseTag } from '../../shared/artifact/tag.js';
import type { Ledger } from '../../shared/ledger/ledger.js';
import type { LedgerEntry } from '../../shared/pipeline/entry.js';
import type { ChangeLog } from '../../local/registry/change-log.js';
import { type Change, type ManifestRecord, OPEN } from '../../local/registry/state.js';

/** An image and the two marks on it: what one push leaves behind. */
const MANIFESTS_PER_IMAGE = 3;
/** How many entries are written to the ledger at once. */
const WRITES_AT_ONCE = 32;
const KINDS = ['sbom', 'sarif'] as const;

/** Artifacts of one repository: manifests, of which every third is an image and the others are its marks. */
interface Seeded {
  readonly repository: Repository;
  readonly digests: readonly Digest[];
}

/** Which artifacts there are: `count` in all, `perRepository` in each repository. */
export function layOut(count: number, perRepository: number): readonly Seeded[] {
  const repositories = Math.ceil(count / perRepository);
  return Array.from({ length: repositories }, (_, r) => {
    const repository = parseRepository(`team/app-${String(r).padStart(5, '0')}`);
    const length = Math.min(perRepository, count - r * perRepository);
    return { repository, digests: Array.from({ length }, (__, i) => digestOf(`${repository} ${i}`)) };
  });
}

/** A registry's log that holds them already, all of them pushed at `at`. */
export function seedRegistry(layout: readonly Seeded[], at: Date): ChangeLog {
  const time = at.toISOString().replace(/Z$/, '0000Z');
  const dated = { createdTime: time, lastUpdateTime: time, attributes: OPEN };
  const done = () => Promise.resolve();
  const changesOf = ({ digests }: Seeded): readonly Change[] => [
    { kind: 'repository', ...dated },
    ...digests.flatMap((key, i): Change[] => {
      const image = digests[i - (i % MANIFESTS_PER_IMAGE)];
      const base = { ...dated, mediaType: MediaType.ociManifest, size: 500, contentSize: 10_000 };
      if (i % MANIFESTS_PER_IMAGE !== 0) {
        const record: ManifestRecord = { ...base, ...(image !== undefined && { subject: image }) };
        return [{ kind: 'manifest', key, record }];
      }
      const record: ManifestRecord = { ...base, os: 'linux', architecture: 'amd64' };
      return [
        { kind: 'manifest', key, record },
        { kind: 'tag', key: tagOf(i), record: { ...dated, digest: key } },
      ];
    }),
  ];
  return {
    load: () => Promise.resolve(new Map(layout.map((seeded) => [String(seeded.repository), changesOf(seeded)]))),
    append: done,
    replace: done,
    remove: done,
  };
}

/** Writes what the ledger knows of them once all have been judged: images that pass, and marks that get no verdict. */
export async function seedLedger(
  layout: readonly Seeded[],
  { ledger, registry, at }: { readonly ledger: Ledger; readonly registry: LoginServer; readonly at: Date },
): Promise<void> {
  const writes = layout.flatMap(({ repository, digests }) =>
    digests.map((digest, i) => async () => {
      const key = { registry, repository, digest };
      if (i % MANIFESTS_PER_IMAGE !== 0) return ledger.exclude({ key, kind: 'other', at: at.toISOString() });
      const marks = digests.slice(i + 1, i + MANIFESTS_PER_IMAGE);
      await ledger.create(passed(key, { tag: tagOf(i), marks, at: at.toISOString() }));
      const { tag, pushedAt } = { tag: parseTag(tagOf(i)), pushedAt: at.toISOString() };
      await ledger.updateTag({ registry, repository, tag }, () => ({ registry, repository, tag, digest, pushedAt }));
    }),
  );
  const next = writes.values();
  const work = async () => {
    for (const write of next) await write();
  };
  await Promise.all(Array.from({ length: WRITES_AT_ONCE }, work));
}

const tagOf = (i: number) => `v${i}`;

function passed(
  key: LedgerEntry['key'],
  { tag, marks, at }: { readonly tag: string; readonly marks: readonly Digest[]; readonly at: string },
): LedgerEntry {
  const blob = { digest: digestOf('a report'), bytes: 10_000 };
  const policy = digestOf('a policy');
  return {
    key,
    kind: 'image',
    mediaType: MediaType.ociManifest,
    size: 500,
    firstSeenAt: at,
    pushedAt: at,
    tags: [parseTag(tag)],
    parents: [],
    children: [],
    scan: {
      ...{ state: 'done', scanId: '00000000-0000-4000-8000-000000000000', scannerVersion: '0.74.0' },
      ...{ requestedAt: at, startedAt: at, finishedAt: at, scanMilliseconds: 900, convertMilliseconds: 100 },
      database: { digest: 'sha256:database', updatedAt: at, entries: 100 },
      counts: { critical: 0, high: 1, medium: 2, low: 3, unknown: 0 },
      ...{ report: blob, findings: blob, sbom: blob },
    },
    signature: { state: 'done', at, outcome: 'not-required', code: 'SIGNATURE_NOT_REQUIRED', message: '', policy },
    decision: { verdict: 'pass', reasons: [], action: 'mark', because: 'push', policy, rule: 0, crossing: [] },
    decidedAt: at,
    settledAt: at,
    passedAt: at,
    enforcement: { state: 'none', operations: [] },
    marks: marks.map((digest, i) => ({ kind: KINDS[i] ?? 'sbom', digest })),
  };
}
