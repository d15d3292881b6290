import { type KeyObject, createPublicKey } from 'node:crypto';
import { TrustedRoot } from '@sigstore/protobuf-specs';
import { type TrustMaterial, toTrustMaterial } from '@sigstore/verify';
import { z } from 'zod';
import { AppError, type Problem, ProblemsError } from '../../error/app-error.js';
import { decodeBase64 } from '../encoding/base64.js';
import { parseJson } from '../encoding/json.js';
import { isSelfSigned, parseCertificate } from '../x509/certificate.js';
import { checkChain } from './trusted-chain.js';

/** The largest trusted root that is read, in bytes. */
export const MAX_TRUSTED_ROOT_BYTES = 512 * 1024;
const MEDIA_TYPES: ReadonlySet<string> = new Set([
  'application/vnd.dev.sigstore.trustedroot+json;version=0.1',
  'application/vnd.dev.sigstore.trustedroot.v0.2+json',
]);

/** The authorities and logs of one or more Sigstore instances, as {@link parseTrustedRoot} has checked them. */
export interface SigstoreRoot {
  readonly material: TrustMaterial;
}

/** Base64 DER of a log's key: two names of one key are one log. */
export function keyIdentity(key: KeyObject): string {
  return key.export({ type: 'spki', format: 'der' }).toString('base64');
}

const base64 = z
  .string()
  .min(1)
  .max(64 * 1024)
  .refine((text) => isBase64(text), 'no canonical base64');
// Protobuf's JSON may write what is not there as null.
const label = z.string().max(512).nullish();
const validFor = z
  .strictObject({ start: z.iso.datetime(), end: z.iso.datetime().nullish() })
  .refine(
    ({ start, end }) => typeof end !== 'string' || Date.parse(start) <= Date.parse(end),
    'it ends before it starts',
  );
const logId = z.strictObject({ keyId: base64 });
const log = z.strictObject({
  baseUrl: z.url({ protocol: /^https?$/ }).max(512),
  hashAlgorithm: z.literal('SHA2_256'),
  publicKey: z.strictObject({ rawBytes: base64, keyDetails: z.string(), validFor }),
  logId,
  checkpointKeyId: logId.nullish(),
  operator: label,
});
const authority = z.strictObject({
  subject: z.strictObject({ organization: label, commonName: label }).optional(),
  uri: label,
  certChain: z.strictObject({
    certificates: z
      .array(z.strictObject({ rawBytes: base64 }))
      .min(1)
      .max(10),
  }),
  validFor,
  operator: label,
});
// https://github.com/sigstore/protobuf-specs/blob/main/protos/sigstore_trustroot.proto, in its JSON form.
const rootSchema = z.strictObject({
  mediaType: z.string().refine((type) => MEDIA_TYPES.has(type), 'a version that is not known'),
  tlogs: z.array(log).max(32).default([]),
  ctlogs: z.array(log).max(32).default([]),
  certificateAuthorities: z.array(authority).max(32).default([]),
  timestampAuthorities: z.array(authority).max(32).default([]),
});
type Log = z.infer<typeof log>;

/** How a log's key is written, and what it has to be, by the name of its algorithm. It signs a SHA-256, or with Ed25519. */
const KEY_DETAILS: ReadonlyMap<
  string,
  { readonly form: 'spki' | 'pkcs1'; readonly fits: (key: KeyObject) => boolean }
> = new Map([
  ['PKIX_ECDSA_P256_SHA_256', { form: 'spki', fits: (key) => key.asymmetricKeyDetails?.namedCurve === 'prime256v1' }],
  ['PKIX_ED25519', { form: 'spki', fits: (key) => key.asymmetricKeyType === 'ed25519' }],
  // Deprecated, and still what the first log of the staging instance has.
  ['PKCS1_RSA_PKCS1V5', { form: 'pkcs1', fits: (key) => isRsa(key) }],
]);

