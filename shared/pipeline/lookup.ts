import type { Digest } from '../artifact/digest.js';
import type { LoginServer } from '../artifact/login-server.js';
import type { ArtifactKey, Reference, TagKey } from '../artifact/reference.js';
import type { Repository } from '../artifact/repository.js';
import type { Tag } from '../artifact/tag.js';
import { AppError } from '../error/app-error.js';
import type { Finding, SecretFinding } from '../vulnerability/finding.js';
import type { Reason } from '../vulnerability/reason.js';
import { NO_COUNTS, type SeverityCounts, countBySeverity } from '../vulnerability/severity.js';
import type { LedgerEntry, TagEntry } from './entry.js';
import type { Clock } from './effects.js';
import { type GatherDeps, readReport } from './gather.js';

/** What a person or a pipeline is told of one artifact. */
export interface Status {
  readonly reference: string;
  readonly verdict: 'pass' | 'fail' | 'inconclusive' | 'pending' | 'unknown';
  readonly digest: Digest | null;
  /** Whether the verdict is final and its operations are applied. */
  readonly settled: boolean;
  readonly reasons: readonly Reason[];
  readonly findings: SeverityCounts & { readonly list: readonly Finding[] };
  readonly secrets: readonly SecretFinding[];
  readonly platforms: readonly {
    readonly platform: string;
    readonly digest: Digest;
    readonly verdict: Status['verdict'];
  }[];
  readonly enforcement: {
    readonly state: LedgerEntry['enforcement']['state'];
    readonly operations: LedgerEntry['enforcement']['operations'];
    /** Why nothing is done, and until when (RFC 3339). */
    readonly withheld: NonNullable<LedgerEntry['enforcement']['withheld']> | null;
    readonly release: NonNullable<LedgerEntry['release']> | null;
    /** The tag that was asked for is one that quarantine removed. */
    readonly tagRemoved: boolean;
  };
  readonly signature: {
    readonly state: string;
    readonly code?: string;
    readonly message?: string;
    /** What each signature came to by itself; bounded. */
    readonly found?: NonNullable<Extract<LedgerEntry['signature'], { state: 'done' }>['signatures']>;
  };
  readonly marks: LedgerEntry['marks'];
  /** Seconds since the scan that the verdict rests on ended, and since its vulnerability data was made. */
  readonly age: { readonly scan: number; readonly database: number } | null;
  /** A newer scan that is out, or has failed: what is told above rests on the one before. */
  readonly rescan:
    | { readonly state: 'open'; readonly at: string }
    | { readonly state: 'failed'; readonly at: string; readonly code: string; readonly message: string }
    | null;
  readonly times: Readonly<Record<string, string>>;
  /** Milliseconds of the scan and of its conversions. */
  readonly durations: Readonly<Record<string, number>>;
}

/** What {@link lookUp} needs. */
export interface LookUpDeps extends GatherDeps {
  readonly clock: Clock;
  readonly registries: ReadonlySet<LoginServer>;
  readonly sleep: (milliseconds: number) => Promise<void>;
  readonly registry: {
    resolveTag: (registry: LoginServer, repository: Repository, tag: Tag) => Promise<Digest | undefined>;
  };
  readonly ledger: GatherDeps['ledger'] & {
    readTag: (key: TagKey) => Promise<TagEntry | undefined>;
  };
}

/** The longest that one lookup waits, in seconds; a caller that wants more asks again. */
export const MAX_WAIT_SECONDS = 30;
const POLL_MILLISECONDS = 250;

/**
 * Looks an artifact up, and waits up to `waitSeconds` until its verdict is final and applied, or until it is known at
 * all. Throws `REGISTRY_NOT_CONFIGURED`, or what registry and ledger throw.
 */
export async function lookUp(reference: Reference, waitSeconds: number, deps: LookUpDeps): Promise<Status> {
  if (!deps.registries.has(reference.registry)) {
    throw new AppError('REGISTRY_NOT_CONFIGURED', 'a registry that is not configured');
  }
  const until = deps.clock().getTime() + Math.min(Math.max(waitSeconds, 0), MAX_WAIT_SECONDS) * 1000;
  for (;;) {
    const status = await lookUpNow(reference, deps);
    if (status.settled || deps.clock().getTime() >= until) return status;
    await deps.sleep(POLL_MILLISECONDS);
  }
}

/** The digest that a reference stands for: by the registry, or by the ledger where quarantine removed the tag. */
export async function resolve(
  reference: Reference,
  deps: Pick<LookUpDeps, 'registry' | 'ledger'>,
): Promise<{ readonly key: ArtifactKey; readonly tagRemoved: boolean } | undefined> {
  const { registry, repository } = reference;
  if (reference.digest !== undefined)
    return { key: { registry, repository, digest: reference.digest }, tagRemoved: false };
  const digest = await deps.registry.resolveTag(registry, repository, reference.tag);
  if (digest !== undefined) return { key: { registry, repository, digest }, tagRemoved: false };
  const row = await deps.ledger.readTag({ registry, repository, tag: reference.tag });
  if (row?.removed === undefined) return undefined;
  return { key: { registry, repository, digest: row.removed.digest }, tagRemoved: true };
}

