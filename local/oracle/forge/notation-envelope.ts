import { constants, type KeyObject, sign } from 'node:crypto';
import { Tag } from 'cbor2';
import { encodeCbor } from '../cbor.js';
import type { Issued } from '../../sigstore/authority.js';

/** Members of a protected header, in order. JWS names them by text, COSE the first three by number. */
export type HeaderEntries = readonly (readonly [name: string | number, value: unknown])[];

/** What an envelope is made of. */
export interface EnvelopeParts {
  readonly headers: HeaderEntries;
  readonly payload: Uint8Array;
  readonly signer: Issued;
  /** Instead of the signer's chain. */
  readonly chain?: readonly Uint8Array[];
  /** Instead of what the headers come to: the protected header's bytes. */
  readonly protectedBytes?: Uint8Array;
  /** Bytes of salt of RSA signatures. Default: as many as the hash has. */
  readonly saltLength?: number;
  /** Instead of the one that belongs to the key. */
  readonly hash?: string;
}

/** The content type of a payload, and the scheme, in every envelope. */
export const CONTENT_TYPE = 'application/vnd.cncf.notary.payload.v1+json';
const SCHEME = 'io.cncf.notary.signingScheme';
const TIME = 'io.cncf.notary.signingTime';
export const NAMES = {
  scheme: SCHEME,
  time: TIME,
  expiry: 'io.cncf.notary.expiry',
  authenticTime: 'io.cncf.notary.authenticSigningTime',
  plugin: 'io.cncf.notary.verificationPlugin',
} as const;
const ALGORITHMS: Readonly<Record<string, readonly [jws: string, cose: number, hash: string]>> = {
  prime256v1: ['ES256', -7, 'sha256'],
  secp384r1: ['ES384', -35, 'sha384'],
  secp521r1: ['ES512', -36, 'sha512'],
  '2048': ['PS256', -37, 'sha256'],
  '3072': ['PS384', -38, 'sha384'],
  '4096': ['PS512', -39, 'sha512'],
};

/** What belongs to a key, by the *Signature Algorithm Requirements* of the Notary Project. */
function algorithmOf(key: KeyObject): readonly [jws: string, cose: number, hash: string] {
  const details = key.asymmetricKeyDetails;
  return ALGORITHMS[details?.namedCurve ?? String(details?.modulusLength)] ?? ['ES256', -7, 'sha256'];
}

/** An ordinary protected header of a JWS. */
export function jwsHeaders(signer: Issued, now: Date): HeaderEntries {
  return [
    ['alg', algorithmOf(signer.keys.privateKey)[0]],
    ['cty', CONTENT_TYPE],
    ['crit', [SCHEME]],
    [SCHEME, 'notary.x509'],
    [TIME, now.toISOString().replace(/\.\d+Z/, 'Z')],
  ];
}

/** An ordinary protected header of a COSE envelope. */
export function coseHeaders(signer: Issued, now: Date): HeaderEntries {
  return [
    [1, algorithmOf(signer.keys.privateKey)[1]],
    [2, [SCHEME]],
    [3, CONTENT_TYPE],
    [SCHEME, 'notary.x509'],
    [TIME, epoch(now)],
  ];
}

/** RFC 8949 §3.4.2. */
export function epoch(at: Date): Tag {
  return new Tag(1, Math.floor(at.getTime() / 1000));
}

/** A JWS envelope that is signed properly. */
export function forgeJws({ headers, payload, signer, chain, protectedBytes, ...options }: EnvelopeParts): Uint8Array {
  const head = Buffer.from(protectedBytes ?? JSON.stringify(Object.fromEntries(headers))).toString('base64url');
  const body = Buffer.from(payload).toString('base64url');
  const signature = signWith(Buffer.from(`${head}.${body}`), signer.keys.privateKey, options);
  return Buffer.from(
    JSON.stringify({
      payload: body,
      protected: head,
      header: { x5c: chainOf(signer, chain).map((each) => each.toString('base64')) },
      signature: signature.toString('base64url'),
    }),
  );
}

/** A COSE envelope that is signed properly. */
export function forgeCose({ headers, payload, signer, chain, protectedBytes, ...options }: EnvelopeParts): Uint8Array {
  const head = Buffer.from(protectedBytes ?? encodeCbor(new Map(headers)));
  const signed = encodeCbor(['Signature1', head, Buffer.alloc(0), Buffer.from(payload)]);
  const signature = signWith(signed, signer.keys.privateKey, options);
  const unprotected = new Map<number | string, unknown>([[33, chainOf(signer, chain)]]);
  return encodeCbor(new Tag(18, [head, unprotected, Buffer.from(payload), signature]));
}

function chainOf({ chain }: Issued, instead: readonly Uint8Array[] | undefined): readonly Buffer[] {
  return (instead ?? chain.map(({ rawData }) => new Uint8Array(rawData))).map((each) => Buffer.from(each));
}

function signWith(
  bytes: Uint8Array,
  key: KeyObject,
  { saltLength, hash }: Pick<EnvelopeParts, 'saltLength' | 'hash'>,
): Buffer {
  const algorithm = hash ?? algorithmOf(key)[2];
  if (key.asymmetricKeyType === 'ec') return sign(algorithm, bytes, { key, dsaEncoding: 'ieee-p1363' });
  return sign(algorithm, bytes, {
    key,
    padding: constants.RSA_PKCS1_PSS_PADDING,
    saltLength: saltLength ?? constants.RSA_PSS_SALTLEN_DIGEST,
  });
}
