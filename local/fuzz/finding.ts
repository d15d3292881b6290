/** What is wrong with the verifier, as far as one mutation shows it. */
export interface Finding {
  /** `crash`: something else than a judgement came out. `passed`: it verified, and must not. `cost`: it took too much. */
  readonly kind: 'crash' | 'passed' | 'cost';
  /** The same for everything that has the same cause. */
  readonly cause: string;
  /** The seed, and what was done to it. */
  readonly told: string;
  /** Where it differs from what was signed, or what was thrown. */
  readonly detail: string;
  readonly iteration: number;
}

/** Findings with the same cause are one; the first of them is kept, and how many there were. */
export interface Findings {
  readonly add: (finding: Finding) => void;
  readonly all: () => readonly (Finding & { readonly count: number })[];
}

/** An empty collection. */
export function createFindings(): Findings {
  const known = new Map<string, Finding & { readonly count: number }>();
  return {
    add: (finding) => {
      const key = `${finding.kind} ${finding.cause}`;
      const first = known.get(key) ?? finding;
      known.set(key, { ...first, count: (known.get(key)?.count ?? 0) + 1 });
    },
    all: () => [...known.values()],
  };
}
