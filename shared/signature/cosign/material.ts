import { z } from 'zod';
import { MAX_CERTIFICATE_BYTES } from '../x509/certificate.js';
import { isBase64 } from '../encoding/base64.js';

/** The most entries of logs, timestamps, hashes of a proof, and certificates in one bundle. */
export const MAX_LOG_ENTRIES = 32;
export const MAX_TIMESTAMPS = 32;
export const MAX_CERTIFICATES = 10;
const MAX_HASHES = 64;
const KIB = 1024;

/** zod for canonical base64 of 1 to `maxBytes` bytes; kept as text. */
export function base64Schema(maxBytes: number) {
  return z
    .string()
    .min(1)
    .max(Math.ceil(maxBytes / 3) * 4)
    .refine(isBase64, 'no canonical base64');
}

/** A 64-bit integer of protobuf's JSON: text, or a number where it is small; nothing where it is zero. */
const int64 = z
  .union([z.string().regex(/^(0|[1-9][0-9]{0,15})$/), z.number().int().nonnegative()])
  .transform(Number)
  .refine(Number.isSafeInteger)
  .default(0);
const hash = base64Schema(32);
const certificate = z.strictObject({ rawBytes: base64Schema(MAX_CERTIFICATE_BYTES) });

const logEntry = z.strictObject({
  logIndex: int64,
  logId: z.strictObject({ keyId: base64Schema(64) }),
  kindVersion: z.strictObject({ kind: z.string().max(64), version: z.string().max(64) }),
  /** Seconds since 1970. Only a promise vouches for it. */
  integratedTime: int64,
  inclusionPromise: z.strictObject({ signedEntryTimestamp: base64Schema(KIB) }).optional(),
  inclusionProof: z
    .strictObject({
      logIndex: int64,
      rootHash: hash,
      treeSize: int64,
      hashes: z.array(hash).max(MAX_HASHES).default([]),
      checkpoint: z.strictObject({
        envelope: z
          .string()
          .min(1)
          .max(16 * KIB),
      }),
    })
    .optional(),
  canonicalizedBody: base64Schema(512 * KIB),
});

/** One entry of a transparency log, as a bundle carries it. Base64 stays text. */
export type LogEntry = z.infer<typeof logEntry>;

/** zod for the verification material of a bundle. https://github.com/sigstore/protobuf-specs, sigstore_bundle.proto. */
export const materialSchema = z
  .strictObject({
    publicKey: z.strictObject({ hint: z.string().max(256).optional() }).optional(),
    certificate: certificate.optional(),
    x509CertificateChain: z
      .strictObject({ certificates: z.array(certificate).min(1).max(MAX_CERTIFICATES) })
      .optional(),
    tlogEntries: z.array(logEntry).max(MAX_LOG_ENTRIES).default([]),
    timestampVerificationData: z
      .strictObject({
        rfc3161Timestamps: z
          .array(z.strictObject({ signedTimestamp: base64Schema(32 * KIB) }))
          .max(MAX_TIMESTAMPS)
          .default([]),
      })
      .default({ rfc3161Timestamps: [] }),
  })
  .refine(
    ({ publicKey, certificate, x509CertificateChain }) =>
      [publicKey, certificate, x509CertificateChain].filter((way) => way !== undefined).length === 1,
    'it names its key in no way, or in several',
  );

/** What vouches for a signature, whatever form it came in. */
export interface Material {
  /** A bundle v0.3 proves that a log has it; the annotations of the old form only hold the log's promise. */
  readonly form: 'bundle' | 'annotations';
  /** Base64 DER of the certificate; undefined where a fixed key is meant. */
  readonly certificate: string | undefined;
  /** Names a key, unsigned; believed by nobody. */
  readonly hint: string | undefined;
  readonly entries: readonly LogEntry[];
  /** Base64 DER of RFC 3161 responses. */
  readonly timestamps: readonly string[];
}
