/** A first draft, with two mistakes: a word that is none, and nothing for all other repositories. */
export const DRAFT = `version: 1
rules:
  - repository: "shop/**"
    vulnerabilities: { fail: CRITICAL }
    onPush: lock-and-untagg
`;

const rules = (severity: string) => `rules:
  - repository: "shop/**"
    vulnerabilities: { fail: ${severity} }
    onPush: lock-and-untag
    onChange: { enforce: lock, after: 72h }
  - repository: "**"
    vulnerabilities: { fail: ${severity} }
    onPush: lock
`;

/** What the team begins with. What was there before is left alone (\`existing: observe\`, the default). */
export const FIRST = `version: 1
${rules('CRITICAL')}`;

/** Stricter, and for what was there before as well. */
export const STRICT = `version: 1
existing: enforce
${rules('HIGH')}`;
