import type { Finding } from '../vulnerability/finding.js';
import type { Reason } from '../vulnerability/reason.js';
import type { ScanReport } from '../vulnerability/report.js';
import { reaches } from '../vulnerability/severity.js';
import type { Condition, ConditionName } from './condition.js';
import type { ScanEvidence } from './evidence.js';
import type { PolicyRule, Unjudged } from './policy.js';

/** Every condition that a rule has for a scan, in the order in which their reasons are told. */
export function scanConditions(scan: ScanEvidence, rule: PolicyRule): readonly Condition[] {
  const scannable = { name: 'unscannable', asks: rule.unscannable } as const;
  switch (scan.state) {
    case 'pending': {
      const reasons = [{ code: 'SCAN_PENDING', message: 'The scan has not ended yet.' }];
      return [{ ...scannable, says: 'pending', reasons }, ...unknown(rule)];
    }
    case 'failed': {
      const reasons = [{ code: scan.code, message: scan.message }];
      return [{ ...scannable, says: rule.unscannable, reasons }, ...unknown(rule)];
    }
    case 'done':
      return [
        { ...scannable, says: 'pass', reasons: [] },
        ...vulnerabilities(scan.report, rule),
        secrets(scan.report, rule),
        unrecognised(scan.report, rule),
        endOfLife(scan.report, rule),
      ];
  }
}

/** What a rule asks of a scan's report, as it writes it. */
function asked({ vulnerabilities, secrets, unrecognised, endOfLife }: PolicyRule) {
  const { fail, failFixable } = vulnerabilities;
  return { 'vulnerabilities.fail': fail, 'vulnerabilities.failFixable': failFixable, secrets, unrecognised, endOfLife };
}

function named(name: keyof ReturnType<typeof asked>, rule: PolicyRule): Pick<Condition, 'name' | 'asks'> {
  const asks = asked(rule)[name];
  return { name, ...(asks !== undefined && { asks }) };
}

function unknown(rule: PolicyRule): readonly Condition[] {
  const names = Object.keys(asked(rule)) as (keyof ReturnType<typeof asked>)[];
  return names.map((name) => ({ ...named(name, rule), says: 'unknown', reasons: [] }));
}

/** The two thresholds. They share one reason, which counts a finding once although it may reach both. */
function vulnerabilities(report: ScanReport, rule: PolicyRule): readonly Condition[] {
  const { fail, failFixable } = rule.vulnerabilities;
  const reachesFail = ({ severity }: Finding) => fail !== undefined && reaches(severity, fail);
  const reachesFixable = ({ severity, fixed }: Finding) =>
    failFixable !== undefined && fixed !== undefined && reaches(severity, failFixable);
  const crossing = report.findings.filter((finding) => reachesFail(finding) || reachesFixable(finding));
  const reason = crossingReason(crossing);
  const threshold = (
    name: 'vulnerabilities.fail' | 'vulnerabilities.failFixable',
    reached: (finding: Finding) => boolean,
  ): Condition => {
    const base = named(name, rule);
    const findings = crossing.filter(reached);
    if (base.asks === undefined) return { ...base, says: 'off', reasons: [] };
    if (findings.length === 0) return { ...base, says: 'pass', reasons: [], findings };
    return { ...base, says: 'fail', reasons: [reason], findings };
  };
  return [threshold('vulnerabilities.fail', reachesFail), threshold('vulnerabilities.failFixable', reachesFixable)];
}

function crossingReason(crossing: readonly Finding[]): Reason {
  const bySeverity = Map.groupBy(crossing, ({ severity }) => severity);
  const counts = [...bySeverity].map(([severity, findings]) => `${findings.length} ${severity}`).join(', ');
  const fixable = crossing.filter(({ fixed }) => fixed !== undefined).length;
  return {
    code: 'VULNERABILITIES',
    message: `${counts} at or above the policy's threshold; ${fixable} with a fix.`,
  };
}

function secrets(report: ScanReport, rule: PolicyRule): Condition {
  const base = named('secrets', rule);
  if (rule.secrets === 'accept') return { ...base, says: 'off', reasons: [] };
  if (report.secrets.length === 0) return { ...base, says: 'pass', reasons: [] };
  const message = `${report.secrets.length} secret(s) in the layers.`;
  return { ...base, says: 'fail', reasons: [{ code: 'SECRETS', message }] };
}

function unrecognised(report: ScanReport, rule: PolicyRule): Condition {
  const what = report.os === undefined ? 'No operating system and no packages' : `${report.os.family}, but no packages`;
  const message = `${what} were recognised, so nothing could be looked up.`;
  // A system without one package is not clean either: its list of packages was removed, or is of a kind nobody reads.
  return unjudged('unrecognised', rule, report.packages > 0 ? undefined : { code: 'UNRECOGNISED', message });
}

function endOfLife({ os }: ScanReport, rule: PolicyRule): Condition {
  if (os?.endOfLife !== true) return unjudged('endOfLife', rule, undefined);
  const message = `${os.family} ${os.name} is past its end of life and gets no more fixes.`;
  return unjudged('endOfLife', rule, { code: 'END_OF_LIFE', message });
}

function unjudged(
  name: Extract<ConditionName, 'unrecognised' | 'endOfLife'>,
  rule: PolicyRule,
  reason: Reason | undefined,
): Condition {
  const base = named(name, rule);
  const says: Unjudged = rule[name];
  if (says === 'accept') return { ...base, says: 'off', reasons: [] };
  return reason === undefined ? { ...base, says: 'pass', reasons: [] } : { ...base, says, reasons: [reason] };
}
