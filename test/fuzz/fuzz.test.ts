import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { runCommand } from '../../local/fuzz/command.js';
import { fuzz } from '../../local/fuzz/fuzz.js';
import { loadSeeds } from '../../local/fuzz/load-seeds.js';
import { placesOf } from '../../local/fuzz/document/place.js';
import { FREE_PLACES } from '../../local/fuzz/model/free.js';
import { BOUNDS, type Cost } from '../../local/fuzz/measure.js';
import { type Verifier, ourVerifier } from '../../local/fuzz/verifier.js';
import { PLANTED } from './planted.js';

const ROOT = join(import.meta.dirname, '..', '..');
const seeds = await loadSeeds(ROOT);
const run = (options: {
  verify?: Verifier;
  seed?: number;
  from?: number;
  iterations: number;
  bounds?: Cost;
  seeds?: typeof seeds;
}) =>
  fuzz({
    ...{ seeds, verify: ourVerifier, seed: 1, from: 0, ...options },
    goesOn: (done) => done < options.iterations,
  });

describe('the fuzzer', () => {
  it('finds nothing in the verifier', { timeout: 120_000 }, async () => {
    const { findings, outcomes, iterations } = await run({ iterations: 1500 });
    expect(findings).toEqual([]);
    expect(iterations).toBe(1500);
    expect(outcomes.refused).toBeGreaterThan(500);
    // Some mutations change nothing that counts; were there none, it would prove little that the others are refused.
    expect(outcomes.verified).toBeGreaterThan(20);
  });

  it('does the same for the same seed, and each iteration by itself', { timeout: 60_000 }, async () => {
    const all = await run({ seed: 7, iterations: 60 });
    const again = await run({ seed: 7, iterations: 60 });
    expect([again.outcomes, again.free]).toEqual([all.outcomes, all.free]);
    const parts = await Promise.all([0, 20, 40].map((from) => run({ seed: 7, from, iterations: 20 })));
    for (const key of Object.keys(all.outcomes) as (keyof typeof all.outcomes)[]) {
      expect(parts.reduce((sum, { outcomes }) => sum + outcomes[key], 0)).toBe(all.outcomes[key]);
    }
    expect((await run({ seed: 8, iterations: 60 })).slowest[0]?.told).not.toBe(all.slowest[0]?.told);
  });

  it('starts from every form of signature, and each verifies', () => {
    expect(seeds.length).toBeGreaterThan(80);
    const forms = new Set(seeds.map(({ name }) => name.split('-').slice(0, 2).join('-')));
    expect([...forms]).toEqual(
      expect.arrayContaining(['cosign-bundle', 'cosign-legacy', 'cosign-keyless', 'notation-cose', 'notation-jws']),
    );
    expect(seeds.some(({ parts }) => parts.answers.size > 0)).toBe(true);
  });

  it('reaches every encoding, and puts each piece back as it was', () => {
    const formats = new Set<string>();
    for (const { parts } of seeds) {
      for (const document of [parts.manifest, ...parts.layers]) {
        for (const { put, bytes, format, parts: inside, join } of placesOf(document, 'x')) {
          formats.add(format);
          expect(put(bytes).equals(document)).toBe(true);
          if (inside !== undefined && format !== 'json') expect(join(inside).equals(bytes)).toBe(true);
        }
      }
    }
    expect([...formats].sort()).toEqual(['bytes', 'cbor', 'der', 'json']);
  });

  it('says of every place that is free why it is', () => {
    expect(FREE_PLACES.length).toBeLessThan(25);
    for (const { name, reason } of FREE_PLACES) expect([name, reason.length > 25]).toEqual([name, true]);
  });
});

describe('a verifier that', () => {
  it.each(PLANTED)('$name is found out', { timeout: 180_000 }, async (planted) => {
    const { verify, kind, cause, milliseconds = 2000 } = planted;
    const own = seeds.filter(({ name }) => planted.seeds?.test(name) ?? true);
    const bounds = { ...BOUNDS, milliseconds };
    // Until it is found, and no longer.
    const found = async () => {
      for (let from = 0; from < 12_000; from += 300) {
        const { findings } = await run({ verify, from, bounds, seeds: own, iterations: 300 });
        const finding = findings.find((each) => each.kind === kind && cause.test(each.cause));
        if (finding !== undefined) return finding;
      }
      return undefined;
    };
    expect(await found()).toMatchObject({ kind });
  });
});

describe('npm run fuzz', () => {
  const call = async (...args: string[]) => {
    let [out, err] = ['', ''];
    const code = await runCommand(args, {
      root: ROOT,
      stdout: (text) => void (out += text),
      stderr: (text) => void (err += text),
    });
    return { code, out, err };
  };
  it('repeats one iteration, and reports in JSON', async () => {
    const { code, out } = await call('--seed', '3', '--from', '12', '--iterations', '1', '--json');
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({ seed: 3, from: 12, iterations: 1, findings: [] });
  });
  it('reports to people', async () => {
    const { code, out } = await call('--from', '1', '--iterations', '50', '--seconds', '60');
    expect([code, out.includes('0 findings')]).toEqual([0, true]);
  });
  it.each([['--seconds', '0'], ['--seconds', 'x'], ['--seed', '-1'], ['--seed', '4294967296'], ['--what'], ['word']])(
    'does not know %s %s',
    async (...args) => {
      const { code, err } = await call(...args);
      expect([code, err.startsWith('usage: ')]).toEqual([4, true]);
    },
  );
});
