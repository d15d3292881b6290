import { randomBytes } from 'node:crypto';
import { MAX_ENVELOPE_BYTES } from '../../../shared/signature/candidate.js';
import { cborHead } from '../document/cbor.js';
import { writeDer } from '../document/der.js';
import { placesOf } from '../document/place.js';
import { buildEvidence } from '../evidence.js';
import type { Seed } from '../seed.js';
import { type Attack, seedNamed } from './attack.js';
import { AUTHORITY, commonName, extension, makeCertificate, makeKeys } from './certificate.js';
import { repeated, verifyAll, withLayers } from './verify-with.js';

const keys = makeKeys();

/** The envelope with another chain. */
function withChain(seed: Seed, chain: readonly Buffer[]): Seed {
  const json = JSON.parse((seed.parts.layers[0] ?? Buffer.alloc(0)).toString('utf8')) as { header: { x5c: string[] } };
  json.header.x5c = chain.map((each) => each.toString('base64'));
  return withLayers(seed, [Buffer.from(JSON.stringify(json))]);
}

/** Certificates in envelopes, `times` of them in each of `envelopes`. */
function certificates(name: string, make: () => Buffer, [envelopes, times]: readonly [number, number]): Attack {
  return {
    name: `${envelopes} envelopes of ${times} certificates ${name}`,
    prepare: (seeds) => {
      const seed = withChain(seedNamed(seeds, 'notation-jws-p-256'), Array.from({ length: times }, make));
      const evidence = repeated(seed, envelopes);
      return () => verifyAll(seed, evidence);
    },
  };
}

/** A key of RSA that is no key at all, and very long. */
function hugeKey(bits: number): Buffer {
  const modulus = randomBytes(bits / 8);
  modulus[0] = 0xff;
  modulus[modulus.length - 1] = 0xff;
  const key = writeDer(
    0x30,
    writeDer(0x02, Buffer.alloc(1), modulus),
    writeDer(0x02, Buffer.alloc(1), modulus.subarray(0, Math.min(bits / 8, 1024))),
  );
  const algorithm = Buffer.from('300d06092a864886f70d0101010500', 'hex');
  return makeCertificate({ keys, spki: writeDer(0x30, algorithm, writeDer(0x03, Buffer.alloc(1), key)) });
}

/** 30 KiB of the smallest elements that there are. */
const tiny = () => writeDer(0x30, Buffer.alloc(30_000, Buffer.from('0500', 'hex')));
const nested = (levels: number) => {
  let inner: Uint8Array = new Uint8Array();
  for (let level = 0; level < levels; level += 1) inner = writeDer(0x30, inner);
  return inner;
};
const names = (count: number) =>
  writeDer(0x30, ...Array.from({ length: count }, () => writeDer(0x82, Buffer.from('a.test'))));
const manyRelative = () => writeDer(0x30, ...Array.from({ length: 1500 }, () => commonName('x').subarray(2)));

/** An envelope of something that goes deep. */
function deep(name: string, prefix: string, bytes: Buffer): Attack {
  return {
    name,
    prepare: (seeds) => {
      const seed = withLayers(seedNamed(seeds, prefix), [bytes]);
      const evidence = repeated(seed, 31);
      return () => verifyAll(seed, evidence);
    },
  };
}

/** A token of timestamps in the place of the one in an envelope. */
function token(name: string, make: () => Buffer): Attack {
  return {
    name: `100 envelopes with a timestamp ${name}`,
    prepare: (seeds) => {
      const seed = seedNamed(seeds, 'notation-jws-timestamp');
      const layer = seed.parts.layers[0] ?? Buffer.alloc(0);
      const place = placesOf(layer, 'layer').find(({ path }) => path.endsWith('timestampSignature|'));
      if (place === undefined) throw new Error('no timestamp');
      const evidence = repeated(withLayers(seed, [place.put(make())]), 100);
      return () => verifyAll(seed, evidence);
    },
  };
}

const indefinite = () => Buffer.concat([Buffer.alloc(32_000, Buffer.from('3080', 'hex')), Buffer.alloc(32_000)]);
const crowded = () => {
  const certificate = makeCertificate({
    keys,
    extensions: [extension('2a03', writeDer(0x30, Buffer.alloc(5400, Buffer.from('0500', 'hex'))))],
  });
  const set = writeDer(0xa0, ...Array.from({ length: 10 }, () => certificate));
  const content = Buffer.from('300b06092a864886f70d010701', 'hex');
  const inner = writeDer(
    0x30,
    writeDer(0x02, Buffer.from([3])),
    Buffer.from('3100', 'hex'),
    content,
    set,
    Buffer.from('3100', 'hex'),
  );
  return writeDer(0x30, Buffer.from('06092a864886f70d010702', 'hex'), writeDer(0xa0, inner));
};

/** What costs the verifier of Notation's signatures most. */
export const NOTATION_ATTACKS: readonly Attack[] = [
  ...[8192, 16_384, 131_072].map((bits) => certificates(`with a key of ${bits} bits`, () => hugeKey(bits), [10, 10])),
  certificates(
    'full of tiny elements',
    () => makeCertificate({ keys, extensions: [...AUTHORITY, extension('2a03', tiny())] }),
    [1, 10],
  ),
  certificates(
    'full of tiny elements',
    () => makeCertificate({ keys, extensions: [...AUTHORITY, extension('2a03', tiny())] }),
    [60, 10],
  ),
  certificates(
    'full of nested elements',
    () => makeCertificate({ keys, extensions: [extension('2a03', nested(7000))] }),
    [10, 10],
  ),
  certificates(
    'with 3700 names',
    () => makeCertificate({ keys, extensions: [extension('551d11', names(3700))] }),
    [10, 10],
  ),
  certificates('with 1500 parts of a subject', () => makeCertificate({ keys, name: manyRelative() }), [10, 10]),
  certificates(
    'with 1000 extensions',
    () =>
      makeCertificate({
        keys,
        extensions: Array.from({ length: 1000 }, (_, at) =>
          extension(`2a${(at % 100).toString(16).padStart(2, '0')}`, Buffer.from('0500', 'hex')),
        ),
      }),
    [10, 10],
  ),
  deep('31 envelopes of a mebibyte of brackets', 'notation-jws-p-256', Buffer.alloc(MAX_ENVELOPE_BYTES, '[')),
  deep(
    '31 envelopes of a mebibyte of members',
    'notation-jws-p-256',
    Buffer.from(`{${Array.from({ length: 80_000 }, (_, at) => `"${at.toString(36)}":0`).join(',')}}`),
  ),
  deep(
    '31 envelopes of a mebibyte of lists in lists',
    'notation-cose-p-256',
    Buffer.alloc(MAX_ENVELOPE_BYTES, cborHead(4, 1)),
  ),
  deep(
    '31 envelopes of a mebibyte of numbers',
    'notation-cose-p-256',
    Buffer.concat([cborHead(6, 18), cborHead(4, MAX_ENVELOPE_BYTES - 8), Buffer.alloc(MAX_ENVELOPE_BYTES - 8)]),
  ),
  token('of lengths that are not definite', indefinite),
  token('full of certificates', crowded),
  {
    name: 'an envelope that is good, 100 times',
    prepare: (seeds) => {
      const seed = seedNamed(seeds, 'notation-jws-rsa-4096');
      const evidence = repeated(seed, 100);
      return () => verifyAll(seed, evidence);
    },
  },
  {
    name: 'the seed as it is',
    prepare: (seeds) => {
      const seed = seedNamed(seeds, 'notation-jws-rsa-4096');
      return () => verifyAll(seed, buildEvidence(seed));
    },
  },
];
