import type { Certificate } from '../../shared/signature/x509/certificate.js';
import { readTrustStore } from '../../shared/signature/notation/trust-store.js';
import type { Random } from '../simulation/random.js';
import { crashOf } from './crash.js';
import { type Place, placesOf as placesIn } from './document/place.js';
import { pick } from './mutate/change.js';
import { mutate, mutateAt } from './mutate/mutate.js';
import { PARSERS } from './parsers.js';
import type { Seed, createPlaceBook } from './seed.js';
import { TEXTS } from './texts.js';
import type { Trial } from './try-mutant.js';

/** What an iteration starts from. */
export interface Given {
  readonly random: Random;
  readonly seed: Seed;
  readonly placesOf: ReturnType<typeof createPlaceBook>;
}

/** An iteration that is made up and not yet run. Each run of it comes to the same. */
export interface Work {
  readonly told: string;
  readonly work: () => Omit<Trial, 'outcome'> & { readonly outcome: Trial['outcome'] | 'parsed' };
}

/** The certificate of some authority that the seeds trust. Throws where they trust none. */
export function anAuthority(seeds: readonly Seed[]): Certificate {
  for (const { parts } of seeds) {
    for (const [name, bytes] of parts.trust) {
      const isStore = name.endsWith('.crt') && name.includes('/ca/');
      const [found] = isStore ? readTrustStore({ type: 'ca', name: 'any', files: [{ name: 'any.crt', bytes }] }) : [];
      if (found !== undefined) return found;
    }
  }
  throw new Error('no seed trusts an authority');
}

/** Feeds a piece of a signature, or a text, to one reader: mostly to one that is meant for it. */
export function parseSomething({ random, seed, placesOf, issuer }: Given & { readonly issuer: Certificate }): Work {
  const layer = seed.parts.layers[0] ?? Buffer.alloc(0);
  const [name, file] = pick(random, [...seed.parts.trust]) ?? ['', Buffer.alloc(0)];
  const answer = pick(random, [...seed.parts.answers.values()]);
  const places = [
    ...placesOf(seed, 'layer0', layer),
    ...placesOf(seed, name, file),
    ...(answer?.outcome === 'answered' ? placesIn(Buffer.from(answer.bytes), 'answer') : []),
  ];
  const parser = pick(random, PARSERS);
  if (parser === undefined) throw new Error('there are no parsers');
  const { takes } = parser;
  const fits = random.chance(0.8);
  const own = fits && takes !== 'text' ? places.filter(({ format }) => format === takes) : places;
  const isText = takes === 'text' && fits && random.chance(0.7);
  const place = (isText ? undefined : pick(random, own)) ?? textPlace(Buffer.from(pick(random, TEXTS) ?? ''));
  const source = { random, donors: places };
  const mutated = random.chance(0.5)
    ? mutateAt([{ ...place, put: (changed) => changed }], source)
    : mutate(place.bytes, place.path, source);
  const run: Work['work'] = () => {
    try {
      parser.run(mutated.bytes, { issuer, now: seed.parts.now });
      return { outcome: 'parsed', cause: '', detail: '', free: [] };
    } catch (error) {
      const cause = crashOf(error);
      if (cause === undefined) return { outcome: 'parsed', cause: '', detail: '', free: [] };
      const stack = error instanceof Error ? (error.stack ?? '').split('\n').slice(0, 6).join('\n  ') : '';
      const input = mutated.bytes.toString('base64').slice(0, 400);
      return { outcome: 'crash', cause: `${parser.name}: ${cause}`, detail: `${stack}\n  of ${input}`, free: [] };
    }
  };
  return { told: `${parser.name} of ${place.path}: ${mutated.told}`, work: run };
}

function textPlace(bytes: Buffer): Place {
  return { path: 'text', format: 'bytes', bytes, parts: undefined, join: () => bytes, put: (changed) => changed };
}
