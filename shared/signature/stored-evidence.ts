import { z } from 'zod';
import { descriptorSchema, digestSchema } from '../artifact/descriptor.js';
import { type Digest, digestOf } from '../artifact/digest.js';
import { AppError } from '../error/app-error.js';
import { MAX_CANDIDATES, MAX_LEGACY_SIGNATURES, SIGNATURE_KINDS, type SignatureEvidence } from './candidate.js';
import type { SignatureResult } from './result.js';
import type { RevocationAnswer } from './revocation.js';

/** What is kept of a verification: the envelopes with its result, so that a locked image can be verified again. */
export function writeEvidence(evidence: SignatureEvidence, { signatures }: SignatureResult): Uint8Array {
  const stored = {
    subject: evidence.subject,
    sought: evidence.sought,
    truncated: evidence.truncated,
    signatures: signatures.map((signature) => ({ ...signature, needs: undefined })),
    revocation: bounded([...evidence.revocation.values()]).map((answer) =>
      answer.outcome === 'answered' ? { ...answer, bytes: Buffer.from(answer.bytes).toString('base64') } : answer,
    ),
    candidates: evidence.candidates.map(({ payloads, ...candidate }) => ({
      ...candidate,
      payloads: payloads.map(({ descriptor, bytes }) => ({
        descriptor,
        base64: Buffer.from(bytes).toString('base64'),
      })),
    })),
  };
  return Buffer.from(JSON.stringify(stored));
}

/** The most bytes of answers that are kept. A list that is larger is asked for again by whoever judges anew. */
const MAX_ANSWER_BYTES = 8 * 1024 * 1024;

function bounded(answers: readonly RevocationAnswer[]): readonly RevocationAnswer[] {
  let bytes = 0;
  return answers.slice(0, MAX_ANSWERS).filter((answer) => {
    const size = answer.outcome === 'answered' ? answer.bytes.byteLength : 0;
    if (bytes + size > MAX_ANSWER_BYTES) return false;
    bytes += size;
    return true;
  });
}

const manifestSchema = z.strictObject({
  form: z.literal('manifest'),
  mediaType: z.string(),
  artifactType: z.string().optional(),
  subject: descriptorSchema.optional(),
  config: descriptorSchema,
  layers: z.array(descriptorSchema),
  annotations: z.record(z.string(), z.string()),
});

/** The most answers of certificate authorities that are kept. */
export const MAX_ANSWERS = 500;
const id = z.string().regex(/^[0-9a-f]{64}$/);
const at = z.iso.datetime();

const storedSchema = z.strictObject({
  subject: z.strictObject({
    digest: digestSchema,
    mediaType: z.string().max(255),
    size: z.number().int().nonnegative(),
  }),
  /** Not there in what an earlier version has written. */
  sought: z.array(z.string().max(1000)).max(1000).optional(),
  truncated: z.boolean(),
  /** What was made of it then: it is judged anew, so nothing is read from this. */
  signatures: z.array(z.unknown()),
  revocation: z
    .array(
      z.discriminatedUnion('outcome', [
        z.strictObject({ id, at, outcome: z.literal('answered'), bytes: z.base64() }),
        z.strictObject({ id, at, outcome: z.literal('failed'), code: z.string().max(64) }),
      ]),
    )
    .max(MAX_ANSWERS),
  candidates: z
    .array(
      z.strictObject({
        kind: z.enum(SIGNATURE_KINDS),
        manifestDigest: digestSchema,
        manifest: manifestSchema,
        payloads: z
          .array(z.strictObject({ descriptor: descriptorSchema, base64: z.base64() }))
          .max(MAX_LEGACY_SIGNATURES),
      }),
    )
    .max(MAX_CANDIDATES),
});

/**
 * Reads what {@link writeEvidence} wrote about `subject`. Throws `EVIDENCE_MALFORMED` for anything else: another subject, an
 * envelope that is not what its descriptor says, a member that is not known.
 */
export function readEvidence(bytes: Uint8Array, subject: Digest): SignatureEvidence {
  const malformed = (what: string, cause?: unknown) =>
    new AppError('EVIDENCE_MALFORMED', `the stored signatures cannot be read: ${what}`, { cause });
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw malformed('no JSON', cause);
  }
  const parsed = storedSchema.safeParse(json);
  if (!parsed.success) throw malformed('another form', parsed.error);
  const { data } = parsed;
  if (data.subject.digest !== subject) throw malformed('they are of another digest');
  const candidates = data.candidates.map(({ payloads, manifest, ...candidate }) => ({
    ...candidate,
    manifest: { ...manifest, artifactType: manifest.artifactType, subject: manifest.subject },
    payloads: payloads.map(({ descriptor, base64 }) => {
      const bytes = Buffer.from(base64, 'base64');
      if (digestOf(bytes) !== descriptor.digest) throw malformed('an envelope is not what its descriptor says');
      return { descriptor, bytes };
    }),
  }));
  const revocation = new Map(
    data.revocation.map((answer): [string, RevocationAnswer] => [
      answer.id,
      answer.outcome === 'answered' ? { ...answer, bytes: Buffer.from(answer.bytes, 'base64') } : answer,
    ]),
  );
  const { sought } = data;
  return { subject: data.subject, ...(sought && { sought }), candidates, truncated: data.truncated, revocation };
}
