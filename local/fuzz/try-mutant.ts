import { AppError } from '../../shared/error/app-error.js';
import type { SignatureEvidence } from '../../shared/signature/candidate.js';
import type { SignatureRequirement } from '../../shared/signature/requirement.js';
import type { Judged } from '../../shared/signature/result.js';
import { readEvidence } from '../../shared/signature/stored-evidence.js';
import { buildEvidence } from './evidence.js';
import { crashOf, isByAccident } from './crash.js';
import { explainAnswers, explainTrust } from './model/trust-differences.js';
import type { Difference } from './model/difference.js';
import type { Mutant } from './mutant.js';
import { explainVerified, isGoodFor, leavesOfSeed } from './oracle.js';
import type { Parts, Seed } from './seed.js';
import type { Verifier } from './verifier.js';

/** What came of one mutant. */
export interface Trial {
  readonly outcome: 'refused' | 'unreadable' | 'verified' | 'crash' | 'passed';
  readonly cause: string;
  readonly detail: string;
  /** Names of the free places that explain why it verified. */
  readonly free: readonly string[];
}

/** What mutants are tried with. */
export interface TrialContext {
  readonly seed: Seed;
  readonly other: Seed;
  readonly verify: Verifier;
  /** Changes the evidence as it is stored; undefined where it is not to be stored. */
  readonly store: ((evidence: SignatureEvidence) => Uint8Array) | undefined;
}

const plain = (outcome: Trial['outcome']): Trial => ({ outcome, cause: '', detail: '', free: [] });

/** Verifies a mutant, and judges what the verifier says of it. */
export function tryMutant(mutant: Mutant, context: TrialContext): Trial {
  const { seed, store } = context;
  const { parts } = mutant;
  let evidence: SignatureEvidence;
  let requirement: SignatureRequirement;
  try {
    requirement = requirementOf(seed, parts.trust);
    evidence = buildEvidence({ ...seed, parts });
    if (store !== undefined) evidence = readEvidence(store(evidence), seed.subject.digest);
  } catch (error) {
    const crash = crashOf(error);
    return crash === undefined ? plain('unreadable') : { ...plain('crash'), cause: crash, detail: stackOf(error) };
  }
  const alone = evidence.candidates.map((candidate) => ({ ...evidence, candidates: [candidate] }));
  // Stored evidence may have come to hold several: each is explained by itself.
  const trials = (alone.length === 0 ? [evidence] : alone).map((each) => judge(each, { requirement, mutant, context }));
  const order: readonly Trial['outcome'][] = ['crash', 'passed', 'verified'];
  const found = order.flatMap((outcome) => trials.find((trial) => trial.outcome === outcome) ?? []);
  return found[0] ?? plain('refused');
}

interface Judging {
  readonly requirement: SignatureRequirement;
  readonly mutant: Mutant;
  readonly context: TrialContext;
}

function judge(evidence: SignatureEvidence, { requirement, mutant, context }: Judging): Trial {
  const { seed, other, verify } = context;
  const { parts, trust } = mutant;
  let judged: readonly Judged[];
  try {
    judged = verify(evidence, requirement, parts.now);
  } catch (error) {
    const cause = crashOf(error) ?? `thrown: ${error instanceof AppError ? error.code : 'a check'}`;
    return { ...plain('crash'), cause, detail: stackOf(error) };
  }
  const accident = judged.find(isByAccident);
  if (accident !== undefined) {
    const told = accident.checks.map(({ type, code, message }) => `${type} ${code}: ${message}`).join(' ');
    return { ...plain('crash'), cause: `refused by accident: ${accident.checks.at(-1)?.type ?? ''}`, detail: told };
  }
  const places = judged.flatMap(({ outcome }, at) => (outcome === 'verified' ? [at] : []));
  if (places.length === 0) return plain('refused');
  const known = [...leavesOfSeed(seed), ...(isGoodFor(seed, other) ? leavesOfSeed(other) : [])];
  const explanation = explainVerified({ evidence, requirement, now: parts.now, places }, known);
  const beside = [
    ...explainAnswers(seed.parts.answers, evidence.revocation),
    ...(trust ? explainTrust(seed, { parts, verify }) : []),
  ];
  if ('unexplained' in explanation) return passed(explanation.unexplained);
  if (beside.length > 0) return passed(beside);
  return { ...plain('verified'), free: [...explanation.free].map(({ name }) => name) };
}

const requirements = new WeakMap<Parts['trust'], SignatureRequirement>();

/** Trust that is seldom mutated is read once. */
function requirementOf({ parts, readTrust }: Seed, trust: Parts['trust']): SignatureRequirement {
  if (trust !== parts.trust) return readTrust(trust);
  const known = requirements.get(trust) ?? readTrust(trust);
  requirements.set(trust, known);
  return known;
}

function passed(differences: readonly Difference[]): Trial {
  const short = (text: string | undefined) => (text === undefined ? 'nothing' : JSON.stringify(text.slice(0, 120)));
  const detail = differences.map(({ path, before, after }) => `${path}: ${short(before)} → ${short(after)}`);
  const cause = differences.map(({ path }) => path.replaceAll(/[0-9a-f]{12,}|\d+/g, 'N'));
  return {
    ...plain('passed'),
    cause: [...new Set(cause)].slice(0, 4).join(', '),
    detail: detail.slice(0, 8).join('\n  '),
  };
}

function stackOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message).split('\n').slice(0, 6).join('\n  ') : String(error);
}
