import { type KeyObject, constants, verify } from 'node:crypto';
import { type Der, TAG, elementAt, fieldsOf, integerOf, malformedDer, oidOf, only } from './der.js';

/** The hashes that a signature is believed with. SHA-1 and MD5 are broken, and none of the others is in use. */
export type StrongHash = 'sha256' | 'sha384' | 'sha512';

/** Their OIDs. RFC 5754 §2. */
const STRONG_HASHES: ReadonlyMap<string, StrongHash> = new Map([
  ['2.16.840.1.101.3.4.2.1', 'sha256'],
  ['2.16.840.1.101.3.4.2.2', 'sha384'],
  ['2.16.840.1.101.3.4.2.3', 'sha512'],
]);

/** How a signature is checked. */
export interface SignatureScheme {
  readonly keyType: 'rsa' | 'ec';
  readonly hash: StrongHash;
  /** Bytes of salt, with RSASSA-PSS. */
  readonly saltLength?: number;
}

/** RFC 4055 §5, RFC 5758 §3.2. */
const SCHEMES: ReadonlyMap<string, SignatureScheme> = new Map([
  ['1.2.840.113549.1.1.11', { keyType: 'rsa', hash: 'sha256' }],
  ['1.2.840.113549.1.1.12', { keyType: 'rsa', hash: 'sha384' }],
  ['1.2.840.113549.1.1.13', { keyType: 'rsa', hash: 'sha512' }],
  ['1.2.840.10045.4.3.2', { keyType: 'ec', hash: 'sha256' }],
  ['1.2.840.10045.4.3.3', { keyType: 'ec', hash: 'sha384' }],
  ['1.2.840.10045.4.3.4', { keyType: 'ec', hash: 'sha512' }],
]);
const OID = { pss: '1.2.840.113549.1.1.10', mgf1: '1.2.840.113549.1.1.8', rsa: '1.2.840.113549.1.1.1' } as const;

/** The OID and the parameters of an `AlgorithmIdentifier`. Throws `DER_MALFORMED`. */
export function algorithmOf(element: Der): { readonly oid: string; readonly parameters: Der | undefined } {
  const fields = fieldsOf(element);
  const id = fields.take(TAG.oid);
  const rest = element.value.subarray(id.whole.byteLength);
  const parameters = rest.byteLength === 0 ? undefined : elementAt(rest);
  if (parameters !== undefined && parameters.whole.byteLength !== rest.byteLength) throw malformedDer('too much');
  return { oid: oidOf(id), parameters };
}

/** The hash that an `AlgorithmIdentifier` names; undefined unless it is a strong one. Throws `DER_MALFORMED`. */
export function hashOf(element: Der): StrongHash | undefined {
  const { oid, parameters } = algorithmOf(element);
  return saysNothing(parameters) ? STRONG_HASHES.get(oid) : undefined;
}

/** Parameters are left out, or are a NULL, which holds nothing. RFC 4055 §5, RFC 5754 §2, RFC 5758 §3.2. */
function saysNothing(parameters: Der | undefined): boolean {
  return parameters === undefined || parameters.whole.toString('hex') === '0500';
}

/**
 * The scheme that an `AlgorithmIdentifier` names; undefined where it is weak or not known. CMS also names the bare RSA key,
 * and the hash elsewhere: that is `digest` (RFC 5754 §3.2). Throws `DER_MALFORMED`.
 */
export function schemeOf(element: Der, digest?: StrongHash): SignatureScheme | undefined {
  const { oid, parameters } = algorithmOf(element);
  if (oid === OID.pss) return parameters && pssOf(parameters);
  if (!saysNothing(parameters)) return undefined;
  if (oid === OID.rsa) return digest && { keyType: 'rsa', hash: digest };
  return SCHEMES.get(oid);
}

/** RFC 4055 §3.1. What is left out stands for SHA-1, so nothing may be; both hashes are to be the same. */
function pssOf(parameters: Der): SignatureScheme | undefined {
  const fields = fieldsOf(parameters);
  const [hashField, maskField, saltField] = [fields.maybe(0xa0), fields.maybe(0xa1), fields.maybe(0xa2)];
  const trailer = fields.maybe(0xa3);
  fields.done();
  if (hashField === undefined || maskField === undefined || saltField === undefined) return undefined;
  if (trailer !== undefined && integerOf(only(trailer, TAG.integer)) !== 1n) return undefined;
  const hash = hashOf(only(hashField, TAG.sequence));
  const mask = algorithmOf(only(maskField, TAG.sequence));
  const salt = integerOf(only(saltField, TAG.integer));
  if (hash === undefined || mask.oid !== OID.mgf1 || mask.parameters === undefined) return undefined;
  if (hashOf(mask.parameters) !== hash || salt < 0n || salt > 64n) return undefined;
  return { keyType: 'rsa', hash, saltLength: Number(salt) };
}

/** Whether `key` made `signature` over `bytes`; false also where the key is of another kind. ECDSA signatures are DER. */
export function isSignatureOf(
  { bytes, signature }: { readonly bytes: Uint8Array; readonly signature: Uint8Array },
  { keyType, hash, saltLength }: SignatureScheme,
  key: KeyObject,
): boolean {
  if (key.asymmetricKeyType !== keyType) return false;
  try {
    const padding = saltLength === undefined ? {} : { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength };
    return verify(hash, bytes, { key, ...padding }, signature);
  } catch {
    return false;
  }
}
