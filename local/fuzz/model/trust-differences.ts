import { createPublicKey } from 'node:crypto';
import type { RevocationAnswers } from '../../../shared/signature/revocation.js';
import { buildEvidence } from '../evidence.js';
import { placesOf } from '../document/place.js';
import { readDer, writeDer } from '../document/der.js';
import { isOtherwiseSigned } from '../mutate/other-signature.js';
import type { Parts, Seed } from '../seed.js';
import type { Verifier } from '../verifier.js';
import type { Difference } from './difference.js';

/** What is signed of the answer of a responder, with the signature: everything but the certificates with it. RFC 6960 §4.2.1. */
function signedOf(bytes: Uint8Array): Buffer {
  const node = readDer(Buffer.from(bytes));
  const basic = node?.children[1]?.children[0]?.children[1];
  const signed = basic === undefined ? undefined : readDer(Buffer.from(basic.content));
  if (signed === undefined) return Buffer.from(bytes);
  return writeDer(0x30, ...signed.children.slice(0, 3).map(({ whole }) => whole));
}

/** Where answers that were believed are not those that the authorities have signed. */
export function explainAnswers(before: RevocationAnswers, after: RevocationAnswers): readonly Difference[] {
  const signed = [...before.values()].flatMap((answer) => ('bytes' in answer ? [signedOf(answer.bytes)] : []));
  return [...after.values()].flatMap((answer) => {
    const own = 'bytes' in answer ? signedOf(answer.bytes) : undefined;
    if (own === undefined || signed.some((each) => each.equals(own) || isOtherwiseSigned(each, own))) return [];
    return [{ path: 'answer', before: signed[0]?.toString('hex'), after: own.toString('hex') }];
  });
}

/** Keys and certificates in the files that are trusted, in base64: what each comes to, and how it is written. */
function anchorsOf(trust: Parts['trust']): ReadonlyMap<string, string> {
  const places = [...trust].flatMap(([name, bytes]) => placesOf(bytes, name));
  const anchors = places.filter(({ path, format }) => format === 'der' && /(^[^|/]*|rawBytes\||pem\d+)$/.test(path));
  return new Map(anchors.map(({ bytes }) => [essenceOf(bytes).toString('base64'), bytes.toString('base64')]));
}

/**
 * What an anchor comes to: a key may be written in several ways, of which OpenSSL reads more than one; of a certificate, what its
 * issuer has signed counts, for which there are two signatures.
 */
function essenceOf(bytes: Buffer): Buffer {
  try {
    const key = createPublicKey({ key: bytes, format: 'der', type: 'spki' });
    return key.export({ format: 'der', type: 'spki' });
  } catch {
    return readDer(bytes)?.children[0]?.whole ?? bytes;
  }
}

/**
 * Where a signature still verifies though something that is trusted was replaced: as long as nothing else is missing, it must
 * have been something that this signature does not need. Found out by leaving out every file or entry that is not whole.
 */
export function explainTrust(
  seed: Seed,
  { parts, verify }: { readonly parts: Parts; readonly verify: Verifier },
): readonly Difference[] {
  const [before, after] = [anchorsOf(seed.parts.trust), anchorsOf(parts.trust)];
  const fresh = [...after].flatMap(([essence, written]) => (before.has(essence) ? [] : [written]));
  if (fresh.length === 0) return [];
  try {
    const trust = new Map([...parts.trust].flatMap(([name, bytes]) => withoutAnchors(name, bytes, fresh)));
    const isLeft = [...anchorsOf(trust).values()].some((written) => fresh.includes(written));
    if (isLeft) throw new Error('not everything could be left out');
    const evidence = buildEvidence({ ...seed, parts });
    const judged = verify(evidence, seed.readTrust(trust), parts.now);
    if (judged.some(({ outcome }) => outcome === 'verified')) return [];
  } catch {
    // Without them nothing can be read: they are needed.
  }
  return fresh.map((after) => ({ path: 'trust', before: undefined, after }));
}

function withoutAnchors(name: string, bytes: Buffer, fresh: readonly string[]): readonly (readonly [string, Buffer])[] {
  const places = placesOf(bytes, name);
  const holds = (piece: Buffer) =>
    fresh.some((anchor) => piece.includes(anchor) || piece.toString('base64') === anchor);
  const list = places.find(
    ({ path, parts }) =>
      /\.(tlogs|ctlogs|certificateAuthorities|timestampAuthorities)$/.test(path) && parts?.some(holds),
  );
  if (list?.parts !== undefined) {
    return withoutAnchors(name, list.put(list.join(list.parts.filter((part) => !holds(part)))), fresh);
  }
  return places.some((place) => holds(place.bytes)) ? [] : [[name, bytes]];
}
