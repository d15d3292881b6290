import { z } from 'zod';
import { type Digest, digestOf } from '../../artifact/digest.js';
import { MediaType } from '../../artifact/media-type.js';
import { MAX_ENVELOPE_BYTES, MAX_LEGACY_SIGNATURES, type SignatureCandidate } from '../candidate.js';
import { findSigner } from './find-signer.js';
import { type Judged, judgedBy, refused, undecided } from '../result.js';
import type { TrustedKey } from '../trust.js';

/** Where Cosign's old form keeps a layer's signature, as base64. */
export const SIGNATURE_ANNOTATION = 'dev.cosignproject.cosign/signature';
const CERTIFICATE_ANNOTATION = 'dev.sigstore.cosign/certificate';
/** What the payload of a signature says it is. */
export const SIMPLE_SIGNING_TYPE = 'cosign container image signature';

// https://github.com/sigstore/cosign/blob/main/specs/SIGNATURE_SPEC.md
const payloadSchema = z.object({
  critical: z.object({
    image: z.object({ 'docker-manifest-digest': z.string() }),
    type: z.string(),
  }),
});

/** Verifies a `.sig` manifest: each layer is a signature of its own. */
export function verifyLegacy(
  candidate: SignatureCandidate,
  subject: Digest,
  keys: readonly TrustedKey[],
): readonly Judged[] {
  const { payloads, manifest } = candidate;
  if (payloads.length === 0 || payloads.length !== manifest.layers.length) {
    return [refused('SIGNATURE_MALFORMED', 'The signature manifest is incomplete.')];
  }
  if (payloads.length > MAX_LEGACY_SIGNATURES) {
    return [undecided('LIMIT', `More than ${MAX_LEGACY_SIGNATURES} signatures in one manifest.`)];
  }
  return payloads.map((payload) => verifyLayer(payload, subject, keys));
}

function verifyLayer(
  { descriptor, bytes }: SignatureCandidate['payloads'][number],
  subject: Digest,
  keys: readonly TrustedKey[],
): Judged {
  if (descriptor.mediaType !== MediaType.simpleSigning)
    return refused('SIGNATURE_WRONG_TYPE', 'The layer is no signature.');
  if (bytes.byteLength > MAX_ENVELOPE_BYTES || digestOf(bytes) !== descriptor.digest) {
    return refused('SIGNATURE_MALFORMED', 'The payload is not what its descriptor says.');
  }
  const annotations = descriptor.annotations ?? {};
  const encoded = annotations[SIGNATURE_ANNOTATION] ?? '';
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(encoded)) return refused('SIGNATURE_MALFORMED', 'The layer carries no signature.');
  const signer = findSigner(keys, bytes, Buffer.from(encoded, 'base64'));
  if (signer === undefined) {
    if (annotations[CERTIFICATE_ANNOTATION] !== undefined) {
      return undecided('UNSUPPORTED', 'It is signed with a certificate (keyless signing), which is not verified yet.');
    }
    return refused('SIGNATURE_UNTRUSTED_KEY', 'It was not made by a trusted key.');
  }
  const payload = payloadSchema.safeParse(parseJson(bytes));
  if (!payload.success) return refused('SIGNATURE_MALFORMED', 'The payload cannot be read.');
  const { type, image } = payload.data.critical;
  if (type !== SIMPLE_SIGNING_TYPE) return refused('SIGNATURE_WRONG_TYPE', 'The payload is of another type.');
  if (image['docker-manifest-digest'] !== subject) {
    return refused('SIGNATURE_OTHER_DIGEST', 'It was made for another digest.');
  }
  const code = 'SIGNATURE_VERIFIED';
  const message = `Signed by ${signer.name}.`;
  return judgedBy([{ type: 'integrity', action: 'enforced', outcome: 'ok', code, message }], { signer: signer.name });
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    return undefined;
  }
}
