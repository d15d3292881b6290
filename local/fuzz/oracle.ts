import type { SignatureEvidence } from '../../shared/signature/candidate.js';
import type { SignatureRequirement } from '../../shared/signature/requirement.js';
import { buildEvidence } from './evidence.js';
import { type Difference, differencesOf } from './model/difference.js';
import { type FreePlace, explain } from './model/free.js';
import type { Leaves } from './model/leaves.js';
import { signatureLeaves, signaturesIn } from './model/signature-leaves.js';
import type { Seed } from './seed.js';

/** What was verified, and that it did. */
export interface Verified {
  readonly evidence: SignatureEvidence;
  readonly requirement: SignatureRequirement;
  readonly now: Date;
  /** The places of the judgements that came out as verified. */
  readonly places: readonly number[];
}

/** Why it may have verified: what changed is free, or the difference that nothing explains. */
export type Explanation = { readonly free: ReadonlySet<FreePlace> } | { readonly unexplained: readonly Difference[] };

/** All signatures of a seed, as they were signed. */
export function leavesOfSeed({ parts, ...seed }: Seed): readonly Leaves[] {
  const [candidate] = buildEvidence({ ...seed, parts }).candidates;
  if (candidate === undefined) return [];
  return Array.from({ length: signaturesIn(candidate) }, (_, at) => signatureLeaves(candidate, at, parts.now));
}

/**
 * Explains each signature that verified by one that is known to be good: they may differ in nothing but free places. The best
 * explanation counts; of the first signature without one, the smallest difference comes back.
 */
export function explainVerified(
  { evidence, requirement, now, places }: Verified,
  known: readonly Leaves[],
): Explanation {
  const [candidate] = evidence.candidates;
  const used = new Set<FreePlace>();
  for (const place of places) {
    const leaves = candidate && signatureLeaves(candidate, place, now);
    if (leaves === undefined) return { unexplained: [] };
    const context = { kind: candidate?.kind ?? 'notation', requirement, after: leaves };
    const ways = known.map((each) => {
      const explained = differencesOf(each, leaves).map((difference) => ({
        difference,
        free: explain(difference, context),
      }));
      return {
        explained,
        open: explained.filter(({ free }) => free === undefined).map(({ difference }) => difference),
      };
    });
    const [best] = ways.sort((a, b) => a.open.length - b.open.length);
    if (best === undefined || best.open.length > 0) return { unexplained: best?.open ?? [] };
    for (const { free } of best.explained) if (free !== undefined) used.add(free);
  }
  return { free: used };
}

/**
 * Whether what another seed says is good for this one as well: the same image, with the same trust. No verifier is asked, for it
 * may be the one that is wrong.
 */
export function isGoodFor(seed: Seed, other: Seed): boolean {
  const { subject, parts } = other;
  const names = [...seed.parts.trust.keys()];
  return (
    subject.digest === seed.subject.digest &&
    parts.trust.size === names.length &&
    names.every((name) => seed.parts.trust.get(name)?.equals(parts.trust.get(name) ?? Buffer.alloc(0)) === true)
  );
}
