interface Document {
  readonly runs: readonly {
    readonly tool: { readonly driver: { readonly name: string; readonly rules: readonly Rule[] } };
    readonly results: readonly { readonly ruleId: string }[];
  }[];
}
interface Rule {
  readonly id: string;
  readonly help: { readonly text: string };
}

/**
 * What Ratify 1.4 makes of a SARIF document: the severity of the rule of each result, by its first run and by identifiers alone.
 * It compares the scanner's name in small letters, and matches anywhere in the help.
 */
export function admissionReads(bytes: Uint8Array): readonly string[] {
  const [run] = (JSON.parse(Buffer.from(bytes).toString('utf8')) as Document).runs;
  if (run?.tool.driver.name.toLowerCase() !== 'trivy') return [];
  const rules = new Map(run.tool.driver.rules.map(({ id, help }) => [id, help.text]));
  return run.results.map(({ ruleId }) => /Severity:[\t\n\f\r ]*(\w+)/.exec(rules.get(ruleId) ?? '')?.[1] ?? 'none');
}
