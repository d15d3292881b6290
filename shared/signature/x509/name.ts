import { type AsnType, ObjectIdentifier, Sequence, Set as AsnSet } from 'asn1js';

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

/** A `Name` of RFC 5280 §4.1.2.4 as a value; undefined where it is of another shape, or holds a value that is no text. */
export function toName(name: AsnType | undefined): DistinguishedName | undefined {
  if (!(name instanceof Sequence)) return undefined;
  const all = name.valueBlock.value.map((relative) =>
    relative instanceof AsnSet ? relative.valueBlock.value.map(toAttribute) : [undefined],
  );
  const whole = all.flatMap((attributes) => {
    const known = attributes.flatMap((attribute) => attribute ?? []);
    return known.length === attributes.length && known.length > 0 ? [known] : [];
  });
  return whole.length === all.length ? whole : undefined;
}

function toAttribute(pair: AsnType): NameAttribute | undefined {
  if (!(pair instanceof Sequence)) return undefined;
  const [type, value, ...more] = pair.valueBlock.value;
  if (!(type instanceof ObjectIdentifier) || value === undefined || more.length > 0) return undefined;
  const inner: unknown = value.valueBlock;
  if (!(inner instanceof Object && 'value' in inner && typeof inner.value === 'string')) return undefined;
  return { type: type.valueBlock.toString(), value: inner.value };
}

/** A name for people, most general part first, as `CN=…` pairs. Nothing is compared by it. */
export function formatName(name: DistinguishedName): string {
  return name
    .map((relative) => relative.map(({ type, value }) => `${NAME_OIDS.get(type) ?? type}=${value}`).join('+'))
    .join(', ');
}
