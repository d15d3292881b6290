import { z } from 'zod';
import { decodeBase64 } from '../encoding/base64.js';
import { parseJson } from '../encoding/json.js';
import { MAX_CERTIFICATE_BYTES } from '../x509/certificate.js';
import { failed, unknown } from './checks.js';
import { type LogEntry, MAX_CERTIFICATES, type Material, base64Schema } from './material.js';
import { readPem } from './pem.js';

/** Where Cosign's old form keeps a layer's signature, as base64. https://github.com/sigstore/cosign/blob/main/specs/SIGNATURE_SPEC.md */
export const SIGNATURE_ANNOTATION = 'dev.cosignproject.cosign/signature';
const CERTIFICATE = 'dev.sigstore.cosign/certificate';
const CHAIN = 'dev.sigstore.cosign/chain';
const BUNDLE = 'dev.sigstore.cosign/bundle';
const TIMESTAMP = 'dev.sigstore.cosign/rfc3161timestamp';
const MAX_BYTES = 1024 * 1024;
/** Members of a promise, of a log's entry: they have some ten. */
const MAX_ITEMS = 256;

const bundleSchema = z.strictObject({
  SignedEntryTimestamp: base64Schema(1024),
  Payload: z.strictObject({
    body: base64Schema(512 * 1024),
    integratedTime: z.number().int().positive(),
    logIndex: z.number().int().nonnegative(),
    logID: z.string().regex(/^[0-9a-f]{64}$/),
  }),
});
const timestampSchema = z.strictObject({ SignedRFC3161Timestamp: base64Schema(32 * 1024) });
const kindSchema = z.looseObject({ kind: z.string().max(64), apiVersion: z.string().max(64) });

/** What vouches for a signature of the old form, out of its layer's annotations. Throws. */
export function readAnnotations(annotations: Readonly<Record<string, string>>): Material {
  const { [CERTIFICATE]: certificate, [CHAIN]: chain, [BUNDLE]: bundle, [TIMESTAMP]: timestamp } = annotations;
  // Only the trusted root says which authorities there are; a chain that comes along is looked at for its form alone.
  // Version 3 writes an empty one where there is none.
  if (chain !== undefined && chain !== '') pemCertificates(chain, MAX_CERTIFICATES);
  const [leaf] = certificate === undefined ? [] : pemCertificates(certificate, 1);
  return {
    form: 'annotations',
    certificate: leaf,
    hint: undefined,
    entries: bundle === undefined ? [] : [toEntry(read(bundleSchema, bundle))],
    timestamps: timestamp === undefined ? [] : [read(timestampSchema, timestamp).SignedRFC3161Timestamp],
  };
}

function toEntry({ SignedEntryTimestamp, Payload }: z.infer<typeof bundleSchema>): LogEntry {
  const { kind, apiVersion } = read(kindSchema, Buffer.from(decodeBase64(Payload.body)));
  return {
    logIndex: Payload.logIndex,
    logId: { keyId: Buffer.from(Payload.logID, 'hex').toString('base64') },
    kindVersion: { kind, version: apiVersion },
    integratedTime: Payload.integratedTime,
    inclusionPromise: { signedEntryTimestamp: SignedEntryTimestamp },
    canonicalizedBody: Payload.body,
  };
}

function read<T>(schema: z.ZodType<T>, text: string | Uint8Array): T {
  try {
    return schema.parse(parseJson(Buffer.from(text as string), { maxBytes: MAX_BYTES, maxItems: MAX_ITEMS }));
  } catch {
    throw failed('integrity', 'SIGNATURE_MALFORMED', 'What vouches for it cannot be read.');
  }
}

/** Base64 DER of 1 to `most` certificates. */
function pemCertificates(pem: string, most: number): readonly string[] {
  if (pem.length > MAX_BYTES) throw unknown('integrity', 'LIMIT', 'Its certificates are larger than is looked at.');
  const all = readPem(pem, 'CERTIFICATE');
  if (all !== undefined && all.length > most) {
    throw unknown('integrity', 'LIMIT', 'It holds more certificates than are looked at.');
  }
  if (all?.every(({ byteLength }) => byteLength <= MAX_CERTIFICATE_BYTES) !== true) {
    throw failed('integrity', 'SIGNATURE_MALFORMED', 'Its certificates cannot be read.');
  }
  return all.map((der) => Buffer.from(der).toString('base64'));
}
