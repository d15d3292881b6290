import { type ArtifactKey, formatKey } from '../artifact/reference.js';
import type { ImageAlert } from '../message/alert.js';
import { sortFindings } from '../vulnerability/finding.js';
import type { ScanReport } from '../vulnerability/report.js';
import { NO_COUNTS } from '../vulnerability/severity.js';
import type { LedgerEntry } from './entry.js';

const MAX_FINDINGS = 20;

/** A card's worth of news, and what makes it the same news when a step runs twice. */
export interface News {
  readonly alert: ImageAlert;
  readonly identity: readonly string[];
  /** What the ledger remembers as told. */
  readonly alerted: NonNullable<LedgerEntry['alerted']>;
}

/** What {@link findNews} is told besides the two entries. */
export interface NewsContext {
  readonly report: ScanReport | undefined;
  readonly link: (key: ArtifactKey) => readonly { readonly title: string; readonly url: string }[];
}

/**
 * Whether the change from `before` to `after` is worth a card: the verdict flipped, new findings cross the threshold, or
 * what stands against the digest changed. A first pass is no news. Pure.
 */
export function findNews(before: LedgerEntry, after: LedgerEntry, context: NewsContext): News | undefined {
  const { decision, enforcement } = after;
  if (decision === undefined || decision.verdict === 'pending') return undefined;
  const { verdict, crossing } = decision;
  const told = before.alerted;
  const alerted = {
    verdict,
    crossing: [...crossing],
    state: enforcement.state,
    ...(after.settledAt !== undefined && { at: after.settledAt }),
  };
  const flipped = told === undefined ? verdict !== 'pass' : told.verdict !== verdict;
  const grown = told !== undefined && crossing.some((id) => !told.crossing.includes(id));
  const moved = told !== undefined && told.state !== enforcement.state;
  if (!flipped && !grown && !moved) return undefined;
  // Named by what was told last: whoever writes the entry meanwhile without telling anything makes no other news of it.
  const identity = [formatKey(after.key), verdict, crossing.join(' '), enforcement.state, told?.at ?? ''];
  return { alerted, identity, alert: toAlert(before, after, context) };
}

function toAlert(before: LedgerEntry, after: LedgerEntry, { report, link }: NewsContext): ImageAlert {
  const { key, decision, enforcement } = after;
  const released =
    enforcement.state === 'released' && before.enforcement.state !== 'released' && after.release !== undefined;
  return {
    kind: 'image',
    key,
    tags: [...new Set([...after.tags, ...(enforcement.record?.tags ?? [])])],
    ...(after.platform !== undefined && { platform: after.platform }),
    verdict: decision?.verdict === 'pass' || decision?.verdict === 'fail' ? decision.verdict : 'inconclusive',
    ...(before.alerted && { previous: before.alerted.verdict }),
    cause: released ? 'release' : (decision?.because ?? 'push'),
    ...(after.failing !== undefined && { changed: after.failing.cause }),
    reasons: decision?.reasons ?? [],
    counts: after.scan.state === 'done' ? after.scan.counts : NO_COUNTS,
    ...(after.scan.state === 'done' && {
      scannedAt: after.scan.finishedAt,
      databaseAt: after.scan.database.updatedAt,
    }),
    findings: sortFindings(report?.findings ?? []).slice(0, MAX_FINDINGS),
    secrets: (report?.secrets ?? []).slice(0, MAX_FINDINGS),
    ...(enforcement.state === 'withheld' && enforcement.withheld && { withheld: enforcement.withheld }),
    ...(enforcement.state === 'contested' && { contested: true }),
    operations: enforcement.operations,
    ...(after.pushedBy !== undefined && { pushedBy: after.pushedBy }),
    pushedAt: after.pushedAt,
    decidedAt: after.decidedAt ?? after.pushedAt,
    links: link(key),
  };
}
