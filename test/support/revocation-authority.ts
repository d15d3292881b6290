import { createHash } from 'node:crypto';
import type { RevocationAnswer, RevocationRequest } from '../../shared/signature/revocation.js';
import { type Made, NOW, type SignOptions, daysFromNow, hashAlgorithm, signDer } from './certificates.js';
import * as der from './der.js';

const digest = (hash: 'sha1' | 'sha256', bytes: Uint8Array) => createHash(hash).update(bytes).digest();
const integer = (bytes: Uint8Array) => der.tlv(2, bytes);

/** What one answer of a responder says, and what is wrong with it. */
export interface OcspOptions extends SignOptions {
  readonly certificate: Made;
  readonly issuer: Made;
  readonly status?: 'good' | 'revoked' | 'unknown';
  readonly invalidFrom?: Date;
  /** Who signs; the issuer by default. Any other one is put into the answer. */
  readonly responder?: Made;
  readonly certificates?: readonly Uint8Array[];
  readonly byKey?: boolean;
  readonly responseStatus?: number;
  readonly type?: string;
  readonly idHash?: 'sha1' | 'sha256';
  readonly serial?: Uint8Array;
  readonly idIssuer?: Made;
  readonly producedAt?: Date;
  readonly thisUpdate?: Date;
  readonly nextUpdate?: Date | false;
  /** Of the answer, and of all of them. */
  readonly extensions?: readonly Uint8Array[];
  readonly allExtensions?: readonly Uint8Array[];
  readonly copies?: number;
  readonly tamper?: (signed: Buffer) => Buffer;
}

/** Makes the answer of a responder. RFC 6960 §4.2.1. */
export function makeOcsp(options: OcspOptions): Buffer {
  const { certificate, issuer, status = 'good', idHash = 'sha1', extensions = [], allExtensions = [] } = options;
  const responder = options.responder ?? issuer;
  const named = options.idIssuer ?? issuer;
  const id = der.seq(
    hashAlgorithm(idHash),
    der.octets(digest(idHash, named.subjectDer)),
    der.octets(digest(idHash, named.certificate.keyBits)),
    integer(options.serial ?? certificate.certificate.serial),
  );
  const states = {
    good: der.implicit(0, Buffer.alloc(0)),
    revoked: der.context(1, der.generalized(daysFromNow(-2)), der.context(0, der.enumerated(1))),
    unknown: der.implicit(2, Buffer.alloc(0)),
  };
  const invalidity = options.invalidFrom && der.extension('2.5.29.24', der.generalized(options.invalidFrom));
  const all = [...extensions, ...(invalidity === undefined ? [] : [invalidity])];
  const next = options.nextUpdate ?? daysFromNow(1);
  const answer = der.seq(
    id,
    states[status],
    der.generalized(options.thisUpdate ?? daysFromNow(-1)),
    ...(next === false ? [] : [der.context(0, der.generalized(next))]),
    ...(all.length === 0 ? [] : [der.context(1, der.seq(...all))]),
  );
  const data = der.seq(
    options.byKey === true
      ? der.context(2, der.octets(digest('sha1', responder.certificate.keyBits)))
      : der.context(1, responder.subjectDer),
    der.generalized(options.producedAt ?? daysFromNow(-1)),
    der.seq(...Array.from({ length: options.copies ?? 1 }, () => answer)),
    ...(allExtensions.length === 0 ? [] : [der.context(1, der.seq(...allExtensions))]),
  );
  const { algorithm, signature } = signDer(data, responder.keys, options);
  const certificates = options.certificates ?? (responder === issuer ? [] : [responder.der]);
  const basic = der.seq(
    options.tamper?.(data) ?? data,
    algorithm,
    der.bits(signature),
    ...(certificates.length === 0 ? [] : [der.context(0, der.seq(...certificates))]),
  );
  const code = options.responseStatus ?? 0;
  const bytes = der.seq(der.oid(options.type ?? '1.3.6.1.5.5.7.48.1.1'), der.octets(basic));
  return der.seq(der.enumerated(code), ...(code === 0 ? [der.context(0, bytes)] : []));
}

/** One entry of a list. */
export interface EntryOptions {
  readonly serial: Uint8Array;
  readonly at?: Date;
  readonly reason?: number;
  readonly invalidFrom?: Date;
  readonly extensions?: readonly Uint8Array[];
}

