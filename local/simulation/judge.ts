import { type ArtifactKey, formatKey } from '../../shared/artifact/reference.js';
import { partitionKey } from '../../shared/ledger/table-key.js';
import { parseRepository } from '../../shared/artifact/repository.js';
import { ALL_QUEUES, QUEUES, poisonQueue } from '../../shared/message/queue-name.js';
import type { LedgerEntry } from '../../shared/pipeline/entry.js';
import { MONTH } from './setting.js';
import { judgeCards } from './judge-cards.js';
import { judgeMarks } from './judge-marks.js';
import type { HeldManifest } from './memory-registry.js';
import { type Place, demandOf, verdictsOf } from './oracle.js';
import type { Outcome } from './outcome.js';

/** What is not as it should be. */
export interface Complaint {
  readonly kind: 'lost' | 'wrong';
  readonly code: string;
  readonly subject: string;
  readonly detail: string;
}

/** What the judge says of one world. */
export interface Judgement {
  readonly manifests: number;
  readonly complaints: readonly Complaint[];
  /** Cards that told what an earlier one had told, each with the fault that explains it. */
  readonly duplicates: readonly { readonly subject: string; readonly because: string }[];
}

/**
 * Compares registry, ledger and cards with what the oracle makes of the history. `calm`: what waits for a deadline, or for
 * something that was deleted, may still be queued.
 */
export async function judge(outcome: Outcome, when: 'calm' | 'end'): Promise<Judgement> {
  const complaints: Complaint[] = [];
  const finals = new Map<string, LedgerEntry>();
  let manifests = 0;
  for (const [registry, { repositories, blobs }] of outcome.registries) {
    for (const [name, held] of repositories()) {
      const place: Place = { registry, repository: parseRepository(name), held, deeds: outcome.deeds };
      const entries = new Map<string, LedgerEntry>();
      const waiting = new Set<string>();
      // Lost messages are missed when their queue is empty, or a day later; a digest that was locked unseen is opened later.
      const late = outcome.history.scannerless > 0 || outcome.fates.stricken.has(`${registry}/${name}`);
      for (const manifest of held.manifests.values()) {
        const allowed = verdictsOf(manifest, place);
        if (allowed === undefined) continue;
        manifests += 1;
        const key: ArtifactKey = { registry, repository: place.repository, digest: manifest.digest };
        const entry = (await outcome.ledger.read(key))?.entry;
        if (entry !== undefined) {
          entries.set(manifest.digest, entry);
          finals.set(formatKey(key), entry);
        }
        if (when === 'calm' && (late || isWaiting({ manifest, entry }, place))) waiting.add(manifest.digest);
        else {
          const children = (entry?.children ?? []).map(({ digest }) => outcome.ledger.read({ ...key, digest }));
          const platforms = (await Promise.all(children)).map((child) => child?.entry);
          complaints.push(...judgeManifest({ key, manifest, entry, allowed, when, platforms, blobs }, place));
        }
      }
      complaints.push(...judgeTags(place, { entries, waiting, untold: outcome.fates.untold }));
      if (when === 'end') complaints.push(...(await judgeGone(place, outcome)));
    }
  }
  if (when === 'end') complaints.push(...judgeRest(outcome, finals), ...(await judgeForgotten(outcome, finals)));
  const cards = judgeCards(outcome, finals);
  return { manifests, complaints: [...complaints, ...cards.complaints], duplicates: cards.duplicates };
}

/** What was taken for gone, and never was: whoever asked meanwhile was told that nobody knows it. */
async function judgeForgotten(
  { journal, deeds }: Outcome,
  finals: ReadonlyMap<string, LedgerEntry>,
): Promise<Complaint[]> {
  const subjects = new Map([...finals].map(([subject, { key }]) => [`${partitionKey(key)} ${key.digest}`, subject]));
  const complaints: Complaint[] = [];
  for await (const row of journal.listEntities({ queryOptions: { filter: `PartitionKey eq '${MONTH}'` } })) {
    const subject = row['what'] === 'reconcile-gone' ? subjects.get(String(row['artifact'])) : undefined;
    if (subject === undefined || deeds.deleted.has(subject)) continue;
    complaints.push({ kind: 'wrong', code: 'FORGOTTEN', subject, detail: String(row['at']) });
  }
  return complaints;
}

