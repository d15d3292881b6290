import type { RevocationAnswer } from '../../shared/signature/revocation.js';
import type { Random } from '../simulation/random.js';
import type { Place } from './document/place.js';
import { fitManifest } from './evidence.js';
import { type Source, pick, pickFrom } from './mutate/change.js';
import { mutate, mutateAt } from './mutate/mutate.js';
import type { Parts, Seed } from './seed.js';

/** What a mutation does to a seed, and what it takes pieces from. */
export interface MutantSource {
  readonly random: Random;
  readonly seed: Seed;
  /** Another one. */
  readonly other: Seed;
  readonly placesOf: (seed: Seed, name: string, bytes: Buffer) => readonly Place[];
}

/** A seed after one or more mutations. */
export interface Mutant {
  readonly parts: Parts;
  readonly told: readonly string[];
  /** Whether something was changed that is trusted, rather than something that wants to be. */
  readonly trust: boolean;
}

type Mutation = (parts: Parts, source: MutantSource, tell: (told: string) => void) => Parts;

const DAY = 86_400_000;

function donors({ random, seed, other, placesOf }: MutantSource): Source {
  const from = random.chance(0.5) ? seed : other;
  const at = random.below(from.parts.layers.length);
  const places = placesOf(from, `layer${at}`, from.parts.layers[at] ?? Buffer.alloc(0));
  return { random, donors: [...places, ...placesOf(from, 'manifest', from.parts.manifest)] };
}

/** The places of a document: known ones, where nothing has changed it yet. */
function placed(
  { seed, placesOf }: MutantSource,
  name: string,
  { bytes, first }: { bytes: Buffer; first: Buffer | undefined },
) {
  return bytes === first ? placesOf(seed, name, bytes) : undefined;
}

const ofLayer: Mutation = (parts, source, tell) => {
  const at = source.random.below(parts.layers.length);
  const bytes = parts.layers[at] ?? Buffer.alloc(0);
  const name = `layer${at}`;
  const places = placed(source, name, { bytes, first: source.seed.parts.layers[at] });
  const mutated = places === undefined ? mutate(bytes, name, donors(source)) : mutateAt(places, donors(source));
  tell(mutated.told);
  const layers = parts.layers.with(at, mutated.bytes);
  if (source.random.chance(0.03)) {
    tell('digest left as it was');
    return { ...parts, layers };
  }
  return { ...parts, layers, manifest: fitManifest(parts.manifest, layers) };
};

const ofManifest: Mutation = (parts, source, tell) => {
  const places = placed(source, 'manifest', { bytes: parts.manifest, first: source.seed.parts.manifest });
  const mutated =
    places === undefined ? mutate(parts.manifest, 'manifest', donors(source)) : mutateAt(places, donors(source));
  tell(mutated.told);
  return { ...parts, manifest: mutated.bytes };
};

/** Pieces of another signature, whole: its envelope, its manifest, both, or its answers. */
const splice: Mutation = (parts, { random, other }, tell) => {
  switch (random.below(4)) {
    case 0:
      tell(`layers of ${other.name}`);
      return { ...parts, layers: other.parts.layers, manifest: fitManifest(parts.manifest, other.parts.layers) };
    case 1:
      tell(`manifest of ${other.name}`);
      return { ...parts, manifest: fitManifest(other.parts.manifest, parts.layers) };
    case 2:
      tell(`layers and manifest of ${other.name}`);
      return { ...parts, layers: other.parts.layers, manifest: other.parts.manifest };
    default:
      tell(`layers of ${other.name} besides`);
      return { ...parts, layers: [...parts.layers, ...other.parts.layers] };
  }
};

/** The same member, taken from another signature: a payload under a foreign signature, a timestamp, a certificate, an entry of a log. */
const exchange: Mutation = (parts, source, tell) => {
  const { random, seed, other, placesOf } = source;
  const at = random.below(parts.layers.length);
  const inManifest = random.chance(0.3);
  const name = inManifest ? 'manifest' : `layer${at}`;
  const of = ({ manifest, layers }: Parts) => (inManifest ? manifest : (layers[at] ?? Buffer.alloc(0)));
  const theirs = new Map(placesOf(other, name, of(other.parts)).map((place) => [place.path, place]));
  const shared = placesOf(seed, name, of(seed.parts)).filter(
    ({ path, bytes }) => theirs.get(path)?.bytes.equals(bytes) === false,
  );
  const place = pick(random, shared);
  if (place === undefined) return parts;
  tell(`${place.path}: as in ${other.name}`);
  const bytes = place.put(theirs.get(place.path)?.bytes ?? Buffer.alloc(0));
  if (inManifest) return { ...parts, manifest: bytes };
  const layers = parts.layers.with(at, bytes);
  return { ...parts, layers, manifest: fitManifest(parts.manifest, layers) };
};

const ofTrust: Mutation = (parts, source, tell) => {
  const { random } = source;
  const name = pick(random, [...parts.trust.keys()]) ?? '';
  const bytes = parts.trust.get(name) ?? Buffer.alloc(0);
  const places = placed(source, name, { bytes, first: source.seed.parts.trust.get(name) });
  const given = { random, donors: places ?? [] };
  const mutated = places === undefined ? mutate(bytes, name, given) : mutateAt(places, given);
  tell(mutated.told);
  return { ...parts, trust: new Map(parts.trust).set(name, mutated.bytes) };
};

const ofAnswers: Mutation = (parts, source, tell) => {
  const { random } = source;
  const answer = pick(random, [...parts.answers.values()]);
  if (answer?.outcome !== 'answered') return ofLayer(parts, source, tell);
  const change = (changed: RevocationAnswer) => ({ ...parts, answers: new Map(parts.answers).set(answer.id, changed) });
  if (random.chance(0.1)) {
    const days = pickFrom(random, [-20_000, -400, -1, 1, 400, 20_000]);
    tell(`answer: came ${days} days later`);
    return change({ ...answer, at: new Date(Date.parse(answer.at) + days * DAY).toISOString() });
  }
  const mutated = mutate(Buffer.from(answer.bytes), 'answer', donors(source));
  tell(mutated.told);
  return change({ ...answer, bytes: mutated.bytes });
};

const ofClock: Mutation = (parts, { random }, tell) => {
  const days = pickFrom(random, [-36_500, -3650, -365, -30, -1, 1, 30, 365, 3650, 36_500]);
  tell(`clock: ${days} days later`);
  return { ...parts, now: new Date(parts.now.getTime() + days * DAY) };
};

/** How often each is taken, of a hundred. */
const WEIGHTS: readonly (readonly [weight: number, mutation: Mutation])[] = [
  [50, ofLayer],
  [18, ofManifest],
  [6, splice],
  [10, exchange],
  [8, ofTrust],
  [5, ofAnswers],
  [3, ofClock],
];

/** Mutates a seed: mostly once, sometimes more often. */
export function makeMutant(source: MutantSource): Mutant {
  const { random, seed } = source;
  const times = random.chance(0.7) ? 1 : 2 + random.below(3);
  const told: string[] = [];
  let parts = seed.parts;
  let trust = false;
  for (let time = 0; time < times; time += 1) {
    let rest = random.below(100);
    const [, mutation] = WEIGHTS.find(([weight]) => (rest -= weight) < 0) ?? [0, ofLayer];
    parts = mutation(parts, source, (text) => told.push(text));
    trust ||= mutation === ofTrust;
  }
  return { parts, told, trust };
}
