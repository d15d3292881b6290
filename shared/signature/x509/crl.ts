import { isSignatureOf } from './algorithm.js';
import { type Extension, isSameName } from './certificate.js';
import { type Der, TAG, elementsOf, fieldsOf, integerBytesOf, integerOf, malformedDer, only, readDer } from './der.js';
import { type DistributionPoint, distributionPointsOf, extensionsOf, listScopeOf } from './extensions.js';
import { CLOCK_SKEW, type Issued } from './ocsp.js';
import { readSigned } from './signed.js';
import { timeOf } from './time.js';

/** The largest list of revoked certificates, in bytes, and its most entries. */
export const MAX_CRL_BYTES = 10 * 1024 * 1024;
export const MAX_CRL_ENTRIES = 200_000;

const OID = {
  number: '2.5.29.20',
  reason: '2.5.29.21',
  invalidityDate: '2.5.29.24',
  deltaIndicator: '2.5.29.27',
  scope: '2.5.29.28',
  freshest: '2.5.29.46',
} as const;
/** Critical extensions of a list, and of an entry, that are understood. */
const LIST_EXTENSIONS: ReadonlySet<string> = new Set([OID.deltaIndicator, OID.scope]);
const ENTRY_EXTENSIONS: ReadonlySet<string> = new Set([OID.reason, OID.invalidityDate]);

/** Why an entry is there, as far as it matters. RFC 5280 §5.3.1. */
const REASON = { hold: 6n, removed: 8n } as const;

/** What a list says of one certificate. */
export interface CrlEntry {
  readonly state: 'revoked' | 'held' | 'removed';
  readonly at: Date;
  readonly invalidFrom: Date | undefined;
}

/** A list that was signed by the issuer of the certificate in question and is of its time. */
export interface CrlReading {
  readonly number: bigint | undefined;
  /** Set where it tells only what has changed since the list of that number. RFC 5280 §5.2.4. */
  readonly deltaOf: bigint | undefined;
  /** DER of its scope. */
  readonly scope: Uint8Array | undefined;
  /** Whether it clears a certificate that it does not name. */
  readonly complete: boolean;
  /** Where changes of it are told. */
  readonly freshest: readonly DistributionPoint[];
  /** Of the certificate in question. */
  readonly entries: readonly CrlEntry[];
}

/** Which list is meant, and when it came. */
export interface CrlContext extends Issued {
  readonly point: DistributionPoint;
  readonly at: Date;
}

/**
 * Reads a list of revoked certificates. RFC 5280 §5, §6.3.3. Gives a reason where it may not be used: it is not signed by the
 * issuer, too large, not of its time (`nextUpdate` is required; judged at `at`, when it came), made for other certificates, or
 * has a critical extension that is not understood, also of an entry that is of another certificate.
 *
 * Unlike `notation` 1.3, which ignores the scope, it has to be a list for this distribution point and this kind of certificate:
 * lists come without encryption, and another list of the same issuer would clear anybody.
 */
export function readCrl(bytes: Uint8Array, context: CrlContext): CrlReading | string {
  if (bytes.byteLength > MAX_CRL_BYTES) return 'it is too large';
  try {
    return read(bytes, context);
  } catch {
    return 'it cannot be read';
  }
}

/** Until when a list holds, of which nothing is believed: for a cache. undefined where it tells no end, or nothing. */
export function crlEnd(bytes: Uint8Array): Date | undefined {
  try {
    return bytes.byteLength > MAX_CRL_BYTES ? undefined : listOf(bytes).nextUpdate;
  } catch {
    return undefined;
  }
}

/** A list taken apart. */
function listOf(bytes: Uint8Array) {
  const list = readSigned(readDer(bytes));
  const fields = fieldsOf(list.signed);
  const version = fields.maybe(TAG.integer);
  if (version !== undefined && integerOf(version) !== 1n) throw malformedDer('another version');
  if (!fields.take(TAG.sequence).whole.equals(list.algorithm.whole)) throw malformedDer('two algorithms');
  const issuerDer = fields.take(TAG.sequence).whole;
  const thisUpdate = timeOf(timeField(fields));
  const next = fields.maybe(TAG.utcTime) ?? fields.maybe(TAG.generalizedTime);
  const entries = fields.maybe(TAG.sequence);
  const extensionField = fields.maybe(0xa0);
  fields.done();
  const extensions =
    extensionField === undefined ? new Map<string, Extension>() : extensionsOf(only(extensionField, TAG.sequence));
  return { ...list, issuerDer, thisUpdate, nextUpdate: next && timeOf(next), entries, extensions };
}

