import { z } from 'zod';
import type { Digest } from '../../artifact/digest.js';
import { hexOf } from '../../artifact/digest.js';
import { MediaType } from '../../artifact/media-type.js';
import { type SignatureCandidate, MAX_ENVELOPE_BYTES } from '../candidate.js';
import { findSigner } from './find-signer.js';
import { type Judged, judgedBy, refused, undecided } from '../result.js';
import type { TrustedKey } from '../trust.js';

/** The predicate of a signature that `cosign sign` makes. An attestation of any other type is not a signature. */
export const COSIGN_SIGN_PREDICATE = 'https://sigstore.dev/cosign/sign/v1';
const IN_TOTO = 'application/vnd.in-toto+json';
const STATEMENT_TYPES: ReadonlySet<string> = new Set([
  'https://in-toto.io/Statement/v1',
  'https://in-toto.io/Statement/v0.1',
]);

const base64 = z
  .string()
  .regex(/^[A-Za-z0-9+/]+={0,2}$/)
  .refine((text) => text.length % 4 === 0);

// https://github.com/sigstore/protobuf-specs: the bundle in its JSON form. Unknown members are refused, as Cosign does.
const bundleSchema = z.strictObject({
  mediaType: z.string(),
  verificationMaterial: z.strictObject({
    publicKey: z.strictObject({ hint: z.string().optional() }).optional(),
    certificate: z.unknown().optional(),
    x509CertificateChain: z.unknown().optional(),
    tlogEntries: z.array(z.unknown()).optional(),
    timestampVerificationData: z.unknown().optional(),
  }),
  messageSignature: z.unknown().optional(),
  dsseEnvelope: z
    .strictObject({
      payload: base64,
      payloadType: z.string(),
      signatures: z.array(z.strictObject({ sig: base64, keyid: z.string().optional() })),
    })
    .optional(),
});

// https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md
const statementSchema = z.object({
  _type: z.string(),
  subject: z.array(z.object({ digest: z.record(z.string(), z.string()) })).max(1024),
  predicateType: z.string(),
});

/** Verifies one Sigstore bundle v0.3 that was signed with a fixed key, completely. */
export function verifyBundle(
  { manifest, payloads }: SignatureCandidate,
  subject: Digest,
  keys: readonly TrustedKey[],
): Judged {
  const payload = payloads[0];
  if (payloads.length !== 1 || manifest.layers.length !== 1 || payload === undefined) {
    return refused('SIGNATURE_MALFORMED', 'A bundle is one layer.');
  }
  if (manifest.subject?.digest !== subject) return refused('SIGNATURE_OTHER_DIGEST', 'It refers to another digest.');
  if (payload.bytes.byteLength > MAX_ENVELOPE_BYTES) return refused('SIGNATURE_MALFORMED', 'The bundle is too large.');
  if (payload.descriptor.mediaType !== MediaType.sigstoreBundle) return unsupported('a bundle of another version');
  const parsed = bundleSchema.safeParse(parseJson(payload.bytes));
  if (!parsed.success) return refused('SIGNATURE_MALFORMED', 'The bundle cannot be read.');
  const { mediaType, verificationMaterial: material, dsseEnvelope: envelope } = parsed.data;
  if (mediaType !== MediaType.sigstoreBundle) return unsupported('a bundle of another version');
  if (material.certificate !== undefined || material.x509CertificateChain !== undefined) {
    return unsupported('a certificate (keyless signing)');
  }
  if (material.publicKey === undefined) return refused('SIGNATURE_MALFORMED', 'The bundle names no key.');
  if (envelope === undefined) return unsupported('a bundle without a DSSE envelope');
  const [signature] = envelope.signatures;
  if (envelope.signatures.length !== 1 || signature === undefined) {
    return refused('SIGNATURE_MALFORMED', 'An envelope carries one signature.');
  }
  const body = Buffer.from(envelope.payload, 'base64');
  const signer = findSigner(keys, preAuthEncoding(envelope.payloadType, body), Buffer.from(signature.sig, 'base64'));
  // Nothing that the payload says is looked at before its signature holds.
  if (signer === undefined) return refused('SIGNATURE_UNTRUSTED_KEY', 'It was not made by a trusted key.');
  if (envelope.payloadType !== IN_TOTO) return refused('SIGNATURE_WRONG_TYPE', 'The payload is no in-toto statement.');
  return checkStatement(body, subject, signer);
}

function checkStatement(body: Uint8Array, subject: Digest, signer: TrustedKey): Judged {
  const statement = statementSchema.safeParse(parseJson(body));
  if (!statement.success) return refused('SIGNATURE_MALFORMED', 'The statement cannot be read.');
  const { _type, subject: subjects, predicateType } = statement.data;
  if (!STATEMENT_TYPES.has(_type)) return refused('SIGNATURE_WRONG_TYPE', 'The statement is of another type.');
  if (predicateType !== COSIGN_SIGN_PREDICATE) {
    return refused('SIGNATURE_WRONG_PREDICATE', 'It is an attestation, not a signature.');
  }
  if (!subjects.some(({ digest }) => digest['sha256'] === hexOf(subject))) {
    return refused('SIGNATURE_OTHER_DIGEST', 'It was made for another digest.');
  }
  const code = 'SIGNATURE_VERIFIED';
  const message = `Signed by ${signer.name}.`;
  return judgedBy([{ type: 'integrity', action: 'enforced', outcome: 'ok', code, message }], { signer: signer.name });
}

/** https://github.com/secure-systems-lab/dsse/blob/master/protocol.md: what a DSSE signature is made over. */
export function preAuthEncoding(payloadType: string, body: Uint8Array): Uint8Array {
  const head = `DSSEv1 ${Buffer.byteLength(payloadType)} ${payloadType} ${body.byteLength} `;
  return Buffer.concat([Buffer.from(head), body]);
}

function unsupported(what: string): Judged {
  return undecided('UNSUPPORTED', `It is signed with ${what}, which is not verified yet.`);
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    return undefined;
  }
}
