import { z } from 'zod';
import { digestOf } from '../../artifact/digest.js';
import { MediaType } from '../../artifact/media-type.js';
import { decodeBase64 } from '../encoding/base64.js';
import { MAX_LEGACY_SIGNATURES, type SignatureCandidate } from '../candidate.js';
import { type Judged, refused, undecided } from '../result.js';
import { SIGNATURE_ANNOTATION, readAnnotations } from './annotations.js';
import { authenticate } from './authenticate.js';
import { STATEMENT_CHECKS } from './bundle.js';
import { failed, judge } from './checks.js';
import { envelopeSchema, openEnvelope, readJson, readSignedJson } from './envelope.js';
import { MAX_SIGNATURE_BYTES } from './find-signer.js';
import { base64Schema } from './material.js';
import { type Wanted, checkStatement } from './statement.js';
import type { CosignTrust } from './trust.js';

/** What the payload of a signature says it is. */
export const SIMPLE_SIGNING_TYPE = 'cosign container image signature';

// https://github.com/sigstore/cosign/blob/main/specs/SIGNATURE_SPEC.md
const payloadSchema = z.object({
  critical: z.object({
    identity: z.object({ 'docker-reference': z.string().optional() }).optional(),
    image: z.object({ 'docker-manifest-digest': z.string() }),
    type: z.string(),
  }),
});

type Payload = SignatureCandidate['payloads'][number];

/** Verifies a `.sig` manifest: each layer is a signature of its own. */
export function verifyLegacy(
  candidate: SignatureCandidate,
  { subject }: Wanted,
  trust: CosignTrust,
): readonly Judged[] {
  return eachLayer(candidate, (layer) =>
    judge(['authenticity', 'transparencyLog', 'integrity', 'subject'], (progress) => {
      const annotations = checkLayer(layer, MediaType.simpleSigning);
      const signature = base64Schema(MAX_SIGNATURE_BYTES).safeParse(annotations[SIGNATURE_ANNOTATION]);
      if (!signature.success) throw failed('integrity', 'SIGNATURE_MALFORMED', 'The layer carries no signature.');
      const { bytes } = layer;
      const signer = authenticate(
        {
          signed: bytes,
          payload: bytes,
          form: 'message',
          signature: decodeBase64(signature.data),
          material: readAnnotations(annotations),
          keyId: '',
        },
        trust,
        progress,
      );
      const { type, image, identity } = readSignedJson(payloadSchema, bytes, 'The payload').critical;
      if (type !== SIMPLE_SIGNING_TYPE) {
        throw failed('integrity', 'SIGNATURE_WRONG_TYPE', 'The payload is of another type.');
      }
      progress.pass('integrity', 'It is what was signed.');
      if (image['docker-manifest-digest'] !== subject) {
        throw failed('subject', 'SIGNATURE_OTHER_DIGEST', 'It was made for another digest.');
      }
      const { dockerReferences } = trust;
      if (dockerReferences !== undefined && !dockerReferences.includes(identity?.['docker-reference'] ?? '')) {
        throw failed('subject', 'SIGNATURE_OTHER_REPOSITORY', 'It was made for another repository.');
      }
      progress.pass('subject', 'It was made for this digest.');
      return signer;
    }),
  );
}

/** Verifies a `.att` manifest: each layer is an envelope of its own. Its annotations say of no layer what it attests to. */
export function verifyLegacyAttestations(
  candidate: SignatureCandidate,
  wanted: Wanted,
  trust: CosignTrust,
): readonly Judged[] {
  return eachLayer(candidate, (layer) =>
    judge(STATEMENT_CHECKS, (progress) => {
      const annotations = checkLayer(layer, MediaType.dsse);
      // The signature is in the envelope; Cosign leaves this one empty, and wants it to be there.
      if (annotations[SIGNATURE_ANNOTATION] !== '') {
        throw failed('integrity', 'SIGNATURE_MALFORMED', 'The layer is not an attestation as Cosign writes it.');
      }
      const envelope = readJson(envelopeSchema, layer.bytes, 'The envelope');
      const found = openEnvelope(envelope, readAnnotations(annotations));
      const signer = authenticate(found, trust, progress);
      checkStatement(envelope, found.payload, wanted)(progress);
      return signer;
    }),
  );
}

function eachLayer({ payloads, manifest }: SignatureCandidate, verify: (layer: Payload) => Judged): readonly Judged[] {
  if (payloads.length === 0 || payloads.length !== manifest.layers.length) {
    return [refused('SIGNATURE_MALFORMED', 'The signature manifest is incomplete.')];
  }
  if (payloads.length > MAX_LEGACY_SIGNATURES) {
    return [undecided('LIMIT', `More than ${MAX_LEGACY_SIGNATURES} signatures in one manifest.`)];
  }
  return payloads.map((layer) => verify(layer));
}

function checkLayer({ descriptor, bytes }: Payload, mediaType: string): Readonly<Record<string, string>> {
  if (descriptor.mediaType !== mediaType) {
    throw failed('integrity', 'SIGNATURE_WRONG_TYPE', 'The layer is of another type.');
  }
  if (bytes.byteLength !== descriptor.size || digestOf(bytes) !== descriptor.digest) {
    throw failed('integrity', 'SIGNATURE_MALFORMED', 'The payload is not what its descriptor says.');
  }
  return descriptor.annotations ?? {};
}
