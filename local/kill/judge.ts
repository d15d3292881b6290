import type { Done } from './director.js';

/** What has to have come of one manifest. */
export interface Expected {
  /** The push and the manifest, for people: `3 index, linux/arm64`. */
  readonly name: string;
  readonly repository: string;
  readonly digest: string;
  readonly verdict: 'pass' | 'fail' | 'inconclusive';
  /** The codes of the reasons, in order. */
  readonly reasons: readonly string[];
  /** Whether a client that asks by digest gets it. */
  readonly served: boolean;
  /** What each tag has to stand for: a digest, or nothing. */
  readonly tags: Readonly<Record<string, string | undefined>>;
  /** What hangs onto it: onto an index a report alone. */
  readonly marks: 'both' | 'report';
  /** The headlines of its cards. */
  readonly cards: readonly string[];
}

/** What has come of it. */
export interface Found {
  readonly verdict: string;
  readonly settled: boolean;
  readonly reasons: readonly string[];
  /** Statuses of pulls. */
  readonly byDigest: number;
  readonly byTag: Readonly<Record<string, { readonly status: number; readonly digest: string | null }>>;
  /** Artifact types of our marks. */
  readonly marks: readonly string[];
}

/** A card as the channel took it. `at`: milliseconds since 1970. */
export interface Card {
  readonly headline: string;
  /** Undefined where it is about no image. */
  readonly digest: string | undefined;
  readonly at: number;
}

/** What is not as it should be. */
export interface Complaint {
  readonly kind: 'lost' | 'wrong';
  readonly code: string;
  readonly subject: string;
  readonly detail: string;
}

/** A card that came again, with the deed that explains it. */
export interface Duplicate {
  readonly subject: string;
  readonly because: string;
}

/** From sending a card until that is recorded, at most, in milliseconds; an outage in between prolongs it. */
const RECORDING_MILLISECONDS = 2000;
/** A card may arrive so long after its sender has died, in milliseconds. */
const ARRIVING_MILLISECONDS = 500;

/** Compares what is with what should be. Pure. */
export function judge(
  pairs: readonly { readonly expected: Expected; readonly found: Found }[],
  cards: readonly Card[],
  done: readonly Done[],
): { readonly complaints: readonly Complaint[]; readonly duplicates: readonly Duplicate[] } {
  const complaints: Complaint[] = [];
  const duplicates: Duplicate[] = [];
  for (const { expected, found } of pairs) {
    complaints.push(...judgeManifest(expected, found));
    const told = cards.filter(({ digest }) => digest === expected.digest).toSorted((a, b) => a.at - b.at);
    const news: string[] = [];
    for (const [i, card] of told.entries()) {
      const first = told.slice(0, i).findLast(({ headline }) => headline === card.headline);
      const because = first && explain(first, card, done);
      if (because === undefined) news.push(card.headline);
      else duplicates.push({ subject: `${expected.name}: ${card.headline}`, because });
    }
    // In any order: a card whose sender died is told after those that came later.
    if (list(news.toSorted()) !== list(expected.cards.toSorted())) {
      complaints.push(wrong(expected, 'CARDS', `${list(news)} and not ${list(expected.cards)}`));
    }
  }
  const known = new Set(pairs.map(({ expected }) => expected.digest));
  for (const { headline, digest } of cards) {
    if (digest !== undefined && known.has(digest)) continue;
    complaints.push({ kind: 'wrong', code: 'CARD_UNEXPECTED', subject: digest ?? 'no image', detail: headline });
  }
  return { complaints, duplicates };
}

function judgeManifest(expected: Expected, found: Found): readonly Complaint[] {
  if (!found.settled || !['pass', 'fail', 'inconclusive'].includes(found.verdict)) {
    const detail = `${found.verdict} (${list(found.reasons)})${found.settled ? '' : ', not settled'}`;
    return [{ kind: 'lost', code: 'NO_VERDICT', subject: expected.name, detail }];
  }
  const complaints: Complaint[] = [];
  const { verdict, reasons } = found;
  if (verdict !== expected.verdict || list(reasons) !== list(expected.reasons)) {
    const detail = `${verdict} (${list(reasons)}) and not ${expected.verdict} (${list(expected.reasons)})`;
    complaints.push(wrong(expected, 'VERDICT', detail));
  }
  const status = expected.served ? 200 : 405;
  if (found.byDigest !== status) {
    complaints.push(wrong(expected, 'PULL_BY_DIGEST', `${found.byDigest} and not ${status}`));
  }
  for (const [tag, target] of Object.entries(expected.tags)) {
    const pull = found.byTag[tag];
    const right = target === undefined ? pull?.status === 404 : pull?.status === 200 && pull.digest === target;
    if (!right) {
      const detail = `${tag}: ${pull?.status} ${pull?.digest ?? ''} and not ${target ?? '404'}`;
      complaints.push(wrong(expected, 'PULL_BY_TAG', detail));
    }
  }
  const wanted = ['application/sarif+json', ...(expected.marks === 'both' ? ['application/vnd.cyclonedx+json'] : [])];
  if (list(found.marks.toSorted()) !== list(wanted)) complaints.push(wrong(expected, 'MARKS', list(found.marks)));
  return complaints;
}

/** What died, or was away, between the sending of the first card and its being recorded. */
function explain(first: Card, second: Card, done: readonly Done[]): string | undefined {
  const cause = done.find(
    ({ deed, from, until }) =>
      /^kill (?:host|worker)$|^storage/.test(deed) &&
      from <= Math.min(first.at + RECORDING_MILLISECONDS, second.at) &&
      until + ARRIVING_MILLISECONDS >= first.at,
  );
  return cause && `${cause.deed} at "${cause.moment}"`;
}

function wrong({ name }: Expected, code: string, detail: string): Complaint {
  return { kind: 'wrong', code, subject: name, detail };
}

function list(items: readonly string[]): string {
  return items.length === 0 ? 'none' : items.join(', ');
}
