import { createHash, sign } from 'node:crypto';
import * as x509 from '@peculiar/x509';
import { type Keys, generateKeys } from './authority.js';

const SCT_LIST = '1.3.6.1.4.1.11129.2.4.2';
const V1 = 0;
const PRECERTIFICATE = 1;
/** RFC 5246 §7.4.1.4.1: SHA-256 with ECDSA. */
const SHA256_ECDSA = [4, 3] as const;

/** A log that signs with one key and is known by its hash. */
export interface LogKey {
  readonly keys: Keys;
  /** DER. */
  readonly spki: Buffer;
  /** SHA-256 of the key. */
  readonly id: Buffer;
  /** ECDSA with SHA-256, in DER. */
  readonly sign: (bytes: Uint8Array) => Buffer;
}

/** A fresh key of a log. */
export async function createLogKey(): Promise<LogKey> {
  const keys = await generateKeys();
  const spki = keys.publicKey.export({ type: 'spki', format: 'der' });
  return {
    keys,
    spki,
    id: createHash('sha256').update(spki).digest(),
    sign: (bytes) => sign('sha256', bytes, keys.privateKey),
  };
}

/** The extension with one timestamp of a log for a certificate that does not have it yet (RFC 6962 §3.2, §3.3). */
export function timestampExtension(
  log: Pick<LogKey, 'id' | 'sign'>,
  precertificate: x509.X509Certificate,
  { issuerKeyHash, at }: { readonly issuerKeyHash: Buffer; readonly at: Date },
): x509.Extension {
  const tbs = signedPart(Buffer.from(precertificate.rawData));
  const time = Buffer.alloc(8);
  time.writeBigUInt64BE(BigInt(at.getTime()));
  const entry = [uint(PRECERTIFICATE, 2), issuerKeyHash, uint(tbs.byteLength, 3), tbs, uint(0, 2)];
  const signature = log.sign(Buffer.concat([uint(V1, 1), uint(0, 1), time, ...entry]));
  const head = [uint(V1, 1), log.id, time, uint(0, 2), Buffer.from(SHA256_ECDSA)];
  const sct = Buffer.concat([...head, uint(signature.byteLength, 2), signature]);
  const list = Buffer.concat([uint(sct.byteLength + 2, 2), uint(sct.byteLength, 2), sct]);
  return new x509.Extension(SCT_LIST, false, Buffer.concat([Buffer.from([0x04, list.byteLength]), list]));
}

function uint(value: number, bytes: number): Buffer {
  const buffer = Buffer.alloc(bytes);
  buffer.writeUIntBE(value, 0, bytes);
  return buffer;
}

/** The first member of the outer sequence, header and all. */
function signedPart(certificate: Buffer): Buffer {
  const header = (at: number) => {
    const first = certificate[at + 1] ?? 0;
    if (first < 0x80) return { length: first, size: 2 };
    const bytes = first & 0x7f;
    return { length: certificate.readUIntBE(at + 2, bytes), size: 2 + bytes };
  };
  const start = header(0).size;
  const inner = header(start);
  return certificate.subarray(start, start + inner.size + inner.length);
}
