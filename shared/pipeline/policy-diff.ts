import type { Digest } from '../artifact/digest.js';
import type { LoginServer } from '../artifact/login-server.js';
import { type ArtifactKey, type Place, formatKey } from '../artifact/reference.js';
import type { EnforcementMode } from '../policy/operation.js';
import { defaultLimit } from './brake.js';
import type { Clock } from './effects.js';
import type { LedgerEntry, RepositoryRow, Survey } from './entry.js';
import type { GatherDeps } from './gather.js';
import { type View, judgeStored } from './judge-stored.js';
import type { Side } from './recall.js';
import { type Standing, isSameStanding, standingOf } from './standing.js';

/** What {@link policyDiff} needs. */
export interface PolicyDiffDeps extends GatherDeps {
  readonly clock: Clock;
  readonly mode: EnforcementMode;
  readonly registries: ReadonlySet<LoginServer>;
  /** New quarantines an hour; undefined for the default. */
  readonly limit: number | undefined;
  readonly ledger: GatherDeps['ledger'] & {
    listRepository: (repository: Place) => AsyncIterable<RepositoryRow>;
    listSurveys: (registry: LoginServer) => AsyncIterable<Survey>;
    knownDigests: () => Promise<number>;
  };
}

/**
 * What another policy makes of a digest. `quarantined`: at once. `later`: when the time of a change is over. `released`: its
 * quarantine is undone. `to-be-verified`: nobody has looked for its signature yet, and it matters. `told`: no more than that,
 * since nothing in the registry changes.
 */
export type Becomes = 'quarantined' | 'later' | 'released' | 'to-be-verified' | 'told';

/** One digest that stands otherwise under the other policy. */
export interface Change {
  /** `registry/repository@digest`. */
  readonly reference: string;
  readonly becomes: Becomes;
  /** Of what is to be verified: how it stands if a trusted key has signed it. */
  readonly before: Standing;
  readonly after: Standing;
  /** How what is to be verified stands if none has. */
  readonly unsigned?: { readonly before: Standing; readonly after: Standing };
}

/** What is asked of {@link policyDiff}. */
export interface PolicyDiffRequest {
  readonly before: Side;
  readonly after: Side;
  /** The moment at which both are judged: the same for all pages. */
  readonly at: Date;
  /** The last digest of the page before; absent for the first page. */
  readonly from?: ArtifactKey | undefined;
  /** How many digests a page compares at most. Default: {@link MAX_COMPARED}. */
  readonly maxCompared?: number;
}

/** One page of a comparison. */
export interface PolicyDiffPage {
  readonly policies: { readonly before: Digest; readonly after: Digest };
  readonly mode: EnforcementMode;
  /** RFC 3339. */
  readonly at: string;
  /** Digests that were compared for this page. */
  readonly compared: number;
  /** Of these, digests whose stored report cannot be read, so that nothing can be said of them. */
  readonly unreadable: number;
  /** Digests in the ledger, by the last sweep. */
  readonly known: number;
  /** How many of them the brake lets be quarantined within an hour. */
  readonly limit: number;
  readonly changes: readonly Change[];
  /** Where the next page begins: the last digest of this one; null where there is no more. */
  readonly after: ArtifactKey | null;
}

/** How many digests one page compares at most. */
export const MAX_COMPARED = 2000;
/** How long one page takes, in milliseconds: what was begun by then is ended. */
const PAGE_MILLISECONDS = 20_000;
/** How many digests are judged at once, and how many bytes of stored evidence they may have together. */
const WIDTH = 4;
const MAX_BYTES = 32 * 1024 * 1024;

/** How much of that one digest takes. The platforms of an index are read one after the other, whatever they weigh. */
function weightOf({ kind, scan, signature }: LedgerEntry): number {
  if (kind === 'index') return MAX_BYTES / 2;
  const report = scan.state === 'done' ? scan.findings.bytes : 0;
  return report + (signature.state === 'done' ? (signature.evidence?.bytes ?? 0) : 0);
}

/**
 * Judges every digest of the ledger under two policies, by stored evidence alone, and tells those that stand otherwise. Asks no
 * registry and changes nothing. One page at a time, in the order of registry, repository and digest.
 */
