import type { ArtifactKey } from '../artifact/reference.js';
import { isAppError } from '../error/app-error.js';
import type { Decision } from '../policy/decision.js';
import { evaluate } from '../policy/evaluate.js';
import type { ChildEvidence, SignatureEvidence, Verdict } from '../policy/evidence.js';
import { matchRule } from '../policy/match.js';
import type { ScanReport } from '../vulnerability/report.js';
import type { LedgerEntry } from './entry.js';
import { type GatherDeps, readReport, toEvidence } from './gather.js';
import { type Recalled, type Side, asksForSignature, recallSignature } from './recall.js';

/**
 * A policy, and what is assumed of signatures that nobody has looked for yet. Where both assumptions come to the same, it
 * does not matter that nobody has.
 */
export interface View {
  readonly side: Side;
  readonly assume: 'signed' | 'unsigned';
}

/** What a digest comes to under several views, in their order. */
export interface Judged {
  readonly decisions: readonly Decision[];
  /** Its report cannot be read, so it is inconclusive under all of them. */
  readonly unreadable: boolean;
}

/** How deep indexes are looked into: an index within an index is refused when it is pushed. */
const MAX_DEPTH = 2;

/**
 * Judges one digest by what is stored of it, under each view at the same `now`. Reads each piece of evidence once, asks no
 * registry, and changes nothing. The platforms of an index are judged under the view, whatever the ledger says of them.
 */
export function judgeStored(
  entry: LedgerEntry,
  { views, now }: { readonly views: readonly View[]; readonly now: Date },
  deps: GatherDeps,
): Promise<Judged> {
  return judge(entry, { views, now, depth: 1 }, deps);
}

interface Judging {
  readonly views: readonly View[];
  readonly now: Date;
  readonly depth: number;
}

async function judge(entry: LedgerEntry, judging: Judging, deps: GatherDeps): Promise<Judged> {
  const { views, now } = judging;
  const report = await tryReport(entry, deps);
  if (report === 'unreadable') return { decisions: views.map(({ side }) => gaveUp(entry, side)), unreadable: true };
  const signature = await judgeSignature(entry, views, deps);
  const children = await judgeChildren(entry, judging, deps);
  const decisions = views.map((view) => {
    const { own, byIndex } = signature(view);
    const evidence = toEvidence(entry, {
      report,
      signature: own,
      coveredByIndex: byIndex,
      children: children(view),
      reserved: deps.isReserved(entry.key),
    });
    return evaluate(evidence, view.side.policy, now);
  });
  return { decisions, unreadable: false };
}

type Signed = (view: View) => { readonly own: SignatureEvidence; readonly byIndex: boolean };

async function judgeSignature(entry: LedgerEntry, views: readonly View[], deps: GatherDeps): Promise<Signed> {
  const sides = [...new Set(views.map(({ side }) => side))];
  const own = await recallSignature(entry, sides, deps);
  // An index that holds it matters only to whoever asks for a signature and finds none.
  const asking = sides.filter((side) => asksForSignature(entry, side) && !isVerified(own.get(side)));
  const parents: ReadonlyMap<Side, Recalled>[] = [];
  for (const digest of asking.length === 0 ? [] : entry.parents) {
    const parent = await deps.ledger.read({ ...entry.key, digest });
    if (parent !== undefined) parents.push(await recallSignature(parent.entry, asking, deps));
  }
  return ({ side, assume }) => ({
    own: assumed(own.get(side), assume),
    byIndex: parents.some((recalled) => recalled.has(side) && isGood(assumed(recalled.get(side), assume))),
  });
}

function isGood(signature: SignatureEvidence): boolean {
  return signature.state === 'done' && signature.outcome === 'verified';
}

function isVerified(recalled: Recalled | undefined): boolean {
  return recalled !== undefined && !recalled.unverified && isGood(recalled.signature);
}

function assumed(recalled: Recalled | undefined, assume: View['assume']): SignatureEvidence {
  if (recalled === undefined) return { state: 'pending' };
  if (!recalled.unverified) return recalled.signature;
  return assume === 'signed'
    ? { state: 'done', outcome: 'verified', code: 'SIGNATURE_VERIFIED', message: 'Assumed.' }
    : { state: 'done', outcome: 'missing', code: 'SIGNATURE_MISSING', message: 'Assumed.' };
}

/** One after the other, and of each the verdict alone is kept: an index may hold two hundred, each with a large report. */
async function judgeChildren(
  entry: LedgerEntry,
  { views, now, depth }: Judging,
  deps: GatherDeps,
): Promise<(view: View) => readonly ChildEvidence[]> {
  const all: { readonly child: LedgerEntry['children'][number]; readonly verdicts: ReadonlyMap<View, Verdict> }[] = [];
  for (const child of entry.children) {
    const found = await deps.ledger.read({ ...entry.key, digest: child.digest });
    const verdicts = new Map<View, Verdict>();
    if (found !== undefined && depth < MAX_DEPTH) {
      const { decisions } = await judge(found.entry, { views, now, depth: depth + 1 }, deps);
      for (const [i, view] of views.entries()) verdicts.set(view, decisions[i]?.verdict ?? 'pending');
    }
    all.push({ child, verdicts });
  }
  return (view) => all.map(({ child, verdicts }) => ({ ...child, verdict: verdicts.get(view) ?? 'pending' }));
}

async function tryReport(entry: LedgerEntry, deps: GatherDeps): Promise<ScanReport | 'unreadable' | undefined> {
  try {
    return await readReport(entry, deps);
  } catch (error) {
    const lost = ['BLOB_MISSING', 'BLOB_MISMATCH', 'BLOB_TOO_LARGE'].some((code) => isAppError(error, code));
    if (lost || error instanceof SyntaxError) return 'unreadable';
    throw error;
  }
}

/** What deciding it would end in: it is given up, and what stands in the registry stays. */
function gaveUp(entry: { readonly key: ArtifactKey } & Pick<LedgerEntry, 'passedAt'>, { policy }: Side): Decision {
  return {
    verdict: 'inconclusive',
    reasons: [{ code: 'REPORT_MISSING', message: 'The stored report cannot be read.' }],
    action: 'mark',
    because: entry.passedAt === undefined ? 'push' : 'change',
    policy: policy.digest,
    trust: policy.trust,
    rule: matchRule(policy, entry.key).index,
    crossing: [],
  };
}
