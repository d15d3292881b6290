import { z } from 'zod';
import { type Digest, hexOf } from '../../artifact/digest.js';
import { type Progress, failed } from './checks.js';
import { type Envelope, IN_TOTO, readSignedJson } from './envelope.js';

/** The predicate of a signature that `cosign sign` makes. An attestation of any other type is not a signature. */
export const COSIGN_SIGN_PREDICATE = 'https://sigstore.dev/cosign/sign/v1';
/** Build provenance of SLSA. https://slsa.dev/spec/v1.0/provenance, https://slsa.dev/spec/v0.2/provenance */
const SLSA_1 = 'https://slsa.dev/provenance/v1';
const SLSA_0_2 = 'https://slsa.dev/provenance/v0.2';
const MAX_SUBJECTS = 1024;
const STATEMENT_TYPES: ReadonlySet<string> = new Set([
  'https://in-toto.io/Statement/v1',
  'https://in-toto.io/Statement/v0.1',
]);

// https://github.com/in-toto/attestation/blob/main/spec/v1/resource_descriptor.md
const resourceSchema = z.strictObject({
  digest: z.record(z.string(), z.string()),
  name: z.string().optional(),
  uri: z.string().optional(),
  content: z.string().optional(),
  downloadLocation: z.string().optional(),
  mediaType: z.string().optional(),
  annotations: z.record(z.string(), z.unknown()).optional(),
});
// https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md would have members that are not known passed over; the
// tools do not, and neither do we: a reader that knows them may read another statement.
const statementSchema = z.strictObject({
  _type: z.string(),
  subject: z.array(resourceSchema).max(MAX_SUBJECTS),
  predicateType: z.string(),
  predicate: z.unknown().optional(),
});
const builder1 = z.object({ runDetails: z.object({ builder: z.object({ id: z.string() }) }) });
const builder2 = z.object({ builder: z.object({ id: z.string() }) });

/** What a statement has to say. */
export interface Wanted {
  readonly subject: Digest;
  readonly predicateType: string;
  /** Of a build provenance. */
  readonly builder?: string | undefined;
}

/**
 * Checks the statement in an envelope whose signature holds: that it is a statement, of this type, about this digest, and by
 * this builder. Every comparison is exact. Throws.
 */
export function checkStatement(
  { payloadType }: Envelope,
  payload: Uint8Array,
  { subject, predicateType, builder }: Wanted,
) {
  return (progress: Progress): void => {
    if (payloadType !== IN_TOTO)
      throw failed('integrity', 'SIGNATURE_WRONG_TYPE', 'The payload is no in-toto statement.');
    const statement = readSignedJson(statementSchema, payload, 'The statement');
    if (!STATEMENT_TYPES.has(statement._type)) {
      throw failed('integrity', 'SIGNATURE_WRONG_TYPE', 'The statement is of another type.');
    }
    progress.pass('integrity', 'It is what was signed.');
    if (statement.predicateType !== predicateType) {
      const what =
        predicateType === COSIGN_SIGN_PREDICATE
          ? 'It is an attestation, not a signature.'
          : 'It attests to something else.';
      throw failed('predicate', 'SIGNATURE_WRONG_PREDICATE', what);
    }
    if (builder !== undefined && builderOf(predicateType, statement.predicate) !== builder) {
      throw failed('predicate', 'ATTESTATION_OTHER_BUILDER', 'It is not by the builder that is wanted.');
    }
    progress.pass('predicate', 'It says what is wanted.');
    if (!statement.subject.some(({ digest }) => digest['sha256'] === hexOf(subject))) {
      throw failed('subject', 'SIGNATURE_OTHER_DIGEST', 'It was made for another digest.');
    }
    progress.pass('subject', 'It was made for this digest.');
  };
}

/** Who built it, where a predicate of this type says so. */
function builderOf(predicateType: string, predicate: unknown): string | undefined {
  if (predicateType === SLSA_1) return builder1.safeParse(predicate).data?.runDetails.builder.id;
  if (predicateType === SLSA_0_2) return builder2.safeParse(predicate).data?.builder.id;
  return undefined;
}