/** What a list of revoked certificates says, and what is wrong with it. */
export interface CrlOptions extends SignOptions {
  readonly issuer: Made;
  readonly issuerDer?: Uint8Array;
  readonly entries?: readonly EntryOptions[];
  /** This many entries of others before them. */
  readonly others?: number;
  readonly number?: number | false;
  readonly deltaOf?: number;
  /** Addresses of its changes. */
  readonly freshest?: readonly string[];
  /** DER of its scope: see {@link scope}. */
  readonly scope?: Uint8Array;
  readonly thisUpdate?: Date;
  readonly nextUpdate?: Date | false;
  readonly extensions?: readonly Uint8Array[];
  readonly tamper?: (signed: Buffer) => Buffer;
}

/** *Issuing distribution point*. RFC 5280 §5.2.5. */
export function scope(
  options: { urls?: readonly string[]; flags?: readonly number[]; reasons?: boolean } = {},
): Buffer {
  const { urls, flags = [], reasons = false } = options;
  const parts = flags.map((flag) => der.implicit(flag, Buffer.from([0xff])));
  return der.seq(
    ...(urls === undefined ? [] : [der.context(0, der.context(0, ...urls.map(der.uri)))]),
    ...parts.filter((part) => (part[0] ?? 0) < 0x83),
    ...(reasons ? [der.implicit(3, Buffer.from([6, 0x40]))] : []),
    ...parts.filter((part) => (part[0] ?? 0) > 0x83),
  );
}

const entryDer = ({ serial, at = daysFromNow(-2), reason, invalidFrom, extensions = [] }: EntryOptions) => {
  const all = [
    ...(reason === undefined ? [] : [der.extension('2.5.29.21', der.enumerated(reason))]),
    ...(invalidFrom === undefined ? [] : [der.extension('2.5.29.24', der.generalized(invalidFrom))]),
    ...extensions,
  ];
  return der.seq(integer(serial), der.time(at), ...(all.length === 0 ? [] : [der.seq(...all)]));
};

/** Makes a list of revoked certificates. RFC 5280 §5.1. */
export function makeCrl(options: CrlOptions): Buffer {
  const { issuer, entries = [], number = 5, deltaOf, freshest, extensions = [] } = options;
  const points = freshest?.map((url) => der.seq(der.context(0, der.context(0, der.uri(url)))));
  const all = [
    ...(number === false ? [] : [der.extension('2.5.29.20', der.int(number))]),
    ...(deltaOf === undefined ? [] : [der.extension('2.5.29.27', der.int(deltaOf), true)]),
    ...(options.scope === undefined ? [] : [der.extension('2.5.29.28', options.scope, true)]),
    ...(points === undefined ? [] : [der.extension('2.5.29.46', der.seq(...points))]),
    ...extensions,
  ];
  const stranger = entryDer({ serial: Buffer.alloc(16, 0x41), reason: 1 });
  const others = options.others === undefined ? [] : [Buffer.alloc(options.others * stranger.byteLength, stranger)];
  const next = options.nextUpdate ?? daysFromNow(1);
  const { algorithm } = signDer(Buffer.alloc(0), issuer.keys, options);
  const signed = der.seq(
    der.int(1),
    algorithm,
    options.issuerDer ?? issuer.subjectDer,
    der.time(options.thisUpdate ?? daysFromNow(-1)),
    ...(next === false ? [] : [der.time(next)]),
    ...(entries.length === 0 ? [] : [der.seq(...others, ...entries.map(entryDer))]),
    ...(all.length === 0 ? [] : [der.context(0, der.seq(...all))]),
  );
  return der.seq(
    options.tamper?.(signed) ?? signed,
    algorithm,
    der.bits(signDer(signed, issuer.keys, options).signature),
  );
}

/** The answer to a request, come now or at another time. */
export const answered = ({ id }: RevocationRequest, bytes: Uint8Array, at: Date = NOW): RevocationAnswer => ({
  id,
  at: at.toISOString(),
  outcome: 'answered',
  bytes,
});
/** A request that came to nothing. */
export const failed = ({ id }: RevocationRequest): RevocationAnswer => ({
  id,
  at: NOW.toISOString(),
  outcome: 'failed',
  code: 'TIMEOUT',
});
