import { MediaType } from '../../shared/artifact/media-type.js';
import type { LedgerEntry } from '../../shared/pipeline/entry.js';
import { SEVERITIES, type Severity } from '../../shared/vulnerability/severity.js';
import type { HeldManifest, HeldRepository } from './memory-registry.js';

/** What is compared with what. */
export interface Marked {
  readonly manifest: HeldManifest;
  readonly entry: LedgerEntry;
  readonly held: HeldRepository;
  readonly blobs: ReadonlyMap<string, Uint8Array>;
  /** What the ledger knows of its platforms, each as often as the index lists it. */
  readonly platforms: readonly (LedgerEntry | undefined)[];
}

/**
 * What is wrong with the marks on one digest: an image has one of each kind, an index one report of all its platforms, and no
 * rule of a report is milder than one of its results.
 */
export function judgeMarks(marked: Marked): readonly string[] {
  const { entry } = marked;
  if (entry.kind === 'image') {
    return entry.scan.state === 'done'
      ? [...count(marked, MediaType.cyclonedx, 1), ...count(marked, MediaType.sarif, 1), ...hiddenOn(marked)]
      : [];
  }
  const isScanned = marked.platforms.every((platform) => platform?.scan.state === 'done');
  const counted = [...count(marked, MediaType.cyclonedx, 0), ...count(marked, MediaType.sarif, isScanned ? 1 : 0)];
  return counted.length > 0 || !isScanned ? counted : [...compare(marked), ...hiddenOn(marked)];
}

function count({ manifest, held }: Marked, type: string, wanted: number): readonly string[] {
  const found = referrersOf(manifest.digest, { held, type }).length;
  return found === wanted ? [] : [`${found} of ${type}`];
}

/** The report of an index holds what those of its platforms do, and is as old as the oldest. */
function compare({ manifest, held, blobs }: Marked): readonly string[] {
  const whole = reportOn(manifest.digest, { held, blobs });
  const digests = [...new Set(manifest.children)];
  const parts = digests.map((digest) => reportOn(digest, { held, blobs }));
  // With a platform that was deleted its own report is gone.
  if (whole === undefined || parts.some((part) => part === undefined)) return [];
  const known = parts.flatMap((part) => part ?? []);
  const oldest = known.map(({ createdAt }) => createdAt).sort()[0];
  const findings = known.flatMap((part) => part.findings).sort();
  return [
    ...(whole.createdAt === oldest ? [] : [`a report of ${whole.createdAt} and not of ${oldest}`]),
    ...(whole.findings.toSorted().join() === findings.join()
      ? []
      : [`${whole.findings.join()} and not ${findings.join()}`]),
  ];
}

interface Report {
  readonly createdAt: string;
  readonly findings: readonly string[];
  /** Findings that are worse than their rule tells. */
  readonly hidden: readonly string[];
}

function hiddenOn({ manifest, held, blobs }: Marked): readonly string[] {
  const hidden = reportOn(manifest.digest, { held, blobs })?.hidden ?? [];
  return hidden.map((id) => `a rule that hides ${id}`);
}

function reportOn(digest: string, { held, blobs }: Pick<Marked, 'held' | 'blobs'>): Report | undefined {
  const [referrer] = referrersOf(digest, { held, type: MediaType.sarif });
  if (referrer === undefined) return undefined;
  const { annotations, layers } = read(referrer.bytes) as {
    readonly annotations: Readonly<Record<string, string>>;
    readonly layers: readonly { readonly digest: string }[];
  };
  const document = read(blobs.get(layers[0]?.digest ?? '') ?? Buffer.from('{}')) as { readonly runs?: readonly Run[] };
  const createdAt = annotations['org.opencontainers.image.created'] ?? '';
  const [run] = document.runs ?? [];
  if (run === undefined) return { createdAt, findings: ['none'], hidden: [] };
  const told = new Map(run.tool.driver.rules.map(({ id, help }) => [id, severityIn(help)]));
  const hidden = run.results.flatMap(({ ruleId, message }) =>
    SEVERITIES.indexOf(severityIn(message)) < SEVERITIES.indexOf(told.get(ruleId) ?? 'UNKNOWN') ? [ruleId] : [],
  );
  return { createdAt, findings: run.results.map(({ ruleId }) => ruleId), hidden };
}

interface Text {
  readonly text: string;
}
interface Run {
  readonly results: readonly { readonly ruleId: string; readonly message: Text }[];
  readonly tool: { readonly driver: { readonly rules: readonly { readonly id: string; readonly help: Text }[] } };
}

function severityIn({ text }: Text): Severity {
  return SEVERITIES.find((severity) => text.includes(`Severity: ${severity}\n`)) ?? 'UNKNOWN';
}

function referrersOf(
  digest: string,
  { held, type }: { readonly held: HeldRepository; readonly type: string },
): readonly HeldManifest[] {
  const digests = [...(held.referrers.get(digest) ?? [])];
  return digests.flatMap((each) => held.manifests.get(each) ?? []).filter(({ artifactType }) => artifactType === type);
}

function read(bytes: Uint8Array): unknown {
  return JSON.parse(Buffer.from(bytes).toString('utf8'));
}
