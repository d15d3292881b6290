import { type Der, TAG, elementAt, fieldsOf, listOf, malformedDer, oidOf } from './der.js';
import { textOf } from './text.js';

/** One attribute of a name: its type as a dotted OID, and its value as text. */
export interface NameAttribute {
  readonly type: string;
  readonly value: string;
}

/** A distinguished name: its relative names in the order of the certificate, each with all of its attributes. */
export type DistinguishedName = readonly (readonly NameAttribute[])[];

/** What a name may be written with, by its OID. RFC 4519; RFC 4514 §3. */
export const NAME_OIDS: ReadonlyMap<string, string> = new Map([
  ['2.5.4.3', 'CN'],
  ['2.5.4.5', 'SERIALNUMBER'],
  ['2.5.4.6', 'C'],
  ['2.5.4.7', 'L'],
  ['2.5.4.8', 'ST'],
  ['2.5.4.9', 'STREET'],
  ['2.5.4.10', 'O'],
  ['2.5.4.11', 'OU'],
  ['2.5.4.17', 'POSTALCODE'],
  ['0.9.2342.19200300.100.1.1', 'UID'],
  ['0.9.2342.19200300.100.1.25', 'DC'],
]);

const MAX_RELATIVE = 64;
const MAX_ATTRIBUTES = 16;

/** A `Name` of RFC 5280 §4.1.2.4. Throws `DER_MALFORMED`, also for a value that is no text. */
export function nameOf(element: Der): DistinguishedName {
  return listOf(element, { most: MAX_RELATIVE }).map((relative) => {
    if (relative.tag !== TAG.set) throw malformedDer('another type');
    const attributes = listOf(relative, { most: MAX_ATTRIBUTES }).map(attributeOf);
    if (attributes.length === 0) throw malformedDer('a name of nothing');
    return attributes;
  });
}

function attributeOf(pair: Der): NameAttribute {
  const type = fieldsOf(pair).take(TAG.oid);
  const value = elementAt(pair.value, type.whole.byteLength);
  if (type.whole.byteLength + value.whole.byteLength !== pair.value.byteLength) throw malformedDer('a field too many');
  return { type: oidOf(type), value: textOf(value) };
}

/** A name for people, most general part first, as `CN=…` pairs. Nothing is compared by it. */
export function formatName(name: DistinguishedName): string {
  return name
    .map((relative) => relative.map(({ type, value }) => `${NAME_OIDS.get(type) ?? type}=${value}`).join('+'))
    .join(', ');
}
