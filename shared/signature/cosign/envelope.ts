import { z } from 'zod';
import { decodeBase64 } from '../encoding/base64.js';
import { parseJson } from '../encoding/json.js';
import { MAX_ENVELOPE_BYTES } from '../candidate.js';
import { failed, unknown } from './checks.js';
import type { FoundSignature } from './authenticate.js';
import { MAX_SIGNATURE_BYTES } from './find-signer.js';
import { type Material, base64Schema } from './material.js';

/** The payload of an envelope that holds an in-toto statement. */
export const IN_TOTO = 'application/vnd.in-toto+json';

/** zod for a DSSE envelope with exactly one signature: of several, readers differ on which one counts. */
export const envelopeSchema = z.strictObject({
  payload: base64Schema(MAX_ENVELOPE_BYTES),
  payloadType: z.string().max(256),
  signatures: z
    .array(z.strictObject({ sig: base64Schema(MAX_SIGNATURE_BYTES), keyid: z.string().max(256).default('') }))
    .refine(({ length }) => length === 1, 'not one signature'),
});

/** An envelope with its form checked, and nothing else. */
export type Envelope = z.infer<typeof envelopeSchema>;

/** https://github.com/secure-systems-lab/dsse/blob/master/protocol.md: what a DSSE signature is made over. */
export function preAuthEncoding(payloadType: string, body: Uint8Array): Uint8Array {
  const head = `DSSEv1 ${Buffer.byteLength(payloadType)} ${payloadType} ${body.byteLength} `;
  return Buffer.concat([Buffer.from(head), body]);
}

/** What is signed in an envelope, and what vouches for it. */
export function openEnvelope({ payload, payloadType, signatures }: Envelope, material: Material): FoundSignature {
  const [signature] = signatures;
  if (signature === undefined) throw failed('integrity', 'SIGNATURE_MALFORMED', 'An envelope carries one signature.');
  const body = decodeBase64(payload);
  return {
    signed: preAuthEncoding(payloadType, body),
    payload: body,
    form: 'dsse',
    signature: decodeBase64(signature.sig),
    material,
    keyId: signature.keyid,
  };
}

/** The most members of what nobody has vouched for yet: to read a mebibyte of them takes long. Signed statements have more. */
const MAX_ITEMS = 4096;

/**
 * Parses JSON from outside. Throws: a limit that is passed is not known to be wrong, only not looked at; anything else that is
 * no strict JSON of the form of `schema` is malformed.
 */
export function readJson<T>(schema: z.ZodType<T>, bytes: Uint8Array, what: string): T {
  return read(schema, bytes, { what, maxItems: MAX_ITEMS });
}

/** The same for what somebody who is trusted has signed: with as many members as there are. */
export function readSignedJson<T>(schema: z.ZodType<T>, bytes: Uint8Array, what: string): T {
  return read(schema, bytes, { what, maxItems: Infinity });
}

function read<T>(
  schema: z.ZodType<T>,
  bytes: Uint8Array,
  { what, maxItems }: { readonly what: string; readonly maxItems: number },
): T {
  if (bytes.byteLength > MAX_ENVELOPE_BYTES)
    throw unknown('integrity', 'LIMIT', `${what} is larger than is looked at.`);
  let json: unknown;
  try {
    json = parseJson(bytes, { maxBytes: MAX_ENVELOPE_BYTES, maxDepth: 64, maxItems });
  } catch {
    throw failed('integrity', 'SIGNATURE_MALFORMED', `${what} cannot be read.`);
  }
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  if (parsed.error.issues.some(({ code }) => code === 'too_big')) {
    throw unknown('integrity', 'LIMIT', `${what} holds more than is looked at.`);
  }
  throw failed('integrity', 'SIGNATURE_MALFORMED', `${what} cannot be read.`);
}
