import { type KeyObject, generateKeyPairSync, sign } from 'node:crypto';
import { writeDer } from '../document/der.js';

/** A key pair of the curve P-256. */
export interface Keys {
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
}

/** A fresh key pair. */
export function makeKeys(): Keys {
  return generateKeyPairSync('ec', { namedCurve: 'P-256' });
}

/** What a certificate is made of besides what every one has. DER throughout. */
export interface CertificateOptions {
  readonly keys: Keys;
  /** Of the public key; default: that of the keys. */
  readonly spki?: Uint8Array;
  readonly extensions?: readonly Uint8Array[];
  /** A `Name`; default: one with a common name. */
  readonly name?: Uint8Array;
}

const ECDSA_SHA256 = Buffer.from('300a06082a8648ce3d040302', 'hex');
const integer = (value: number) => writeDer(0x02, Buffer.from([value]));

/** An extension, its value being DER. */
export function extension(oid: string, value: Uint8Array, critical = false): Buffer {
  const id = writeDer(0x06, Buffer.from(oid, 'hex'));
  return writeDer(0x30, id, ...(critical ? [Buffer.from('0101ff', 'hex')] : []), writeDer(0x04, value));
}

/** A name with one attribute, the common name. */
export function commonName(name: string): Buffer {
  const type = writeDer(0x06, Buffer.from('550403', 'hex'));
  return writeDer(0x30, writeDer(0x31, writeDer(0x30, type, writeDer(0x0c, Buffer.from(name)))));
}

/** The extensions of an authority. */
export const AUTHORITY: readonly Uint8Array[] = [
  extension('551d13', Buffer.from('30030101ff', 'hex'), true),
  extension('551d0f', Buffer.from('03020106', 'hex'), true),
];

/** A certificate that signs itself. */
export function makeCertificate({
  keys,
  spki,
  extensions = AUTHORITY,
  name = commonName('attacker'),
}: CertificateOptions): Buffer {
  const key = spki ?? keys.publicKey.export({ type: 'spki', format: 'der' });
  const time = (text: string) => writeDer(0x18, Buffer.from(text));
  const validity = writeDer(0x30, time('20260101000000Z'), time('20491231000000Z'));
  const more = extensions.length === 0 ? [] : [writeDer(0xa3, writeDer(0x30, ...extensions))];
  const signed = writeDer(
    0x30,
    ...[writeDer(0xa0, integer(2)), integer(1), ECDSA_SHA256, name, validity, name, key, ...more],
  );
  return signDer(signed, keys);
}

/** What is signed, with algorithm and signature behind it. */
export function signDer(signed: Uint8Array, { privateKey }: Keys): Buffer {
  const signature = sign('sha256', signed, privateKey);
  return writeDer(0x30, signed, ECDSA_SHA256, writeDer(0x03, Buffer.alloc(1), signature));
}
