import { AppError } from '../../error/app-error.js';

const KEPT_OF_A_SECRET: ReadonlySet<string> = new Set([
  'RuleID',
  'Category',
  'Severity',
  'Title',
  'StartLine',
  'EndLine',
  'Layer',
]);

/**
 * Removes the text of secrets from a raw report before anything else reads it: what Trivy masks is still a hint, and the
 * lines around it are not masked at all. Rule, category, severity and place remain. Throws `REPORT_MALFORMED`.
 */
export function sanitiseReport(bytes: Uint8Array): Uint8Array {
  const report = parse(bytes);
  const results = isRecord(report) && Array.isArray(report['Results']) ? (report['Results'] as unknown[]) : [];
  for (const result of results) {
    if (!isRecord(result)) continue;
    const { Secrets: secrets } = result;
    if (Array.isArray(secrets)) result['Secrets'] = secrets.map(keepPlace);
    // Suppressed findings carry the same text, and are not used.
    delete result['ExperimentalModifiedFindings'];
  }
  return Buffer.from(JSON.stringify(report));
}

function keepPlace(secret: unknown): unknown {
  if (!isRecord(secret)) return {};
  return Object.fromEntries(Object.entries(secret).filter(([name]) => KEPT_OF_A_SECRET.has(name)));
}

function parse(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch (cause) {
    throw new AppError('REPORT_MALFORMED', 'Trivy wrote a report that is no JSON.', { retryable: true, cause });
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