function isRsa({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject): boolean {
  const bits = asymmetricKeyDetails?.modulusLength ?? 0;
  return asymmetricKeyType === 'rsa' && bits >= 2048 && bits <= 8192;
}

/**
 * Reads a `trusted_root.json`: every member known, every key and certificate parsed and of the kind that it is said to be, a
 * start of validity for each, no log twice. Throws `TRUSTED_ROOT_INVALID` with every problem: a root that is half understood
 * would leave out a limit that somebody has set.
 */
export function parseTrustedRoot(text: string): SigstoreRoot {
  let json: unknown;
  try {
    json = parseJson(Buffer.from(text), { maxBytes: MAX_TRUSTED_ROOT_BYTES });
  } catch (cause) {
    throw broken([{ path: '', message: cause instanceof AppError ? cause.message : 'no JSON' }]);
  }
  const parsed = rootSchema.safeParse(json);
  if (!parsed.success) {
    throw broken(parsed.error.issues.map(({ path, message }) => ({ path: path.join('.'), message })));
  }
  const { tlogs, ctlogs, certificateAuthorities, timestampAuthorities } = parsed.data;
  const problems = [
    ...checkLogs('tlogs', tlogs),
    ...checkLogs('ctlogs', ctlogs),
    ...certificateAuthorities.flatMap(({ certChain }, index) =>
      checkAuthority(`certificateAuthorities.${index}`, certChain.certificates, 'certificates'),
    ),
    ...timestampAuthorities.flatMap(({ certChain }, index) =>
      checkAuthority(`timestampAuthorities.${index}`, certChain.certificates, 'timestamps'),
    ),
  ];
  if (problems.length > 0) throw broken(problems);
  try {
    return { material: toTrustMaterial(TrustedRoot.fromJSON(json)) };
  } catch {
    throw broken([{ path: '', message: 'it cannot be loaded' }]);
  }
}

function broken(problems: readonly Problem[]): ProblemsError {
  return new ProblemsError('TRUSTED_ROOT_INVALID', 'the trusted root cannot be used:', problems);
}

function isBase64(text: string): boolean {
  try {
    decodeBase64(text);
    return true;
  } catch {
    return false;
  }
}

function checkLogs(place: string, logs: readonly Log[]): readonly Problem[] {
  const seen = new Set<string>();
  return logs.flatMap(({ publicKey, logId: { keyId }, checkpointKeyId }, index): Problem[] => {
    const path = `${place}.${index}`;
    const id = checkpointKeyId?.keyId ?? keyId;
    const problems: Problem[] = [];
    // Entries name their log by this alone, so it has to name one key.
    if (seen.has(id)) problems.push({ path: `${path}.logId`, message: 'the log is there twice' });
    seen.add(id);
    const details = KEY_DETAILS.get(publicKey.keyDetails);
    const key = details && readKey(publicKey.rawBytes, details.form);
    if (details === undefined) problems.push({ path: `${path}.publicKey.keyDetails`, message: 'not supported' });
    else if (key === undefined) problems.push({ path: `${path}.publicKey.rawBytes`, message: 'no public key' });
    else if (!details.fits(key))
      problems.push({ path: `${path}.publicKey`, message: 'the key is not what its details say' });
    return problems;
  });
}

function readKey(rawBytes: string, type: 'spki' | 'pkcs1'): KeyObject | undefined {
  try {
    const der = Buffer.from(decodeBase64(rawBytes));
    const key = createPublicKey({ key: der, format: 'der', type });
    // The older form is what the newer one ends in; either way nothing may be left over.
    const spki = key.export({ type: 'spki', format: 'der' });
    return (type === 'spki' ? spki : spki.subarray(-der.byteLength)).equals(der) ? key : undefined;
  } catch {
    return undefined;
  }
}

function checkAuthority(
  path: string,
  certificates: readonly { readonly rawBytes: string }[],
  purpose: 'certificates' | 'timestamps',
): readonly Problem[] {
  try {
    const chain = certificates.map(({ rawBytes }) => parseCertificate(decodeBase64(rawBytes)));
    const last = chain.at(-1);
    if (last === undefined || !isSelfSigned(last)) throw new AppError('', 'its chain ends in no root');
    checkChain(chain, purpose);
    return [];
  } catch (cause) {
    return [{ path, message: cause instanceof AppError ? cause.message : 'a certificate cannot be read' }];
  }
}
