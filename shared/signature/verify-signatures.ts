import { hexOf } from '../artifact/digest.js';
import type { SignatureCandidate, SignatureEvidence, SignatureKind } from './candidate.js';
import { verifyAttestations, verifyCosign } from './cosign/verify.js';
import { levelOf } from './notation/trust.js';
import { verifyNotation } from './notation/verify.js';
import type { SignatureRequirement, VerifyContext } from './requirement.js';
import {
  type Judged,
  type RequirementPart,
  type SignatureJudgement,
  type SignatureResult,
  judgedBy,
  refused,
  undecided,
} from './result.js';
import { MAX_WORK, workOfCosign, workOfNotation } from './work.js';

/**
 * Judges everything that was found for one digest. Pure. Good signatures are enough; no other one, however broken, takes
 * them away. Where there are not enough of them, what could not be judged makes the result inconclusive rather than a failure.
 */
export function verifySignatures(
  evidence: SignatureEvidence,
  requirement: SignatureRequirement,
  now: Date,
): SignatureResult {
  const context: VerifyContext = { subject: evidence.subject, revocation: evidence.revocation, now };
  const { cosign, notation, attestations } = requirement;
  let left = MAX_WORK;
  const judgeAll = ({ work, judge }: Judge) =>
    evidence.candidates.flatMap((candidate) => {
      const more = work(candidate);
      left -= more;
      return judgeSafely(candidate, left < 0 && more > 0 ? () => [TOO_MUCH] : judge);
    });
  const kinds: { readonly part: RequirementPart; readonly signatures: readonly SignatureJudgement[] }[] = [];
  if (notation !== undefined) {
    const isIt = ({ kind }: { readonly kind: SignatureKind }) => kind === 'notation';
    const skips = levelOf(notation) === 'skip';
    const judge = (each: SignatureCandidate) => (isIt(each) ? [verifyNotation(each, context, notation)] : []);
    const signatures = skips ? [] : judgeAll({ work: workOfNotation, judge });
    const part = skips ? SKIPPED : partOf('notation', signatures, { evidence, signers: 1 });
    kinds.push({ part, signatures });
  }
  if (cosign !== undefined) {
    const signatures = judgeAll({
      work: (each) => workOfCosign(each, cosign),
      judge: (each) => (each.kind === 'notation' ? [] : verifyCosign(each, context, cosign)),
    });
    kinds.push({ part: partOf('cosign', signatures, { evidence, signers: cosign.threshold }), signatures });
  }
  const others = attestations.map((wanted) => {
    const signatures = judgeAll({
      work: (each) => (each.kind === 'cosign-legacy' ? 0 : workOfCosign(each, wanted.cosign)),
      judge: (each) => verifyAttestations(each, context, wanted),
    });
    const part = partOf(`attestation ${wanted.predicateType}`, signatures, {
      evidence,
      signers: wanted.cosign.threshold,
    });
    return { part, signatures };
  });
  const combine = requirement.require === 'any' ? anyOf : allOf;
  const signature = kinds.length === 0 ? [] : [combine(kinds.map(({ part }) => part))];
  const all = [...kinds, ...others];
  const { outcome, code, message } = allOf([...signature, ...others.map(({ part }) => part)]);
  return {
    outcome: outcome === 'skipped' ? 'verified' : outcome,
    code,
    message,
    parts: all.map(({ part }) => part),
    signatures: all.flatMap(({ signatures }) => signatures),
  };
}

/** How one kind of signature is judged, and how much work that may be. */
interface Judge {
  readonly work: (candidate: SignatureCandidate) => number;
  readonly judge: (candidate: SignatureCandidate) => readonly Judged[];
}

/** What is beyond {@link MAX_WORK}. Nobody looked at it, so nothing is known of it. */
const TOO_MUCH = undecided('LIMIT', 'There is more to verify than is looked at.');

