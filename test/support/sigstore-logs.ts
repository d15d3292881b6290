import { type KeyObject, createHash, sign } from 'node:crypto';
import { type Keys, NOW, makeKeys } from './certificates.js';

const sha256 = (...parts: readonly Uint8Array[]) => createHash('sha256').update(Buffer.concat(parts)).digest();
export const base64 = (bytes: Uint8Array | string) => Buffer.from(bytes).toString('base64');
export const seconds = (at: Date) => Math.floor(at.getTime() / 1000);

/** A log of the tests' own: of certificates, or of signatures. */
export interface TestLog {
  readonly keys: Keys;
  readonly id: Buffer;
  readonly host: string;
}

export function makeLog(host: string, keys: Keys = makeKeys()): TestLog {
  return { keys, id: sha256(keys.publicKey.export({ type: 'spki', format: 'der' })), host };
}

export const signWith = (key: KeyObject, bytes: Uint8Array) =>
  sign(key.asymmetricKeyType === 'ed25519' ? null : 'sha256', bytes, key);

/** How a log is named in a trusted root. */
export const inRoot = ({ keys, id, host }: TestLog, from: Date, until?: Date) => ({
  baseUrl: `https://${host}`,
  hashAlgorithm: 'SHA2_256',
  publicKey: {
    rawBytes: base64(keys.publicKey.export({ type: 'spki', format: 'der' })),
    keyDetails: keys.publicKey.asymmetricKeyType === 'ed25519' ? 'PKIX_ED25519' : 'PKIX_ECDSA_P256_SHA_256',
    validFor: { start: from.toISOString(), ...(until && { end: until.toISOString() }) },
  },
  logId: { keyId: base64(id) },
});

const node = (left: Uint8Array, right: Uint8Array) => sha256(Buffer.from([1]), left, right);
export const leafHash = (body: Uint8Array) => sha256(Buffer.from([0]), body);

/** The root of a tree, and the path from one of its leaves. RFC 6962 §2.1. */
function prove(leaves: readonly Buffer[], index: number): { readonly root: Buffer; readonly path: readonly Buffer[] } {
  const [only] = leaves;
  if (leaves.length === 1 && only !== undefined) return { root: only, path: [] };
  const split = 2 ** Math.floor(Math.log2(leaves.length - 1));
  const inLeft = index < split;
  const left = prove(leaves.slice(0, split), inLeft ? index : 0);
  const right = prove(leaves.slice(split), inLeft ? 0 : index - split);
  return {
    root: node(left.root, right.root),
    path: inLeft ? [...left.path, right.root] : [...right.path, left.root],
  };
}

/** What an entry holds, and what is wrong with it. */
export interface EntryOptions {
  readonly log: TestLog;
  readonly body: object;
  readonly at?: Date;
  readonly without?: 'promise' | 'proof' | 'checkpoint';
  /** Signs the promise, or the checkpoint, in place of the log. */
  readonly promisedBy?: Keys;
  readonly checkpointBy?: Keys;
  /** Rekor 2 tells no time and makes no promise. */
  readonly rekor2?: boolean;
  readonly others?: number;
  /** The bytes of the body, where they are not simply its JSON. */
  readonly raw?: Uint8Array;
}

/** One entry, as a bundle carries it. The tree has a few other leaves. */
export function logEntry(options: EntryOptions) {
  const { log, body, at = NOW, without, rekor2 = false, others = 4 } = options;
  const canonicalizedBody = Buffer.from(options.raw ?? JSON.stringify(body));
  const leaves = Array.from({ length: others }, (_, index) => leafHash(Buffer.from(`other ${index}`)));
  const index = Math.min(2, others);
  leaves.splice(index, 0, leafHash(canonicalizedBody));
  const { root, path } = prove(leaves, index);
  const integratedTime = seconds(at);
  const promised = { body: base64(canonicalizedBody), integratedTime, logID: log.id.toString('hex'), logIndex: 7 };
  const note = `${log.host}\n${leaves.length}\n${base64(root)}\n`;
  const signature = signWith((options.checkpointBy ?? log.keys).privateKey, Buffer.from(note));
  const hint = log.id.subarray(0, 4);
  const kind = body as { readonly kind: string; readonly apiVersion: string };
  return {
    logIndex: '7',
    logId: { keyId: base64(log.id) },
    kindVersion: { kind: kind.kind, version: kind.apiVersion },
    ...(!rekor2 && { integratedTime: String(integratedTime) }),
    ...(!rekor2 &&
      without !== 'promise' && {
        inclusionPromise: {
          signedEntryTimestamp: base64(
            signWith((options.promisedBy ?? log.keys).privateKey, Buffer.from(JSON.stringify(promised))),
          ),
        },
      }),
    ...(without !== 'proof' && {
      inclusionProof: {
        logIndex: String(index),
        rootHash: base64(root),
        treeSize: String(leaves.length),
        hashes: path.map(base64),
        ...(without !== 'checkpoint' && {
          checkpoint: { envelope: `${note}\n\u2014 ${log.host} ${base64(Buffer.concat([hint, signature]))}\n` },
        }),
      },
    }),
    canonicalizedBody: base64(canonicalizedBody),
  };
}

