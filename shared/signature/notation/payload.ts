import { z } from 'zod';
import { MAX_ENVELOPE_BYTES, type SignedSubject } from '../candidate.js';
import { parseJson } from '../encoding/json.js';
import { decoding, fault } from './fault.js';

// Notary Project, signature specification, "Payload". Annotations are the signer's own words, and decide nothing.
const payloadSchema = z.strictObject({
  targetArtifact: z.strictObject({
    mediaType: z.string(),
    digest: z.string(),
    size: z.number().int().nonnegative(),
    artifactType: z.string().optional(),
    annotations: z.record(z.string(), z.string()).optional(),
  }),
});

/**
 * Checks that a payload, whose signature holds, was signed for this very artifact: type, digest and size. Throws
 * `SIGNATURE_MALFORMED` or `SIGNATURE_OTHER_DIGEST`.
 */
export function checkPayload(payload: Uint8Array, subject: SignedSubject): void {
  const limits = { maxBytes: MAX_ENVELOPE_BYTES, maxDepth: 4, wholeNumbers: true };
  const json = decoding('The payload', () => parseJson(payload, limits));
  const parsed = payloadSchema.safeParse(json);
  if (!parsed.success) throw fault('SIGNATURE_MALFORMED', 'The payload is not one of Notation.', parsed.error);
  const { targetArtifact: target } = parsed.data;
  if (!isSubject(target, subject)) throw fault('SIGNATURE_OTHER_DIGEST', 'It was made for another artifact.');
}

/** Whether a descriptor is that of the subject. All three count: a digest under another type is another artifact. */
export function isSubject(
  { mediaType, digest, size }: { readonly mediaType: string; readonly digest: string; readonly size: number },
  subject: SignedSubject,
): boolean {
  return digest === subject.digest && mediaType === subject.mediaType && size === subject.size;
}