async function lookUpNow(reference: Reference, deps: LookUpDeps): Promise<Status> {
  const resolved = await resolve(reference, deps);
  const found = resolved && (await deps.ledger.read(resolved.key));
  const text = `${reference.registry}/${reference.repository}${reference.digest ? `@${reference.digest}` : `:${reference.tag}`}`;
  if (found === undefined || found.entry.goneAt !== undefined) return unknown(text, resolved?.key.digest ?? null);
  const { entry } = found;
  const children = await Promise.all(
    entry.children.map(async ({ digest, platform }) => ({
      digest,
      platform,
      entry: (await deps.ledger.read({ ...entry.key, digest }))?.entry,
    })),
  );
  const images = entry.kind === 'index' ? children.flatMap((child) => (child.entry ? [child.entry] : [])) : [entry];
  const reports = await Promise.all(images.map((image) => readReport(image, deps)));
  const list = reports.flatMap((report) => report?.findings ?? []);
  const { state, operations, withheld } = entry.enforcement;
  return {
    reference: text,
    verdict: entry.decision?.verdict ?? 'pending',
    digest: entry.key.digest,
    settled: isSettled(entry),
    reasons: entry.decision?.reasons ?? whatIsMissing(entry),
    findings: { ...countBySeverity(list.map(({ severity }) => severity)), list },
    secrets: reports.flatMap((report) => report?.secrets ?? []),
    platforms: children.map((child) => ({
      platform: child.platform,
      digest: child.digest,
      verdict: child.entry?.decision?.verdict ?? 'pending',
    })),
    enforcement: {
      ...{ state, operations, tagRemoved: resolved?.tagRemoved ?? false },
      withheld: state === 'withheld' ? (withheld ?? null) : null,
      release: entry.release ?? null,
    },
    signature: signatureOf(entry),
    marks: entry.marks.map(({ kind, digest }) => ({ kind, digest })),
    age: ageOf(entry, deps.clock()),
    rescan: rescanOf(entry),
    times: timesOf(entry),
    durations:
      entry.scan.state === 'done' ? { scan: entry.scan.scanMilliseconds, convert: entry.scan.convertMilliseconds } : {},
  };
}

function whatIsMissing({ scan, signature }: LedgerEntry): readonly Reason[] {
  const missing = [
    ...(scan.state === 'open' ? [{ code: 'SCAN_PENDING', message: 'The scan has not ended yet.' }] : []),
    ...(signature.state === 'open' ? [{ code: 'VERIFICATION_PENDING', message: 'Not yet verified.' }] : []),
  ];
  return missing.length > 0 ? missing : [{ code: 'PENDING', message: 'Not decided yet.' }];
}

function isSettled({ decision, settledAt, enforcement, release }: LedgerEntry): boolean {
  if (decision === undefined || decision.verdict === 'pending' || settledAt === undefined) return false;
  if (enforcement.state === 'applying') return false;
  return release === undefined || new Date(settledAt) >= new Date(release.at);
}

function signatureOf({ signature }: LedgerEntry): Status['signature'] {
  if (signature.state === 'open') return { state: 'pending' };
  const { outcome: state, code, message, signatures = [] } = signature;
  return { state, code, message, found: signatures };
}

function ageOf({ scan }: LedgerEntry, now: Date): Status['age'] {
  if (scan.state !== 'done') return null;
  const seconds = (since: string) => Math.max(Math.round((now.getTime() - new Date(since).getTime()) / 1000), 0);
  return { scan: seconds(scan.finishedAt), database: seconds(scan.database.updatedAt) };
}

function rescanOf({ rescan }: LedgerEntry): Status['rescan'] {
  if (rescan === undefined) return null;
  if (rescan.state === 'open') return { state: 'open', at: rescan.requestedAt };
  return { state: 'failed', at: rescan.finishedAt, code: rescan.code, message: rescan.message };
}

function timesOf(entry: LedgerEntry): Status['times'] {
  const { scan, signature } = entry;
  const times: Record<string, string | undefined> = {
    pushed: entry.pushedAt,
    firstSeen: entry.firstSeenAt,
    scanRequested: scan.state === 'none' ? undefined : scan.requestedAt,
    scanStarted: scan.state === 'done' ? scan.startedAt : undefined,
    scanFinished: scan.state === 'done' || scan.state === 'failed' ? scan.finishedAt : undefined,
    verified: signature.state === 'done' ? signature.at : undefined,
    decided: entry.decidedAt,
    settled: entry.settledAt,
    waitUntil: entry.decision?.waitUntil,
    failingSince: entry.failing?.since,
    database: scan.state === 'done' ? scan.database.updatedAt : undefined,
  };
  return Object.fromEntries(Object.entries(times).filter((pair): pair is [string, string] => pair[1] !== undefined));
}

function unknown(reference: string, digest: Digest | null): Status {
  return {
    reference,
    verdict: 'unknown',
    digest,
    settled: false,
    reasons: [{ code: 'UNKNOWN', message: 'Lazaret does not know this artifact.' }],
    findings: { ...NO_COUNTS, list: [] },
    secrets: [],
    platforms: [],
    enforcement: { state: 'none', operations: [], withheld: null, release: null, tagRemoved: false },
    signature: { state: 'unknown' },
    marks: [],
    age: null,
    rescan: null,
    times: {},
    durations: {},
  };
}
