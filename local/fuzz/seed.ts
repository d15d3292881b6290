import type { SignedSubject } from '../../shared/signature/candidate.js';
import type { SignatureRequirement } from '../../shared/signature/requirement.js';
import type { RevocationAnswers } from '../../shared/signature/revocation.js';
import { type Place, placesOf } from './document/place.js';

/** One signature with everything that is needed to verify it: what a mutation starts from. It verifies as it is. */
export interface Seed {
  readonly name: string;
  readonly subject: SignedSubject;
  /** Of the manifest. */
  readonly mediaType: string;
  readonly parts: Parts;
  /** Whom to trust, out of {@link Parts.trust}. Throws an `AppError` for what cannot be read. */
  readonly readTrust: (files: ReadonlyMap<string, Buffer>) => SignatureRequirement;
}

/** What of a seed is mutated. */
export interface Parts {
  readonly manifest: Buffer;
  /** In the order of the manifest. */
  readonly layers: readonly Buffer[];
  /** Files, as they lie beside a policy, and the names of identities. */
  readonly trust: ReadonlyMap<string, Buffer>;
  readonly answers: RevocationAnswers;
  readonly now: Date;
}

/** Keeps what {@link placesOf} found in the documents of a seed: they do not change, and are looked at again and again. */
export function createPlaceBook(): (seed: Seed, name: string, bytes: Buffer) => readonly Place[] {
  const known = new Map<string, readonly Place[]>();
  return ({ name: owner }, name, bytes) => {
    const key = `${owner} ${name}`;
    const places = known.get(key) ?? placesOf(bytes, name);
    known.set(key, places);
    return places;
  };
}

/**
 * For each seed those that share something that is trusted with it, a key or an authority: pieces of theirs come closest to
 * being taken for its own.
 */
export function relativesOf(seeds: readonly Seed[]): ReadonlyMap<Seed, readonly Seed[]> {
  const anchors = new Map(
    seeds.map((seed) => {
      const files = [...seed.parts.trust].filter(([name]) => !/(identity|trustpolicy)\.json$/.test(name));
      return [seed, files.map(([, bytes]) => bytes.toString('latin1'))] as const;
    }),
  );
  const share = (a: Seed, b: Seed) => anchors.get(a)?.some((each) => anchors.get(b)?.includes(each)) === true;
  return new Map(seeds.map((seed) => [seed, seeds.filter((other) => other !== seed && share(seed, other))]));
}
