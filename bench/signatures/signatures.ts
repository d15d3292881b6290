import { mkdtemp, rm } from 'node:fs/promises';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { getTools } from '../../local/oracle/tools.js';
import { round, say } from '../machine.js';
import { placeImage } from './image.js';
import { measureHostility } from './memory.js';
import { type Race, WANTED, asker, race } from './race.js';
import { startRegistry } from './registry.js';
import { type Split, split } from './split.js';

/** Chains of a root, an authority and a signer; and a fixed key. */
const SIGNED = ['notation-jws-p-256', 'notation-cose-p-256', 'cosign-bundle-p-256'] as const;
const BY_STRANGERS = ['notation-jws-stranger', 'notation-cose-stranger', 'cosign-bundle-stranger'] as const;

/** Verifications a second beside the official tools, what one of them costs, and what strangers can make it cost. */
export async function signatures(): Promise<object> {
  const work = await mkdtemp(join(tmpdir(), 'lazaret-bench-'));
  const registry = await startRegistry(join(work, 'registry'));
  try {
    const run = await getTools(join(work, 'home'), say);
    const deps = { host: registry.host, run, work };
    for (const name of BY_STRANGERS) {
      const image = await placeImage(name, deps);
      const verdicts = [await asker(image, 'cold')(), await asker(image, 'warm')(), await image.askTool()];
      if (verdicts.some((verdict) => verdict !== 'fail')) throw new Error(`${name}: ${verdicts.join(', ')}`);
    }
    const [load = Number.NaN] = loadavg();
    const races: Race[] = [];
    const splits: Split[] = [];
    for (const name of SIGNED) {
      const image = await placeImage(name, deps);
      for (const atOnce of [1, 2]) races.push(await race(image, atOnce));
      for (const warmth of ['cold', 'warm'] as const) splits.push(await split(image, warmth, registry.pid));
    }
    const hostile = await measureHostility(registry.host);
    return { wanted: WANTED, load: round(load), races, splits, hostile };
  } finally {
    await registry.stop();
    await rm(work, { recursive: true, force: true });
  }
}