/** A trust policy that says so itself: nothing is verified, and that is what somebody wants. */
const SKIPPED: RequirementPart = {
  name: 'notation',
  outcome: 'skipped',
  code: 'SIGNATURE_SKIPPED',
  message: 'The trust policy says that nothing is verified here.',
};

function judgeSafely(
  candidate: SignatureCandidate,
  judge: (candidate: SignatureCandidate) => readonly Judged[],
): readonly SignatureJudgement[] {
  const { kind, manifestDigest } = candidate;
  const named = (judged: Judged): SignatureJudgement => ({ kind, manifestDigest, ...judged });
  try {
    return judge(candidate).map(named);
  } catch {
    // A signature that breaks the verifier has not been verified.
    return [named(refused('SIGNATURE_MALFORMED', 'The signature could not be processed.'))];
  }
}

/** What the signatures of one kind come to, of which `signers` different ones have to be there. */
function partOf(
  name: string,
  signatures: readonly SignatureJudgement[],
  { evidence, signers }: { readonly evidence: SignatureEvidence; readonly signers: number },
): RequirementPart {
  const verified = signatures.filter(({ outcome }) => outcome === 'verified');
  const distinct = new Set(verified.map(({ signer }) => signer));
  const first = verified[0];
  if (first !== undefined && distinct.size >= signers) {
    return { name, outcome: 'verified', code: first.code, message: first.message };
  }
  if (evidence.truncated) {
    return { name, outcome: 'inconclusive', code: 'LIMIT', message: 'There are more signatures than are looked at.' };
  }
  const undecided = signatures.find(({ outcome }) => outcome === 'inconclusive');
  if (undecided !== undefined) {
    return { name, outcome: 'inconclusive', code: undecided.code, message: undecided.message };
  }
  if (first !== undefined) {
    const message = `Of ${signers} signers that are wanted, ${distinct.size} signed.`;
    return { name, outcome: 'untrusted', code: 'SIGNERS_TOO_FEW', message };
  }
  const refusal = signatures[0];
  if (refusal !== undefined) {
    return { name, outcome: 'untrusted', code: refusal.code, message: whyNot(signatures) };
  }
  const what = name.startsWith('attestation') ? name : 'signature';
  return { name, outcome: 'missing', code: 'SIGNATURE_MISSING', message: `There is no ${what}.` };
}

/** How many refused signatures a message tells of. */
const MAX_TOLD = 3;

function whyNot(signatures: readonly SignatureJudgement[]): string {
  const [only] = signatures;
  if (only !== undefined && signatures.length === 1) return only.message;
  const told = signatures
    .slice(0, MAX_TOLD)
    .map(({ kind, manifestDigest, message }) => `${kind} ${hexOf(manifestDigest).slice(0, 12)}: ${message}`);
  const more = signatures.length > MAX_TOLD ? ` And ${signatures.length - MAX_TOLD} more.` : '';
  return `${told.join(' ')}${more}`;
}

/** From what says most to what says least, where one good part is enough. */
function anyOf(parts: readonly RequirementPart[]): RequirementPart {
  const order = ['verified', 'inconclusive', 'untrusted', 'missing'] as const;
  // What is skipped counts only where nothing else is asked for.
  const asked = parts.filter(({ outcome }) => outcome !== 'skipped');
  return pick(asked.length === 0 ? parts : asked, asked.length === 0 ? ['skipped'] : order);
}

/** Where every part has to be good: what fails for certain fails whatever else could not be told. */
function allOf(parts: readonly RequirementPart[]): RequirementPart {
  return pick(parts, ['untrusted', 'missing', 'inconclusive', 'verified', 'skipped']);
}

function pick(parts: readonly RequirementPart[], order: readonly RequirementPart['outcome'][]): RequirementPart {
  for (const wanted of order) {
    const found = parts.find(({ outcome }) => outcome === wanted);
    if (found !== undefined) return found;
  }
  const { code, message } = judgedBy([]);
  return { name: 'nothing', outcome: 'inconclusive', code, message };
}
