const SEGMENT = /^(?:\*\*|[a-z0-9._*-]+)$/;
const MAX_PATTERN_LENGTH = 255;

/** Why `pattern` is not a repository pattern; undefined when it is one. */
export function patternProblem(pattern: string): string | undefined {
  if (pattern.length > MAX_PATTERN_LENGTH) return `longer than ${MAX_PATTERN_LENGTH} characters`;
  const segments = pattern.split('/');
  const wrong = segments.find((segment) => !SEGMENT.test(segment) || (segment.includes('**') && segment !== '**'));
  if (wrong === undefined) return undefined;
  return `${JSON.stringify(wrong)} is not a segment of lower-case letters, digits, ".", "_", "-" and "*", nor "**"`;
}

/**
 * Whether a repository matches. `*` stands for any characters inside one segment, `**` for one or more whole segments,
 * so `team-a/**` holds everything below `team-a/` and never `team-away`. Linear in both lengths for each `*` kind.
 */
export function matchesPattern(pattern: string, repository: string): boolean {
  return matchWild(pattern.split('/'), repository.split('/'), {
    isWild: (segment) => segment === '**',
    least: 1,
    equal: (segment, part) =>
      matchWild(Array.from(segment), Array.from(part), {
        isWild: (c) => c === '*',
        least: 0,
        equal: (a, b) => a === b,
      }),
  });
}

interface Wild {
  readonly isWild: (item: string) => boolean;
  /** How few items a wildcard may stand for. */
  readonly least: number;
  readonly equal: (pattern: string, item: string) => boolean;
}

/** Greedy matching with one remembered wildcard: never exponential, whatever the pattern. */
function matchWild(pattern: readonly string[], items: readonly string[], wild: Wild): boolean {
  let p = 0;
  let i = 0;
  let resume: { readonly p: number; i: number } | undefined;
  while (i < items.length) {
    const item = pattern[p];
    if (item !== undefined && wild.isWild(item)) {
      i += wild.least;
      if (i > items.length) return false;
      resume = { p: p + 1, i };
      p += 1;
    } else if (item !== undefined && wild.equal(item, items[i] ?? '')) {
      p += 1;
      i += 1;
    } else if (resume !== undefined) {
      resume.i += 1;
      p = resume.p;
      i = resume.i;
    } else {
      return false;
    }
  }
  while (pattern[p] !== undefined && wild.isWild(pattern[p] ?? '') && wild.least === 0) p += 1;
  return p === pattern.length;
}