export async function policyDiff(request: PolicyDiffRequest, deps: PolicyDiffDeps): Promise<PolicyDiffPage> {
  const { before, after, at, maxCompared = MAX_COMPARED } = request;
  const until = deps.clock().getTime() + PAGE_MILLISECONDS;
  const known = await deps.ledger.knownDigests();
  const changes: Change[] = [];
  let compared = 0;
  let unreadable = 0;
  let last: ArtifactKey | null = null;
  const page = (next: ArtifactKey | null): PolicyDiffPage => ({
    policies: { before: before.policy.digest, after: after.policy.digest },
    ...{ mode: deps.mode, at: at.toISOString(), compared, unreadable, known },
    ...{ limit: deps.limit ?? defaultLimit(known), changes, after: next },
  });
  let waiting: LedgerEntry[] = [];
  const compare = async () => {
    const judged = await Promise.all(waiting.map((entry) => compareOne(entry, request, deps)));
    compared += judged.length;
    unreadable += judged.filter((each) => each.unreadable).length;
    changes.push(...judged.flatMap(({ change }) => change ?? []));
    waiting = [];
  };
  for await (const entry of entriesAfter(request.from, deps)) {
    const weight = waiting.reduce((sum, each) => sum + weightOf(each), weightOf(entry));
    if (weight > MAX_BYTES) await compare();
    if (entry.goneAt === undefined) waiting.push(entry);
    last = entry.key;
    const full = compared + waiting.length >= maxCompared;
    if (waiting.length >= WIDTH || full) await compare();
    if (full || deps.clock().getTime() >= until) {
      await compare();
      return page(last);
    }
  }
  await compare();
  return page(null);
}

/** All entries behind `from`, streamed: a registry may hold more than fits into memory. */
async function* entriesAfter(
  from: ArtifactKey | undefined,
  { registries, ledger }: PolicyDiffDeps,
): AsyncGenerator<LedgerEntry> {
  for (const registry of [...registries].sort()) {
    if (from !== undefined && registry < from.registry) continue;
    const isFrom = registry === from?.registry;
    const names: Survey['repository'][] = [];
    for await (const { repository } of ledger.listSurveys(registry)) names.push(repository);
    for (const repository of names.sort()) {
      if (isFrom && repository < from.repository) continue;
      const behind = isFrom && repository === from.repository ? from.digest : undefined;
      // A table's rows come in the order of their keys, which are the digests.
      for await (const row of ledger.listRepository({ registry, repository })) {
        if (row.kind === 'entry' && (behind === undefined || row.entry.key.digest > behind)) yield row.entry;
      }
    }
  }
}

async function compareOne(
  entry: LedgerEntry,
  { before, after, at: now }: PolicyDiffRequest,
  deps: PolicyDiffDeps,
): Promise<{ readonly change?: Change; readonly unreadable: boolean }> {
  const views = [before, after].flatMap((side): View[] => [
    { side, assume: 'signed' },
    { side, assume: 'unsigned' },
  ]);
  const { decisions, unreadable } = await judgeStored(entry, { views, now }, deps);
  const [was, wasUnsigned, is, isUnsigned] = decisions.map((decision, i) =>
    standingOf(entry, decision, { policy: (i < 2 ? before : after).policy, now }),
  );
  if (was === undefined || wasUnsigned === undefined || is === undefined || isUnsigned === undefined)
    return { unreadable };
  if (isSameStanding(was, is) && isSameStanding(wasUnsigned, isUnsigned)) return { unreadable };
  const reference = formatKey(entry.key);
  if (isSameStanding(was, wasUnsigned) && isSameStanding(is, isUnsigned)) {
    return { change: { reference, becomes: becomes(was, is), before: was, after: is }, unreadable };
  }
  const unsigned = { before: wasUnsigned, after: isUnsigned };
  return { change: { reference, becomes: 'to-be-verified', before: was, after: is, unsigned }, unreadable };
}

function becomes(before: Standing, after: Standing): Becomes {
  if (after.effect === 'quarantine' && before.effect !== 'quarantine') return 'quarantined';
  if (after.effect === 'later' && before.effect !== 'later' && before.effect !== 'quarantine') return 'later';
  return after.effect === 'lifts' && before.effect !== 'lifts' ? 'released' : 'told';
}