function read(bytes: Uint8Array, context: CrlContext): CrlReading | string {
  const { certificate, issuer, at } = context;
  const { signed, scheme, signature, issuerDer, thisUpdate, nextUpdate, entries, extensions } = listOf(bytes);
  if (!isSameName(issuerDer, issuer.subjectDer)) return 'it is of another issuer';
  if (issuer.keyUsage?.usages.has('cRLSign') === false) return 'its issuer may not sign lists';
  if (scheme === undefined || !isSignatureOf({ bytes: signed.whole, signature }, scheme, issuer.publicKey)) {
    return 'it is not signed by the issuer';
  }
  // Negated, for no comparison holds of a time that is none.
  if (!(thisUpdate.getTime() <= at.getTime() + CLOCK_SKEW)) return 'it is of the future';
  if (nextUpdate === undefined || !(nextUpdate > at)) return 'it is too old';
  for (const [oid, { critical }] of extensions) {
    if (critical && !LIST_EXTENSIONS.has(oid)) return `its critical extension ${oid} is not understood`;
  }
  const scope = extensions.get(OID.scope)?.value;
  const mismatch = scope && scopeFault(scope, context);
  if (mismatch !== undefined) return mismatch;
  const numberOf = (oid: string) => {
    const value = extensions.get(oid)?.value;
    return value && integerOf(readDer(value, TAG.integer));
  };
  const freshest = extensions.get(OID.freshest)?.value;
  return {
    number: numberOf(OID.number),
    deltaOf: numberOf(OID.deltaIndicator),
    scope,
    complete: scope === undefined || !listScopeOf(scope).partial,
    freshest: freshest === undefined ? [] : distributionPointsOf(freshest),
    entries: entries === undefined ? [] : entriesOf(entries, certificate.serial),
  };
}

function timeField(fields: ReturnType<typeof fieldsOf>): Der {
  return fields.maybe(TAG.utcTime) ?? fields.take(TAG.generalizedTime);
}

/** RFC 5280 §6.3.3 (b) (2). */
function scopeFault(value: Uint8Array, { certificate, point }: CrlContext): string | undefined {
  const { names, only: kind, foreign } = listScopeOf(value);
  const authority = certificate.basicConstraints?.ca === true;
  if (foreign) return 'it is of several issuers';
  if (names !== undefined && ![...names].some((name) => point.names.has(name))) return 'it is of another place';
  if (kind !== undefined && kind !== (authority ? 'authorities' : 'users')) return 'it is of other certificates';
  return undefined;
}

/** Goes once through all entries, and keeps those of one serial number. */
function entriesOf(list: Der, serial: Buffer): readonly CrlEntry[] {
  const found: CrlEntry[] = [];
  let count = 0;
  for (const element of elementsOf(list)) {
    if (++count > MAX_CRL_ENTRIES) throw malformedDer('too many entries');
    const fields = fieldsOf(element);
    const own = integerBytesOf(fields.take(TAG.integer)).equals(serial);
    const time = timeField(fields);
    const extensionField = fields.maybe(TAG.sequence);
    fields.done();
    const extensions = extensionField && extensionsOf(extensionField);
    for (const [oid, { critical }] of extensions ?? []) {
      if (critical && !ENTRY_EXTENSIONS.has(oid)) throw malformedDer('a critical extension of an entry');
    }
    if (own) found.push(entryOf(timeOf(time), extensions));
  }
  return found;
}

function entryOf(at: Date, extensions: ReadonlyMap<string, Extension> | undefined): CrlEntry {
  const [reasonDer, dateDer] = [extensions?.get(OID.reason)?.value, extensions?.get(OID.invalidityDate)?.value];
  const reason = reasonDer && integerOf(readDer(reasonDer, TAG.enumerated));
  const state = reason === REASON.hold ? 'held' : reason === REASON.removed ? 'removed' : 'revoked';
  return { state, at, invalidFrom: dateDer && timeOf(readDer(dateDer, TAG.generalizedTime)) };
}
