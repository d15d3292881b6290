import { createHash } from 'node:crypto';
import type { LogKey } from './certificate-log.js';

/** A transparency log: what it answers when an entry is proposed. */
export interface Rekor {
  /** The entry's name and what is logged of it, in the form of `POST /api/v1/log/entries`. */
  readonly add: (proposed: unknown) => { readonly uuid: string; readonly entry: Readonly<Record<string, unknown>> };
}

interface Proposed {
  readonly kind: string;
  readonly spec: {
    readonly data?: { readonly hash: { readonly value: string } };
    readonly signature?: { readonly content: string; readonly publicKey: { readonly content: string } };
    readonly proposedContent?: { readonly envelope: string; readonly verifiers: readonly string[] };
  };
}
interface Envelope {
  readonly payload: string;
  readonly signatures: readonly { readonly sig: string }[];
}

const ORIGIN = 'rekor.example - 1';
/** Entries that are there already. */
const OTHERS = 5;

/** A fresh log that signs with this key. Others have used it before, so that its proofs are not empty. */
export function createRekor(log: LogKey, clock: () => Date): Rekor {
  const leaves: Buffer[] = Array.from({ length: OTHERS }, (_, at) => leafHash(Buffer.from(`entry ${at}`)));
  return {
    add: (proposed) => {
      const body = Buffer.from(canonicalBody(proposed as Proposed));
      const index = leaves.length;
      leaves.push(leafHash(body));
      const integratedTime = Math.floor(clock().getTime() / 1000);
      const logID = log.id.toString('hex');
      // RFC 8785: members in the order of their names.
      const promise = { body: body.toString('base64'), integratedTime, logID, logIndex: index };
      const root = treeHash(leaves);
      const uuid = leafHash(body).toString('hex');
      return {
        uuid,
        entry: {
          ...promise,
          verification: {
            signedEntryTimestamp: log.sign(Buffer.from(JSON.stringify(promise))).toString('base64'),
            inclusionProof: {
              checkpoint: checkpoint(log, { size: leaves.length, root }),
              hashes: inclusionPath(leaves, index).map((hash) => hash.toString('hex')),
              logIndex: index,
              rootHash: root.toString('hex'),
              treeSize: leaves.length,
            },
          },
        },
      };
    },
  };
}

/** What is logged of an entry: hashes instead of what they are of, in the canonical form of RFC 8785. */
function canonicalBody({ kind, spec }: Proposed): string {
  const sha256 = (bytes: Uint8Array | string) => ({
    algorithm: 'sha256',
    value: createHash('sha256').update(bytes).digest('hex'),
  });
  const head = { apiVersion: '0.0.1', kind };
  if (kind === 'hashedrekord' && spec.data !== undefined && spec.signature !== undefined) {
    const { content, publicKey } = spec.signature;
    const data = { hash: { algorithm: 'sha256', value: spec.data.hash.value } };
    return JSON.stringify({
      ...head,
      spec: { data, signature: { content, publicKey: { content: publicKey.content } } },
    });
  }
  if (kind === 'dsse' && spec.proposedContent !== undefined) {
    const { envelope, verifiers } = spec.proposedContent;
    const { payload, signatures } = JSON.parse(envelope) as Envelope;
    return JSON.stringify({
      ...head,
      spec: {
        envelopeHash: sha256(envelope),
        payloadHash: sha256(Buffer.from(payload, 'base64')),
        signatures: signatures.map(({ sig }, at) => ({ signature: sig, verifier: verifiers[at] ?? '' })),
      },
    });
  }
  throw new Error(`this log does not know entries of kind ${kind}`);
}

/** https://github.com/transparency-dev/formats/blob/main/log/README.md, signed as Rekor's first version does. */
function checkpoint(log: LogKey, { size, root }: { readonly size: number; readonly root: Buffer }): string {
  const text = `${ORIGIN}\n${size}\n${root.toString('base64')}\n`;
  const signature = Buffer.concat([log.id.subarray(0, 4), log.sign(Buffer.from(text))]);
  return `${text}\n\u2014 ${ORIGIN.split(' ')[0] ?? ''} ${signature.toString('base64')}\n`;
}

// RFC 6962 §2.1: the hash of a tree, and the path from a leaf to it.

function leafHash(bytes: Uint8Array): Buffer {
  return createHash('sha256')
    .update(Buffer.from([0]))
    .update(bytes)
    .digest();
}

function nodeHash(left: Buffer, right: Buffer): Buffer {
  return createHash('sha256')
    .update(Buffer.from([1]))
    .update(left)
    .update(right)
    .digest();
}

function treeHash(leaves: readonly Buffer[]): Buffer {
  const [only] = leaves;
  if (only === undefined) return createHash('sha256').digest();
  if (leaves.length === 1) return only;
  const half = split(leaves.length);
  return nodeHash(treeHash(leaves.slice(0, half)), treeHash(leaves.slice(half)));
}

function inclusionPath(leaves: readonly Buffer[], index: number): readonly Buffer[] {
  if (leaves.length <= 1) return [];
  const half = split(leaves.length);
  return index < half
    ? [...inclusionPath(leaves.slice(0, half), index), treeHash(leaves.slice(half))]
    : [...inclusionPath(leaves.slice(half), index - half), treeHash(leaves.slice(0, half))];
}

/** The largest power of two below a number. */
function split(size: number): number {
  let half = 1;
  while (half * 2 < size) half *= 2;
  return half;
}
