import type { Extension } from './certificate.js';
import { type Der, TAG, booleanOf, fieldsOf, integerOf, listOf, malformedDer, oidOf, readDer } from './der.js';

/** The bits of the extension *key usage*, in their order. RFC 5280 §4.2.1.3. */
export const KEY_USAGES = [
  'digitalSignature',
  'nonRepudiation',
  'keyEncipherment',
  'dataEncipherment',
  'keyAgreement',
  'keyCertSign',
  'cRLSign',
  'encipherOnly',
  'decipherOnly',
] as const;
export type KeyUsage = (typeof KEY_USAGES)[number];

/** Purposes of keys, by their OIDs. RFC 5280 §4.2.1.12. */
export const PURPOSE = {
  any: '2.5.29.37.0',
  serverAuth: '1.3.6.1.5.5.7.3.1',
  clientAuth: '1.3.6.1.5.5.7.3.2',
  codeSigning: '1.3.6.1.5.5.7.3.3',
  emailProtection: '1.3.6.1.5.5.7.3.4',
  timeStamping: '1.3.6.1.5.5.7.3.8',
  ocspSigning: '1.3.6.1.5.5.7.3.9',
} as const;

/** RFC 5280 §4.2.1.9. */
export interface BasicConstraints {
  readonly critical: boolean;
  readonly ca: boolean;
  readonly pathLength: number | undefined;
}

/** RFC 5280 §4.2.1.3. */
export interface KeyUsages {
  readonly critical: boolean;
  readonly usages: ReadonlySet<KeyUsage>;
}

/** RFC 5280 §4.2.1.12. */
export interface ExtendedKeyUsage {
  readonly critical: boolean;
  /** OIDs; at least one. */
  readonly purposes: readonly string[];
}

/** What a certificate says that its key is for, as far as it says so. */
export interface KnownExtensions {
  readonly basicConstraints?: BasicConstraints;
  readonly keyUsage?: KeyUsages;
  readonly extendedKeyUsage?: ExtendedKeyUsage;
}

const OID = { keyUsage: '2.5.29.15', basicConstraints: '2.5.29.19', extendedKeyUsage: '2.5.29.37' } as const;
const MAX_PURPOSES = 64;
/** Longer than any chain that is looked at. */
const MAX_PATH = 255n;

/** Reads the three of them. Throws `DER_MALFORMED`. */
export function readKnownExtensions(extensions: ReadonlyMap<string, Extension>): KnownExtensions {
  const basic = extensions.get(OID.basicConstraints);
  const usage = extensions.get(OID.keyUsage);
  const extended = extensions.get(OID.extendedKeyUsage);
  return {
    ...(basic && { basicConstraints: { critical: basic.critical, ...constraintsOf(readDer(basic.value)) } }),
    ...(usage && { keyUsage: { critical: usage.critical, usages: usagesOf(readDer(usage.value)) } }),
    ...(extended && {
      extendedKeyUsage: { critical: extended.critical, purposes: purposesOf(readDer(extended.value)) },
    }),
  };
}

function constraintsOf(element: Der): Omit<BasicConstraints, 'critical'> {
  const fields = fieldsOf(element);
  const ca = fields.maybe(TAG.boolean);
  const length = fields.maybe(TAG.integer);
  fields.done();
  const pathLength = length === undefined ? undefined : integerOf(length);
  if (pathLength !== undefined && pathLength < 0n) throw malformedDer('a path shorter than nothing');
  return {
    ca: ca !== undefined && booleanOf(ca),
    pathLength: pathLength === undefined ? undefined : Number(pathLength > MAX_PATH ? MAX_PATH : pathLength),
  };
}

/** A BIT STRING whose unused bits are zero. ITU-T X.690 §11.2.1. */
function usagesOf({ tag, value }: Der): ReadonlySet<KeyUsage> {
  const [unused] = value;
  if (tag !== TAG.bits || unused === undefined || unused > 7) throw malformedDer('no bits');
  const bytes = value.subarray(1);
  const last = bytes.at(-1);
  if (last === undefined ? unused > 0 : (last & ((1 << unused) - 1)) !== 0)
    throw malformedDer('bits that are not there');
  return new Set(KEY_USAGES.filter((_, bit) => ((bytes[bit >> 3] ?? 0) & (0x80 >> (bit & 7))) !== 0));
}

function purposesOf(element: Der): readonly string[] {
  if (element.tag !== TAG.sequence) throw malformedDer('another type');
  const purposes = listOf(element, { most: MAX_PURPOSES }).map(oidOf);
  if (purposes.length === 0) throw malformedDer('a purpose of nothing');
  return purposes;
}
