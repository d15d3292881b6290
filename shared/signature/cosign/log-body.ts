import { createHash } from 'node:crypto';
import { z } from 'zod';
import { decodeBase64 } from '../encoding/base64.js';
import { parseJson } from '../encoding/json.js';
import { failed, unknown } from './checks.js';
import { base64Schema, type LogEntry } from './material.js';
import { readPem } from './pem.js';

/** What was signed, by what, and what came of it. */
export interface SignedContent {
  /** What the signature was made over: the payload, or an envelope's pre-authentication encoding. */
  readonly signed: Uint8Array;
  readonly payload: Uint8Array;
  readonly form: 'dsse' | 'message';
  readonly signature: Uint8Array;
  /** DER of the certificate or of the SubjectPublicKeyInfo. */
  readonly verifier: Uint8Array;
}

/** What an entry says of a signature. Hexadecimal digests are decoded. */
interface Claim {
  readonly over: 'signed' | 'payload';
  readonly algorithm: string;
  readonly digest: Uint8Array;
  readonly signature: Uint8Array;
  readonly verifier: Uint8Array;
}

const base64 = base64Schema(64 * 1024);
const hexHash = z.strictObject({
  algorithm: z.enum(['sha256', 'sha384', 'sha512']),
  value: z.string().regex(/^(?:[0-9a-f]{2}){32,64}$/),
});
const NAMES: Readonly<Record<string, string>> = { SHA2_256: 'sha256', SHA2_384: 'sha384', SHA2_512: 'sha512' };
const rawHash = z.strictObject({ algorithm: z.enum(['SHA2_256', 'SHA2_384', 'SHA2_512']), digest: base64 });
const raw = z.strictObject({ rawBytes: base64 });
const signature2 = z.strictObject({
  content: base64,
  verifier: z.strictObject({
    keyDetails: z.string().max(64),
    publicKey: raw.optional(),
    x509Certificate: raw.optional(),
  }),
});

// https://github.com/sigstore/rekor/tree/main/pkg/types: the canonical bodies of Rekor 1.
const hashedRekord1 = z.strictObject({
  data: z.strictObject({ hash: hexHash }),
  signature: z.strictObject({ content: base64, publicKey: z.strictObject({ content: base64 }) }),
});
const dsse1 = z.strictObject({
  envelopeHash: hexHash,
  payloadHash: hexHash,
  signatures: z.tuple([z.strictObject({ signature: base64, verifier: base64 })]),
});
const intoto2 = z.strictObject({
  content: z.strictObject({
    envelope: z.strictObject({
      /** Some entries hold the payload as well; its hash is what is compared. */
      payload: base64Schema(512 * 1024).optional(),
      payloadType: z.string().max(256),
      signatures: z.tuple([z.strictObject({ keyid: z.string().max(256).optional(), publicKey: base64, sig: base64 })]),
    }),
    hash: hexHash,
    payloadHash: hexHash,
  }),
});
// https://github.com/sigstore/rekor-tiles/tree/main/api/proto/rekor/v2: those of Rekor 2.
const hashedRekord2 = z.strictObject({
  hashedRekordV002: z.strictObject({ data: rawHash, signature: signature2 }),
});
const dsse2 = z.strictObject({
  dsseV002: z.strictObject({ payloadHash: rawHash, signatures: z.tuple([signature2]) }),
});

const envelope = z.strictObject({ apiVersion: z.string(), kind: z.string(), spec: z.unknown() });
const text = (encoded: string) => Buffer.from(decodeBase64(encoded)).toString('utf8');

