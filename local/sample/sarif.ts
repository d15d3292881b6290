/** What a scanner would have found. */
export interface SampleFinding {
  readonly id: string;
  readonly severity: string;
  readonly package?: string;
}

const LEVELS: Readonly<Record<string, string>> = { CRITICAL: 'error', HIGH: 'error', MEDIUM: 'warning' };
const SCORES: Readonly<Record<string, string>> = { CRITICAL: '9.5', HIGH: '8.0', MEDIUM: '5.5', LOW: '2.0' };

/** The SARIF document that Trivy writes about these findings: the rule of several is as severe as the last of them. */
export function trivySarif(findings: readonly SampleFinding[]): string {
  const ids = [...new Set(findings.map(({ id }) => id))];
  const text = ({ id, severity, package: name = 'openssl' }: SampleFinding) =>
    `Package: ${name}\nInstalled Version: 1.0\nVulnerability ${id}\nSeverity: ${severity}\nFixed Version: \nLink: [${id}]()`;
  const level = ({ severity }: SampleFinding) => LEVELS[severity] ?? 'note';
  const rules = ids.map((id) => {
    const last = findings.findLast((each) => each.id === id) ?? { id, severity: 'UNKNOWN' };
    const name = last.package ?? 'openssl';
    return {
      id,
      name: 'OsPackageVulnerability',
      shortDescription: { text: '' },
      fullDescription: { text: '' },
      defaultConfiguration: { level: level(last) },
      help: {
        text: `Vulnerability ${id}\nSeverity: ${last.severity}\nPackage: ${name}\nFixed Version: \nLink: [${id}]()\n`,
        markdown: `**Vulnerability ${id}**\n| Severity | Package |\n| --- | --- |\n|${last.severity}|${name}|\n`,
      },
      properties: {
        precision: 'very-high',
        'security-severity': SCORES[last.severity] ?? '0.0',
        tags: ['vulnerability', 'security', last.severity],
      },
    };
  });
  const results = findings.map((finding) => ({
    ruleId: finding.id,
    ruleIndex: ids.indexOf(finding.id),
    level: level(finding),
    message: { text: text(finding) },
    locations: [
      {
        physicalLocation: {
          artifactLocation: { uri: 'library/app', uriBaseId: 'ROOTPATH' },
          region: { startLine: 1, startColumn: 1, endLine: 1, endColumn: 1 },
        },
        message: { text: `library/app: ${finding.package ?? 'openssl'}@1.0` },
      },
    ],
  }));
  const driver = { fullName: 'Trivy Vulnerability Scanner', name: 'Trivy', rules, version: '0.74.0' };
  const run = { tool: { driver }, results, columnKind: 'utf16CodeUnits', properties: { repoTags: null } };
  return JSON.stringify({ version: '2.1.0', runs: [run] }, undefined, 2);
}
