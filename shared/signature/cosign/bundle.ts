import { z } from 'zod';
import { digestOf } from '../../artifact/digest.js';
import { MediaType } from '../../artifact/media-type.js';
import type { SignatureCandidate } from '../candidate.js';
import type { CheckType, Judged } from '../result.js';
import { authenticate } from './authenticate.js';
import { failed, judge, unknown } from './checks.js';
import { envelopeSchema, openEnvelope, readJson } from './envelope.js';
import { type Material, materialSchema } from './material.js';
import { type Wanted, checkStatement } from './statement.js';
import type { CosignTrust } from './trust.js';

/** What has to be looked at before a statement counts. */
export const STATEMENT_CHECKS: readonly CheckType[] = [
  'authenticity',
  'transparencyLog',
  'integrity',
  'predicate',
  'subject',
];

// https://github.com/sigstore/protobuf-specs/blob/main/protos/sigstore_bundle.proto, in its JSON form. Unknown members are
// refused, as Cosign does.
const bundleSchema = z.strictObject({
  mediaType: z.string().max(255),
  verificationMaterial: materialSchema,
  messageSignature: z.unknown().optional(),
  dsseEnvelope: envelopeSchema.optional(),
});
const versionSchema = z.looseObject({ mediaType: z.string() });

/** Verifies one Sigstore bundle v0.3 that is hung onto an image, completely: its statement has to be what is wanted. */
export function verifyBundle(candidate: SignatureCandidate, wanted: Wanted, trust: CosignTrust): Judged {
  return judge(STATEMENT_CHECKS, (progress) => {
    const bytes = readManifest(candidate, wanted);
    const version = readJson(versionSchema, bytes, 'The bundle').mediaType;
    if (version !== MediaType.sigstoreBundle) {
      throw unknown('integrity', 'UNSUPPORTED', 'It is a bundle of another version, which is not verified.');
    }
    const { verificationMaterial, messageSignature, dsseEnvelope } = readJson(bundleSchema, bytes, 'The bundle');
    if (messageSignature !== undefined || dsseEnvelope === undefined) {
      throw failed('integrity', 'SIGNATURE_WRONG_TYPE', 'The bundle is not a signed statement, and nothing else.');
    }
    const found = openEnvelope(dsseEnvelope, toMaterial(verificationMaterial));
    // Nothing that the payload says is looked at before its signature holds.
    const signer = authenticate(found, trust, progress);
    checkStatement(dsseEnvelope, found.payload, wanted)(progress);
    return signer;
  });
}

/** The bundle in a manifest that is made as Cosign makes it. https://github.com/sigstore/cosign/blob/main/specs/BUNDLE_SPEC.md */
function readManifest({ manifest, payloads }: SignatureCandidate, { subject }: Wanted): Uint8Array {
  const malformed = (what: string) => failed('integrity', 'SIGNATURE_MALFORMED', what);
  const [payload] = payloads;
  const [layer] = manifest.layers;
  if (payloads.length !== 1 || manifest.layers.length !== 1 || payload === undefined || layer === undefined) {
    throw malformed('A bundle is one layer.');
  }
  if (manifest.subject?.digest !== subject) {
    throw failed('subject', 'SIGNATURE_OTHER_DIGEST', 'It refers to another digest.');
  }
  if (layer.mediaType !== MediaType.sigstoreBundle) {
    throw unknown('integrity', 'UNSUPPORTED', 'It is a bundle of another version, which is not verified.');
  }
  const { artifactType, config } = manifest;
  // OCI image specification 1.1: the type of an artifact is said by itself, or else by its configuration.
  const types =
    artifactType === undefined ? [MediaType.sigstoreBundle] : [MediaType.ociEmpty, MediaType.sigstoreBundle];
  if (
    (artifactType ?? MediaType.sigstoreBundle) !== MediaType.sigstoreBundle ||
    !types.includes(config.mediaType as never)
  ) {
    throw failed('integrity', 'SIGNATURE_WRONG_TYPE', 'Its manifest is of another type.');
  }
  const { descriptor, bytes } = payload;
  if (descriptor.digest !== layer.digest || bytes.byteLength !== layer.size || digestOf(bytes) !== layer.digest) {
    throw malformed('The bundle is not what its descriptor says.');
  }
  return bytes;
}

function toMaterial(given: z.infer<typeof materialSchema>): Material {
  if (given.x509CertificateChain !== undefined) {
    throw failed('integrity', 'SIGNATURE_MALFORMED', 'A bundle of this version holds one certificate.');
  }
  // From v0.2 on, each entry proves that it is in the log; a promise alone belongs to v0.1.
  if (given.tlogEntries.some(({ inclusionProof }) => inclusionProof === undefined)) {
    throw failed('integrity', 'SIGNATURE_MALFORMED', 'A log entry is without its proof.');
  }
  return {
    form: 'bundle',
    certificate: given.certificate?.rawBytes,
    hint: given.publicKey?.hint,
    entries: given.tlogEntries,
    timestamps: given.timestampVerificationData.rfc3161Timestamps.map(({ signedTimestamp }) => signedTimestamp),
  };
}