/** How each kind of entry is read. Anything else is not understood, and decides nothing. */
const READERS: ReadonlyMap<string, (spec: unknown) => Claim> = new Map([
  [
    'hashedrekord/0.0.1',
    (spec: unknown): Claim => {
      const { data, signature } = hashedRekord1.parse(spec);
      const verifier = fromPem(text(signature.publicKey.content));
      return { over: 'signed', ...fromHex(data.hash), signature: decodeBase64(signature.content), verifier };
    },
  ],
  [
    'dsse/0.0.1',
    (spec: unknown): Claim => {
      const { payloadHash, signatures } = dsse1.parse(spec);
      const [{ signature, verifier }] = signatures;
      const own = { signature: decodeBase64(signature), verifier: fromPem(text(verifier)) };
      return { over: 'payload', ...fromHex(payloadHash), ...own };
    },
  ],
  [
    'intoto/0.0.2',
    (spec: unknown): Claim => {
      const { content } = intoto2.parse(spec);
      const [{ sig, publicKey }] = content.envelope.signatures;
      // The signature is encoded twice.
      const own = { signature: decodeBase64(text(sig)), verifier: fromPem(text(publicKey)) };
      return { over: 'payload', ...fromHex(content.payloadHash), ...own };
    },
  ],
  [
    'hashedrekord/0.0.2',
    (spec: unknown): Claim => {
      const { data, signature } = hashedRekord2.parse(spec).hashedRekordV002;
      return { over: 'signed', ...fromRaw(data), ...signed2(signature) };
    },
  ],
  [
    'dsse/0.0.2',
    (spec: unknown): Claim => {
      const { payloadHash, signatures } = dsse2.parse(spec).dsseV002;
      return { over: 'payload', ...fromRaw(payloadHash), ...signed2(signatures[0]) };
    },
  ],
]);

function fromHex({ algorithm, value }: z.infer<typeof hexHash>): Pick<Claim, 'algorithm' | 'digest'> {
  return { algorithm, digest: Buffer.from(value, 'hex') };
}

function fromRaw({ algorithm, digest }: z.infer<typeof rawHash>): Pick<Claim, 'algorithm' | 'digest'> {
  return { algorithm: NAMES[algorithm] ?? '', digest: decodeBase64(digest) };
}

function signed2({ content, verifier }: z.infer<typeof signature2>): Pick<Claim, 'signature' | 'verifier'> {
  const [one, ...more] = [verifier.publicKey, verifier.x509Certificate].flatMap((way) => way ?? []);
  if (one === undefined || more.length > 0) throw new Error('no verifier, or two');
  return { signature: decodeBase64(content), verifier: decodeBase64(one.rawBytes) };
}

/** DER of the one certificate or public key in a PEM text. */
function fromPem(text: string): Uint8Array {
  const [one, ...more] = readPem(text, 'CERTIFICATE') ?? readPem(text, 'PUBLIC KEY') ?? [];
  if (one === undefined || more.length > 0) throw new Error('not one certificate or key');
  return one;
}

/**
 * Checks that a log's entry is of this very signature: over these bytes, by this key or certificate, with this outcome. An
 * entry of something else proves only that somebody has signed something once (CVE-2022-23649, CVE-2026-22703). Throws.
 */
export function checkLogBody({ kindVersion, canonicalizedBody }: LogEntry, content: SignedContent): void {
  const { kind, version } = kindVersion;
  const read = READERS.get(`${kind}/${version}`);
  if (read === undefined) {
    throw unknown('transparencyLog', 'UNSUPPORTED', 'Its log entry is of a kind that is not known.');
  }
  const claim = readClaim(canonicalizedBody, `${kind}/${version}`, read);
  const over = claim.over === 'signed' ? content.signed : content.payload;
  const same =
    isSame(claim.digest, createHash(claim.algorithm).update(over).digest()) &&
    isSame(claim.signature, content.signature) &&
    isSame(claim.verifier, content.verifier) &&
    (claim.over === 'signed' || content.form === 'dsse');
  if (!same) throw failed('transparencyLog', 'SIGNATURE_NOT_LOGGED', 'Its log entry is of another signature.');
}

function readClaim(body: string, name: string, read: (spec: unknown) => Claim): Claim {
  try {
    const json = envelope.parse(parseJson(decodeBase64(body), { maxBytes: 512 * 1024 }));
    if (`${json.kind}/${json.apiVersion}` !== name) throw new Error('another kind');
    return read(json.spec);
  } catch {
    throw failed('transparencyLog', 'SIGNATURE_NOT_LOGGED', 'Its log entry cannot be read.');
  }
}

function isSame(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}