interface Judged {
  readonly key: ArtifactKey;
  readonly manifest: HeldManifest;
  readonly entry: LedgerEntry | undefined;
  readonly allowed: ReadonlySet<string>;
  readonly when: 'calm' | 'end';
  /** What the ledger knows of what it holds. */
  readonly platforms: readonly (LedgerEntry | undefined)[];
  /** What the registry holds beside manifests. */
  readonly blobs: ReadonlyMap<string, Uint8Array>;
}

/** An index waits for a platform that was deleted before it was judged, until the deadline. */
function isWaiting(
  { manifest, entry }: Pick<Judged, 'manifest' | 'entry'>,
  { deeds, registry, repository }: Place,
): boolean {
  const deleted = manifest.children.some((digest) => deeds.deleted.has(formatKey({ registry, repository, digest })));
  return deleted && entry?.decision?.verdict === 'pending' && entry.decision.waitUntil !== undefined;
}

function judgeManifest({ key, manifest, entry, allowed, when, platforms, blobs }: Judged, place: Place): Complaint[] {
  const subject = formatKey(key);
  const complain = (kind: Complaint['kind'], code: string, detail = ''): Complaint => ({ kind, code, subject, detail });
  const verdict = entry?.decision?.verdict;
  if (entry === undefined) return [complain('lost', 'NOT_IN_LEDGER')];
  if (entry.goneAt !== undefined) return [complain('lost', 'THOUGHT_GONE', entry.goneAt)];
  if (verdict === undefined || verdict === 'pending') return [complain('lost', 'NO_VERDICT', verdict ?? 'none')];
  const complaints: Complaint[] = [];
  if (!allowed.has(verdict)) {
    const reasons = entry.decision?.reasons.map(({ code }) => code).join(' ');
    complaints.push(complain('wrong', 'WRONG_VERDICT', `${verdict} (${reasons}) and not ${[...allowed].join(' or ')}`));
  }
  const protection = wantedProtection(key, verdict, place);
  const { readEnabled, deleteEnabled } = manifest.attributes;
  const locked = !readEnabled && !deleteEnabled;
  const open = readEnabled && deleteEnabled;
  if (!protection.lock.includes(locked) || !(locked || open)) {
    complaints.push(
      complain('wrong', locked ? 'LOCKED' : 'NOT_LOCKED', `verdict ${verdict}, ${entry.enforcement.state}`),
    );
  }
  // A mark that somebody deleted is missed by the walk of the day.
  const unmarked = when === 'calm' && place.deeds.unmarked.has(subject);
  if (!place.deeds.deleted.has(subject) && !unmarked) {
    const marked = { manifest, entry, held: place.held, blobs, platforms };
    complaints.push(...judgeMarks(marked).map((detail) => complain('wrong', 'MARKS', detail)));
  }
  return complaints;
}

/** Which states of lock and tags the policy allows for a digest with this verdict. */
function wantedProtection(
  key: ArtifactKey,
  verdict: string,
  { deeds, ...place }: Place,
): { readonly lock: readonly boolean[]; readonly untag: readonly boolean[] } {
  const { action } = demandOf(place);
  const release = deeds.releases.get(formatKey(key));
  const shut = verdict !== 'pass' && release !== 'released';
  const lock = shut && (action === 'lock' || action === 'lock-and-untag');
  const untag = shut && (action === 'untag' || action === 'lock-and-untag');
  // What has once passed is not locked anew, and where the history leaves that open, so does the judge.
  const manifest = place.held.manifests.get(key.digest);
  const passed = manifest !== undefined && verdictsOf(manifest, { deeds, ...place })?.has('pass') === true;
  const name = formatKey(key);
  // What was there before the app is never enforced on, unless somebody has pushed it anew since.
  if (deeds.existing.has(name) && !deeds.pushedSince.has(name)) return { lock: [false], untag: [false] };
  const existing = deeds.existing.has(name);
  const either = existing || release === 'unclear' || deeds.deleted.has(formatKey(key)) || passed ? [false] : [];
  return { lock: [lock, ...either], untag: [untag, ...either] };
}