export type TestEntry = ReturnType<typeof logEntry>;

/** What an entry is about. */
export interface Logged {
  readonly signed: Uint8Array;
  readonly payload: Uint8Array;
  readonly signature: Uint8Array;
  /** PEM of the certificate or key, and its DER. */
  readonly pem: string;
  readonly der: Uint8Array;
}

const hex = (bytes: Uint8Array) => ({ algorithm: 'sha256', value: sha256(bytes).toString('hex') });
const raw = (bytes: Uint8Array) => ({ algorithm: 'SHA2_256', digest: base64(sha256(bytes)) });
const verifier = ({ pem, der }: Logged) => ({
  [pem.includes('CERTIFICATE') ? 'x509Certificate' : 'publicKey']: { rawBytes: base64(der) },
  keyDetails: 'PKIX_ECDSA_P256_SHA_256',
});

/** The bodies of Rekor 1 and 2. */
export const BODIES = {
  'dsse 0.0.1': (of: Logged) => ({
    apiVersion: '0.0.1',
    kind: 'dsse',
    spec: {
      envelopeHash: hex(of.signed),
      payloadHash: hex(of.payload),
      signatures: [{ signature: base64(of.signature), verifier: base64(of.pem) }],
    },
  }),
  'hashedrekord 0.0.1': (of: Logged) => ({
    apiVersion: '0.0.1',
    kind: 'hashedrekord',
    spec: {
      data: { hash: hex(of.signed) },
      signature: { content: base64(of.signature), publicKey: { content: base64(of.pem) } },
    },
  }),
  'intoto 0.0.2': (of: Logged) => ({
    apiVersion: '0.0.2',
    kind: 'intoto',
    spec: {
      content: {
        envelope: {
          payloadType: 'application/vnd.in-toto+json',
          signatures: [{ publicKey: base64(of.pem), sig: base64(base64(of.signature)) }],
        },
        hash: hex(of.signed),
        payloadHash: hex(of.payload),
      },
    },
  }),
  'dsse 0.0.2': (of: Logged) => ({
    apiVersion: '0.0.2',
    kind: 'dsse',
    spec: {
      dsseV002: {
        payloadHash: raw(of.payload),
        signatures: [{ content: base64(of.signature), verifier: verifier(of) }],
      },
    },
  }),
  'hashedrekord 0.0.2': (of: Logged) => ({
    apiVersion: '0.0.2',
    kind: 'hashedrekord',
    spec: {
      hashedRekordV002: { data: raw(of.signed), signature: { content: base64(of.signature), verifier: verifier(of) } },
    },
  }),
} as const;
export type BodyKind = keyof typeof BODIES;

/** A list of signed certificate timestamps over a precertificate. RFC 6962 §3.2, §3.3. */
export function timestampList(
  logs: readonly TestLog[],
  { tbs, issuerSpki, at }: { readonly tbs: Uint8Array; readonly issuerSpki: Uint8Array; readonly at: Date },
): Buffer {
  const number = (value: number, size: number) => {
    const buffer = Buffer.alloc(size);
    buffer.writeUIntBE(value, 0, size);
    return buffer;
  };
  const time = Buffer.alloc(8);
  time.writeBigUInt64BE(BigInt(at.getTime()));
  const all = logs.map(({ keys, id }) => {
    const head = [Buffer.from([0, 0]), time, number(1, 2), sha256(issuerSpki)];
    const signature = signWith(keys.privateKey, Buffer.concat([...head, number(tbs.byteLength, 3), tbs, number(0, 2)]));
    const end = [number(0, 2), Buffer.from([4, 3]), number(signature.byteLength, 2), signature];
    const sct = Buffer.concat([Buffer.from([0]), id, time, ...end]);
    return Buffer.concat([number(sct.byteLength, 2), sct]);
  });
  const list = Buffer.concat(all);
  return Buffer.concat([number(list.byteLength, 2), list]);
}
