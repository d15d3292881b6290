import type { Reason } from '../vulnerability/reason.js';
import type { Finding } from '../vulnerability/finding.js';
import type { ScanReport } from '../vulnerability/report.js';
import { reaches } from '../vulnerability/severity.js';
import type { ScanEvidence } from './evidence.js';
import type { PolicyRule, Unjudged } from './policy.js';

/** What one kind of evidence says by itself. */
export interface Opinion {
  readonly says: 'pass' | 'fail' | 'inconclusive' | 'pending';
  readonly reasons: readonly Reason[];
  /** Of what is pending: what it is when nobody waits any more. Default: inconclusive. */
  readonly atDeadline?: 'fail' | 'inconclusive';
}

/** Whether a finding reaches one of the rule's thresholds. */
export function crosses(finding: Finding, { fail, failFixable }: PolicyRule['vulnerabilities']): boolean {
  if (fail !== undefined && reaches(finding.severity, fail)) return true;
  return failFixable !== undefined && finding.fixed !== undefined && reaches(finding.severity, failFixable);
}

/** What a scan says under a rule. */
export function evaluateScan(scan: ScanEvidence, rule: PolicyRule): Opinion {
  switch (scan.state) {
    case 'pending':
      return { says: 'pending', reasons: [{ code: 'SCAN_PENDING', message: 'The scan has not ended yet.' }] };
    case 'failed':
      return { says: rule.unscannable, reasons: [{ code: scan.code, message: scan.message }] };
    case 'done':
      return worst([
        vulnerabilities(scan.report, rule),
        secrets(scan.report, rule),
        unrecognised(scan.report, rule),
        endOfLife(scan.report, rule),
      ]);
  }
}

const RANK: Readonly<Record<Opinion['says'], number>> = { pass: 0, pending: 1, inconclusive: 2, fail: 3 };

/** The hardest of several opinions, with the reasons of all that do not pass, hardest first. */
export function worst(opinions: readonly Opinion[]): Opinion {
  const sorted = opinions.toSorted((a, b) => RANK[b.says] - RANK[a.says]);
  return {
    says: sorted[0]?.says ?? 'inconclusive',
    reasons: sorted.filter(({ says }) => says !== 'pass').flatMap(({ reasons }) => reasons),
  };
}

const PASS: Opinion = { says: 'pass', reasons: [] };

function vulnerabilities(report: ScanReport, rule: PolicyRule): Opinion {
  const crossing = report.findings.filter((finding) => crosses(finding, rule.vulnerabilities));
  if (crossing.length === 0) return PASS;
  const bySeverity = Map.groupBy(crossing, ({ severity }) => severity);
  const counts = [...bySeverity].map(([severity, findings]) => `${findings.length} ${severity}`).join(', ');
  const fixable = crossing.filter(({ fixed }) => fixed !== undefined).length;
  const message = `${counts} at or above the policy's threshold; ${fixable} with a fix.`;
  return { says: 'fail', reasons: [{ code: 'VULNERABILITIES', message }] };
}

function secrets(report: ScanReport, rule: PolicyRule): Opinion {
  if (report.secrets.length === 0 || rule.secrets === 'accept') return PASS;
  const message = `${report.secrets.length} secret(s) in the layers.`;
  return { says: 'fail', reasons: [{ code: 'SECRETS', message }] };
}

function unrecognised(report: ScanReport, rule: PolicyRule): Opinion {
  // A system without one package is not clean either: its list of packages was removed, or is of a kind nobody reads.
  if (report.packages > 0) return PASS;
  const what = report.os === undefined ? 'No operating system and no packages' : `${report.os.family}, but no packages`;
  const message = `${what} were recognised, so nothing could be looked up.`;
  return unjudged(rule.unrecognised, { code: 'UNRECOGNISED', message });
}

function endOfLife(report: ScanReport, rule: PolicyRule): Opinion {
  if (report.os?.endOfLife !== true) return PASS;
  const message = `${report.os.family} ${report.os.name} is past its end of life and gets no more fixes.`;
  return unjudged(rule.endOfLife, { code: 'END_OF_LIFE', message });
}

function unjudged(says: Unjudged, reason: Reason): Opinion {
  return says === 'accept' ? PASS : { says, reasons: [reason] };
}
