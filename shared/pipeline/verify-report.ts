import type { Digest } from '../artifact/digest.js';
import { type ArtifactKey, formatKey } from '../artifact/reference.js';
import type { Reason } from '../vulnerability/reason.js';
import type { Check, RequirementPart, SignatureResult } from '../signature/result.js';

/** What a verification found, as it is told to people and programs. */
export interface VerifyReport {
  readonly verdict: 'pass' | 'fail' | 'inconclusive';
  /** `registry/repository@digest`; null where it was no registry's. */
  readonly reference: string | null;
  readonly digest: Digest;
  /** Why it is not enough; of a pass, that nothing was asked for. */
  readonly reasons: readonly Reason[];
  /** What is asked for, and what each of it came to. */
  readonly parts: readonly RequirementPart[];
  readonly signatures: readonly {
    readonly kind: string;
    /** Of the signature's own manifest. */
    readonly digest: Digest;
    readonly outcome: 'verified' | 'refused' | 'inconclusive';
    readonly code: string;
    readonly message: string;
    readonly signer: string | null;
    readonly checks: readonly Check[];
  }[];
}

const VERDICTS: Readonly<Record<SignatureResult['outcome'], VerifyReport['verdict']>> = {
  verified: 'pass',
  missing: 'fail',
  untrusted: 'fail',
  inconclusive: 'inconclusive',
};

/** A result as a report. */
export function toVerifyReport(
  digest: Digest,
  { outcome, code, message, parts, signatures }: SignatureResult,
  key?: ArtifactKey,
): VerifyReport {
  return {
    verdict: VERDICTS[outcome],
    reference: key === undefined ? null : formatKey(key),
    digest,
    reasons: outcome === 'verified' && code === 'SIGNATURE_VERIFIED' ? [] : [{ code, message }],
    parts,
    signatures: signatures.map((judged) => ({
      ...{ kind: judged.kind, digest: judged.manifestDigest, outcome: judged.outcome },
      ...{ code: judged.code, message: judged.message, signer: judged.signer ?? null, checks: judged.checks },
    })),
  };
}
