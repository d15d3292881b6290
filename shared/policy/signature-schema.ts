import { z } from 'zod';
import { parsePlace } from '../artifact/reference.js';
import type { SignatureRule } from './policy.js';

/** How a file or a directory beside the policy may be named. */
export const TRUST_FILE_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;
/**
 * A key in a Key Vault, with its version: without one it would be another key tomorrow. The hosts are those of Azure's
 * clouds. https://learn.microsoft.com/azure/key-vault/general/about-keys-secrets-certificates
 */
export const KEY_VAULT_KEY =
  /^https:\/\/[A-Za-z][A-Za-z0-9-]{1,22}[A-Za-z0-9]\.vault\.(?:azure\.net|azure\.cn|usgovcloudapi\.net)\/keys\/[A-Za-z0-9-]{1,127}\/[0-9a-f]{32}$/;

const fileName = z.string().regex(TRUST_FILE_NAME, 'is the name of a file beside the policy');
const key = z
  .string()
  .max(300)
  .refine(
    (name) => TRUST_FILE_NAME.test(name) || KEY_VAULT_KEY.test(name),
    'a key is the name of a file beside the policy, or https://VAULT.vault.azure.net/keys/NAME/VERSION',
  );
const text = z.string().min(1).max(1000);

const identity = z
  .strictObject({
    issuer: text.optional(),
    issuerPattern: text.optional(),
    subject: text.optional(),
    subjectPattern: text.optional(),
  })
  .refine(
    ({ issuer, issuerPattern, subject, subjectPattern }) =>
      (issuer === undefined) !== (issuerPattern === undefined) &&
      (subject === undefined) !== (subjectPattern === undefined),
    'an identity has an issuer and a subject, each either exact or as a pattern',
  );

const cosign = z
  .strictObject({
    keys: z.array(key).max(50).default([]),
    identities: z.array(identity).max(50).default([]),
    trustedRoot: fileName.optional(),
    transparencyLog: z.enum(['required', 'ignored']).default('ignored'),
    signers: z.number().int().min(1).max(10).default(1),
    dockerReference: z.enum(['match', 'ignore']).default('ignore'),
  })
  .superRefine(({ keys, identities, trustedRoot, transparencyLog, signers }, context) => {
    const complain = (path: string, message: string) => context.addIssue({ code: 'custom', path: [path], message });
    if (keys.length + identities.length === 0) complain('keys', 'names nobody; add keys or identities');
    if (trustedRoot === undefined && identities.length > 0) {
      complain('identities', 'are vouched for by authorities; name their file as trustedRoot');
    }
    if (trustedRoot === undefined && transparencyLog === 'required') {
      complain('transparencyLog', 'is known by the trusted root; name its file as trustedRoot');
    }
    // A pattern may stand for many; of fixed ones there are no more than are named.
    const fixed = identities.every(
      ({ issuerPattern, subjectPattern }) => (issuerPattern ?? subjectPattern) === undefined,
    );
    if (fixed && signers > new Set(keys).size + identities.length) {
      complain('signers', 'asks for more than there are keys and identities');
    }
  });

const source = z.string().superRefine((name, context) => {
  try {
    parsePlace(name);
  } catch {
    context.addIssue({ code: 'custom', message: `${JSON.stringify(name)} is not registry/repository` });
  }
});

/** zod for what a rule says of signatures; `duration` is how it writes a time. */
export const signatureSchema = (duration: z.ZodType<number, string>) =>
  z
    .strictObject({
      require: z.enum(['any', 'all']),
      cosign: cosign.optional(),
      notation: z.strictObject({ config: fileName }).optional(),
      attestations: z
        .array(z.strictObject({ predicateType: z.url().max(500), builder: text.optional(), cosign }))
        .max(10)
        .default([]),
      signaturesFrom: z.array(source).max(5).default([]),
      fromIndex: z.enum(['accept', 'refuse']).default('accept'),
      grace: duration.default(900_000),
    })
    .refine(
      (rule) => (rule.cosign ?? rule.notation) !== undefined,
      'names no kind of signature; add cosign or notation',
    )
    .transform(({ grace, ...rule }): SignatureRule => ({ ...withoutUndefined(rule), graceMilliseconds: grace }));

type Parsed = Omit<SignatureRule, 'graceMilliseconds'>;

/** zod says `undefined` where a policy says nothing, which is not the same to a digest of it. */
function withoutUndefined(rule: object): Parsed {
  return JSON.parse(JSON.stringify(rule)) as Parsed;
}
