import type { KeyObject } from 'node:crypto';
import type { SignatureCandidate } from './candidate.js';
import type { CosignTrust } from './cosign/trust.js';

/**
 * The most work that the signatures of one artifact may cost, in signatures of P-256 that are verified: some 50 microseconds each,
 * so about a second. Whoever pushes signatures chooses their number and their size, and by which keys they might be.
 */
export const MAX_WORK = 20_000;

/** Reading a chain and checking each of its signatures; and what every KiB of an envelope may hold of certificates. */
const NOTATION = { each: 40, perKib: 10 } as const;
/** A certificate, its authorities, the logs, the timestamps. */
const BY_IDENTITY = 100;
/** What it costs to read a bundle, or a layer of the old form. */
const READ = { each: 2, perKib: 0.3 } as const;

/** By its kind: what a key costs, and what hashing costs it for each KiB. The larger curves are tried with two hashes, Ed25519 in two ways. */
function workOfKey({ asymmetricKeyType: type, asymmetricKeyDetails: details }: KeyObject) {
  if (type === 'ed25519') return { each: 25, perKib: 0.35 };
  if (type === 'rsa') return { each: (details?.modulusLength ?? 0) > 4096 ? 8 : 2, perKib: 0.02 };
  const each = { prime256v1: 1, secp384r1: 16 }[details?.namedCurve ?? ''] ?? 40;
  return { each, perKib: 0.06 };
}

/** How much work a Notation signature may be. */
export function workOfNotation({ kind, payloads }: SignatureCandidate): number {
  if (kind !== 'notation') return 0;
  return sumOf(payloads.map((payload) => NOTATION.each + kibOf(payload) * NOTATION.perKib));
}

/** How much work it may be to find out whether somebody who is trusted has made the signatures in a Cosign manifest. */
export function workOfCosign({ kind, payloads }: SignatureCandidate, { keys, identities }: CosignTrust): number {
  if (kind === 'notation') return 0;
  const keyWork = keys.map(({ key }) => workOfKey(key));
  const each = READ.each + (identities.length === 0 ? 0 : BY_IDENTITY) + sumOf(keyWork.map((work) => work.each));
  const perKib = READ.perKib + sumOf(keyWork.map((work) => work.perKib));
  return sumOf(payloads.map((payload) => each + kibOf(payload) * perKib));
}

/** Of a layer, with the annotations that vouch for it in the old form. */
function kibOf({ descriptor, bytes }: SignatureCandidate['payloads'][number]): number {
  const annotations = Object.values(descriptor.annotations ?? {}).map(({ length }) => length);
  return (bytes.byteLength + sumOf(annotations)) / 1024;
}

const sumOf = (numbers: readonly number[]) => numbers.reduce((sum, number) => sum + number, 0);