/** A tag belongs to its last push: it points there, unless that digest's quarantine took it away. */
function judgeTags(
  place: Place,
  {
    entries,
    waiting,
    untold,
  }: {
    readonly entries: ReadonlyMap<string, LedgerEntry>;
    readonly waiting: ReadonlySet<string>;
    readonly untold: ReadonlySet<string>;
  },
): Complaint[] {
  const { registry, repository, held, deeds } = place;
  const complaints: Complaint[] = [];
  const pushes = deeds.tagPushes.filter((push) => push.registry === registry && push.repository === repository);
  const untagged = (digest: string): readonly boolean[] => {
    if (waiting.has(digest)) return [true, false];
    const key = { registry, repository, digest: digest as ArtifactKey['digest'] };
    return wantedProtection(key, entries.get(digest)?.decision?.verdict ?? 'pending', place).untag;
  };
  for (const [tag, ofTag] of Map.groupBy(pushes, (push) => push.tag)) {
    const last = ofTag.at(-1);
    const target = held.tags.get(tag);
    const subject = `${registry}/${repository}:${tag}`;
    if (target !== undefined && !untagged(target).includes(false)) {
      complaints.push({ kind: 'wrong', code: 'NOT_UNTAGGED', subject, detail: target });
    }
    // Nobody was told whose tag it was: if it was taken away meanwhile, only its owner knows.
    if (untold.has(subject)) continue;
    // Whose last push was deleted, or taken away, may have lost the tag, and may have it back for an older one.
    if (last?.digest === undefined || !held.manifests.has(last.digest) || untagged(last.digest).includes(true))
      continue;
    if (target !== last.digest) {
      const detail = `${target ?? 'absent'} and not ${last.digest}`;
      complaints.push({ kind: 'wrong', code: target === undefined ? 'TAG_LOST' : 'TAG_MOVED', subject, detail });
    }
  }
  return complaints;
}

/** What the registry does not hold any more is not taken for protected. */
async function judgeGone(place: Place, { ledger }: Outcome): Promise<Complaint[]> {
  const complaints: Complaint[] = [];
  const { registry, repository, held, deeds } = place;
  const prefix = `${registry}/${repository}@`;
  for (const name of deeds.deleted) {
    const digest = name.slice(prefix.length) as ArtifactKey['digest'];
    if (!name.startsWith(prefix) || held.manifests.has(digest)) continue;
    const entry = (await ledger.read({ registry, repository, digest }))?.entry;
    if (entry !== undefined && entry.goneAt === undefined) {
      complaints.push({ kind: 'lost', code: 'NOT_GONE', subject: name, detail: entry.decision?.verdict ?? 'none' });
    }
  }
  return complaints;
}

/**
 * Nothing is left over: no message, no event, nothing poisoned. A digest that was opened for a scan has its deadline once
 * more, and how long the pipeline waits before it opens it for the third time is longer than a world lasts.
 */
function judgeRest({ queues, pendingEvents }: Outcome, finals: ReadonlyMap<string, LedgerEntry>): Complaint[] {
  const complaints: Complaint[] = [];
  for (const queue of ALL_QUEUES) {
    for (const name of [queue, poisonQueue(queue)]) {
      const texts = queues.contents(name).map(({ text }) => Buffer.from(text, 'base64').toString('utf8'));
      const left = texts.filter((text) => name !== QUEUES.decide || !isReopened(text, finals));
      if (left.length === 0) continue;
      const detail = `${left.length}: ${(left[0] ?? '').slice(0, 300)}`;
      complaints.push({ kind: 'lost', code: 'NOT_AT_REST', subject: name, detail });
    }
  }
  if (pendingEvents > 0)
    complaints.push({ kind: 'lost', code: 'EVENTS_LEFT', subject: 'events', detail: String(pendingEvents) });
  return complaints;
}

function isReopened(text: string, finals: ReadonlyMap<string, LedgerEntry>): boolean {
  const { key } = JSON.parse(text) as { readonly key: ArtifactKey };
  return (finals.get(formatKey(key))?.reopened ?? 0) > 0;
}
