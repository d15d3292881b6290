import type { Extension } from './certificate.js';
import { type Der, TAG, booleanOf, elementAt, fieldsOf, listOf, malformedDer, oidOf, readDer } from './der.js';

const MAX_EXTENSIONS = 64;
const MAX_POINTS = 4;
const MAX_NAMES = 8;
const MAX_RESPONDERS = 8;

/** `Extensions`: by OID, each occurring once. RFC 5280 §4.1. Throws `DER_MALFORMED`. */
export function extensionsOf(element: Der): ReadonlyMap<string, Extension> {
  const all = new Map<string, Extension>();
  for (const each of listOf(element, { most: MAX_EXTENSIONS })) {
    const fields = fieldsOf(each);
    const oid = oidOf(fields.take(TAG.oid));
    const critical = fields.maybe(TAG.boolean);
    const value = fields.take(TAG.octets).value;
    fields.done();
    if (all.has(oid)) throw malformedDer('an extension twice');
    all.set(oid, { critical: critical !== undefined && booleanOf(critical), value });
  }
  return all;
}

/**
 * The addresses of OCSP responders in *authority information access*. RFC 5280 §4.2.2.1. One that cannot be read is empty, and not
 * left out: a certificate whose responder cannot be reached is another thing than one that has none. Throws `DER_MALFORMED`.
 */
export function responderUrls(value: Uint8Array): readonly string[] {
  const urls: string[] = [];
  for (const access of listOf(readDer(value, TAG.sequence), { most: MAX_EXTENSIONS })) {
    const fields = fieldsOf(access);
    const method = fields.take(TAG.oid);
    const location = elementAt(access.value, method.whole.byteLength);
    if (oidOf(method) === '1.3.6.1.5.5.7.48.1') urls.push(urlOf(location) ?? '');
  }
  if (urls.length > MAX_RESPONDERS) throw malformedDer('too many responders');
  return urls;
}

/** Where one list of revoked certificates is. */
export interface DistributionPoint {
  /** Several addresses are of the same list. RFC 5280 §4.2.1.13. */
  readonly urls: readonly string[];
  /** DER of all its names, in base64: what a list says that it is for. */
  readonly names: ReadonlySet<string>;
  /** Whether somebody else than the certificate's issuer makes the list, or its names are relative ones. */
  readonly foreign: boolean;
}

/** *CRL distribution points* and *freshest CRL*. RFC 5280 §4.2.1.13, §4.2.1.15. Throws `DER_MALFORMED`. */
export function distributionPointsOf(value: Uint8Array): readonly DistributionPoint[] {
  return listOf(readDer(value, TAG.sequence), { most: MAX_POINTS }).map((point) => {
    const fields = fieldsOf(point);
    const name = fields.maybe(0xa0);
    // Reasons: all points are asked, so that it does not matter which of them has which.
    fields.maybe(0x81);
    const issuer = fields.maybe(0xa2);
    fields.done();
    const full = name === undefined ? undefined : fullNameOf(name);
    return {
      urls: (full ?? []).flatMap((each) => urlOf(each) ?? []),
      names: namesOf(full ?? []),
      foreign: issuer !== undefined || full === undefined,
    };
  });
}

/** What a list says that it is for. RFC 5280 §5.2.5. */
export interface ListScope {
  /** DER of its names, in base64; undefined where it names none. */
  readonly names: ReadonlySet<string> | undefined;
  readonly only: 'users' | 'authorities' | undefined;
  /** Not all reasons, not of this issuer alone, or of attribute certificates: such a list clears nobody. */
  readonly partial: boolean;
  readonly foreign: boolean;
}

/** *Issuing distribution point*. Throws `DER_MALFORMED`. */
export function listScopeOf(value: Uint8Array): ListScope {
  const fields = fieldsOf(readDer(value));
  const name = fields.maybe(0xa0);
  const flag = (tag: number) => {
    const field = fields.maybe(tag);
    return field !== undefined && booleanOf(field);
  };
  const [users, authorities] = [flag(0x81), flag(0x82)];
  const reasons = fields.maybe(0x83);
  const [indirect, attributes] = [flag(0x84), flag(0x85)];
  fields.done();
  if (users && authorities) throw malformedDer('a list of nothing');
  const full = name === undefined ? undefined : fullNameOf(name);
  return {
    names: full && namesOf(full),
    only: users ? 'users' : authorities ? 'authorities' : undefined,
    partial: reasons !== undefined || attributes,
    foreign: indirect || (name !== undefined && full === undefined),
  };
}

/** The names in a `DistributionPointName`; undefined where they are relative to those of the issuer. */
function fullNameOf({ value }: Der): readonly Der[] | undefined {
  const choice = readDer(value);
  return choice.tag === 0xa0 ? listOf(choice, { most: MAX_NAMES }) : undefined;
}

const namesOf = (names: readonly Der[]) => new Set(names.map(({ whole }) => whole.toString('base64')));

/** A GeneralName that is a URI in ASCII. */
function urlOf({ tag, value }: Der): string | undefined {
  return tag === 0x86 && value.every((byte) => byte > 0x20 && byte < 0x7f) ? value.toString('latin1') : undefined;
}
