import { z } from 'zod';
import { MAX_ENVELOPE_BYTES } from '../candidate.js';
import { decodeBase64, decodeBase64Url } from '../encoding/base64.js';
import { parseJson } from '../encoding/json.js';
import { readAttributes } from './attributes.js';
import type { RawEnvelope } from './envelope.js';
import { decoding, fault } from './fault.js';

// Notary Project, JWS signature envelope: the flattened form with these four members alone, so that no second signature and no
// second header can hide. The unprotected header has three members; the last here is how early versions wrote one of them.
const envelopeSchema = z.strictObject({
  payload: z.string(),
  protected: z.string(),
  signature: z.string(),
  header: z.strictObject({
    x5c: z.array(z.string()).min(1),
    'io.cncf.notary.timestampSignature': z.string().optional(),
    'io.cncf.notary.signingAgent': z.string().optional(),
    'io.cncf.notary.SigningAgent': z.string().optional(),
  }),
});

/** Some ten members and a chain of certificates: more is no envelope, and costs much to be told so. */
const MAX_ITEMS = 100;

const headerSchema = z.looseObject({});
const timeSchema = z.iso.datetime({ offset: true });

/** Registered header parameters that say something this form has no use for. RFC 7515 §4.1, RFC 7797, RFC 7516, RFC 7519. */
const FOREIGN: ReadonlySet<string> = new Set(
  'b64 enc epk iss jku jwk kid sub aud typ url x5c x5t x5t#s256 x5u zip'.split(' '),
);

/** Reads a Notation signature in the form of JWS. Throws `SIGNATURE_MALFORMED`, and what {@link readAttributes} throws. */
export function readJws(bytes: Uint8Array): RawEnvelope {
  const limits = { maxBytes: MAX_ENVELOPE_BYTES, maxItems: MAX_ITEMS };
  const json = decoding('The JWS envelope', () => parseJson(bytes, limits));
  const parsed = envelopeSchema.safeParse(json);
  if (!parsed.success) throw fault('SIGNATURE_MALFORMED', 'It is no flattened JWS of Notation.', parsed.error);
  const { payload, protected: encodedHeader, signature, header } = parsed.data;
  const timestamp = header['io.cncf.notary.timestampSignature'];
  const encoded = decoding('What the JWS holds', () => ({
    header: decodeBase64Url(encodedHeader),
    payload: decodeBase64Url(payload),
    signature: decodeBase64Url(signature),
    certificates: header.x5c.map(decodeBase64),
    ...(timestamp !== undefined && { timestamp: decodeBase64(timestamp) }),
  }));
  const { header: protectedHeader, ...rest } = encoded;
  return {
    ...rest,
    // RFC 7515 §5.2: the strings as they were received, not as they might be written again.
    signed: Buffer.from(`${encodedHeader}.${payload}`, 'ascii'),
    attributes: readAttributes(readHeader(protectedHeader), toTime),
  };
}

function readHeader(bytes: Uint8Array): ReadonlyMap<string, unknown> {
  const json = decoding('The protected header', () => parseJson(bytes, { maxBytes: bytes.byteLength, maxDepth: 8 }));
  const parsed = headerSchema.safeParse(json);
  if (!parsed.success) throw fault('SIGNATURE_MALFORMED', 'The protected header is no object.', parsed.error);
  const header = new Map(Object.entries(parsed.data));
  if ([...header.keys()].some((name) => FOREIGN.has(name.toLowerCase()))) {
    throw fault('NOTATION_ATTRIBUTES', 'The protected header has a registered member that Notation has no use for.');
  }
  return header;
}

/** RFC 3339, in the one form that ISO 8601 shares with it. */
function toTime(value: unknown): Date | undefined {
  const parsed = timeSchema.safeParse(value);
  return parsed.success ? new Date(parsed.data) : undefined;
}
