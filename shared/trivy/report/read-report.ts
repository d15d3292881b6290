import { z } from 'zod';
import type { Digest } from '../../artifact/digest.js';
import { AppError } from '../../error/app-error.js';
import { type Finding, type SecretFinding, sortFindings } from '../../vulnerability/finding.js';
import type { ScanReport } from '../../vulnerability/report.js';
import { SEVERITIES, type Severity } from '../../vulnerability/severity.js';

const MAX_FINDINGS = 50_000;
const MAX_RESULTS = 20_000;

const text = z.string().transform((value) => value.slice(0, 512));
const severity = z.string().transform((value): Severity => SEVERITIES.find((known) => known === value) ?? 'UNKNOWN');

const vulnerability = z.object({
  VulnerabilityID: text,
  PkgName: text,
  InstalledVersion: text.optional(),
  FixedVersion: text.optional(),
  Status: text.optional(),
  Severity: severity.optional(),
  Title: text.optional(),
});
const secret = z.object({ RuleID: text, Severity: severity.optional(), Title: text.optional() });
const result = z.object({
  Target: text.optional(),
  Class: text.optional(),
  Packages: z.array(z.unknown()).optional(),
  Vulnerabilities: z.array(vulnerability).max(MAX_FINDINGS).optional(),
  Secrets: z.array(secret).max(MAX_FINDINGS).optional(),
});
// https://github.com/aquasecurity/trivy/blob/v0.74.0/pkg/types/report.go
const reportSchema = z.object({
  ArtifactType: z.literal('container_image'),
  Trivy: z.object({ Version: text.optional() }).optional(),
  Metadata: z.object({
    OS: z.object({ Family: text, Name: text.optional(), EOSL: z.boolean().optional() }).optional(),
    RepoDigests: z.array(z.string()).max(100).optional(),
    Reference: z.string().optional(),
  }),
  Results: z.array(result).max(MAX_RESULTS).optional(),
});
const schemaProbe = z.object({ SchemaVersion: z.number() });

/**
 * Reads Trivy's JSON report of schema version 2, for the digest that was asked for. Pure. Throws `REPORT_MALFORMED`,
 * `REPORT_SCHEMA_UNKNOWN`, `REPORT_OTHER_IMAGE` or `REPORT_TOO_LARGE`; none of them is retryable.
 */
export function readTrivyReport(bytes: Uint8Array, digest: Digest): ScanReport {
  const json = parse(bytes);
  const probe = schemaProbe.safeParse(json);
  if (!probe.success) throw new AppError('REPORT_MALFORMED', 'the report names no schema version');
  if (probe.data.SchemaVersion !== 2) {
    throw new AppError(
      'REPORT_SCHEMA_UNKNOWN',
      `a report of schema version ${probe.data.SchemaVersion}; this code reads 2`,
    );
  }
  const parsed = reportSchema.safeParse(json);
  if (!parsed.success) {
    throw new AppError('REPORT_MALFORMED', `the report is malformed: ${z.prettifyError(parsed.error).slice(0, 500)}`);
  }
  const { Metadata: metadata, Results: results = [], Trivy: trivy } = parsed.data;
  const named = [...(metadata.RepoDigests ?? []), metadata.Reference ?? ''];
  if (!named.some((name) => name.endsWith(`@${digest}`))) {
    throw new AppError('REPORT_OTHER_IMAGE', 'the report is about another image');
  }
  const findings = results.flatMap(toFindings);
  if (findings.length > MAX_FINDINGS) throw new AppError('REPORT_TOO_LARGE', `${findings.length} findings`);
  const { OS: os } = metadata;
  return {
    findings: sortFindings(findings),
    secrets: results.flatMap(toSecrets),
    // Trivy names a family "none" where it found no distribution.
    ...(os !== undefined &&
      os.Family !== 'none' && { os: { family: os.Family, name: os.Name ?? '', endOfLife: os.EOSL === true } }),
    packages: results.reduce((sum, { Packages: packages }) => sum + (packages?.length ?? 0), 0),
    scannerVersion: trivy?.Version ?? 'unknown',
  };
}

function parse(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new AppError('REPORT_MALFORMED', 'the report is no JSON', { cause });
  }
}

function toFindings({ Target: target = '', Vulnerabilities: found = [] }: z.infer<typeof result>): Finding[] {
  return found.map((entry) => ({
    id: entry.VulnerabilityID,
    package: entry.PkgName,
    installed: entry.InstalledVersion ?? '',
    ...(entry.FixedVersion !== undefined && entry.FixedVersion !== '' && { fixed: entry.FixedVersion }),
    severity: entry.Severity ?? 'UNKNOWN',
    target,
    ...(entry.Title !== undefined && { title: entry.Title }),
    ...(entry.Status !== undefined && { status: entry.Status }),
  }));
}

function toSecrets({ Target: path = '', Secrets: found = [] }: z.infer<typeof result>): SecretFinding[] {
  return found.map(({ RuleID: rule, Severity: rated, Title: title }) => ({
    rule,
    path,
    severity: rated ?? 'UNKNOWN',
    ...(title !== undefined && { title }),
  }));
}
