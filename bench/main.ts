import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { packageRoot } from '../local/environment.js';
import type { Layer } from '../local/sample/layer.js';
import { burst } from './burst.js';
import { calls } from './calls/calls.js';
import { growth } from './growth/growth.js';
import { systemImage, systemLayer, tinyImage } from './images.js';
import { machine, say } from './machine.js';
import { overhead } from './overhead.js';
import { writeReport } from './report/report.js';
import { signatures } from './signatures/signatures.js';
import { throughput } from './throughput.js';
import { wall } from './wall.js';

const USAGE = `usage: npm run bench -- overhead|throughput ROOT
       npm run bench -- wall|burst|calls|growth|signatures
       npm run bench -- all ROOT
       npm run bench -- report

ROOT is a directory that holds a system, as \`debootstrap --variant=minbase bookworm ROOT\` makes one.
\`report\` writes tables and pictures anew from the results that are stored.`;

let base: Promise<Layer> | undefined;
const layerOf = (root: string): Promise<Layer> => {
  if (root === '') throw new Error('this benchmark needs a ROOT');
  base ??= systemLayer(root);
  return base;
};

/** Each benchmark by its name; its result is stored under that name. */
const BENCHMARKS: Readonly<Record<string, (root: string) => Promise<object>>> = {
  overhead: async (root) => {
    const layer = await layerOf(root);
    return {
      tiny: await overhead('tiny', tinyImage),
      debian: await overhead('debian', (name) => systemImage(layer, name)),
    };
  },
  throughput: async (root) => throughput(await layerOf(root)),
  wall: () => wall(),
  burst: () => burst(),
  calls: () => calls(),
  growth: () => growth(),
  signatures: () => signatures(),
};

const [what = '', root = ''] = process.argv.slice(2);
const names = what === 'all' ? Object.keys(BENCHMARKS) : [what];
const known = names.every((name) => name in BENCHMARKS);
const needsRoot = names.some((name) => name === 'overhead' || name === 'throughput');
if (what !== 'report' && (!known || (needsRoot && root === ''))) {
  say(USAGE);
  process.exit(4);
}
const directory = join(packageRoot(), 'bench');
await mkdir(join(directory, 'results'), { recursive: true });
for (const name of what === 'report' ? [] : names) {
  const result = { ...machine(), ...(await BENCHMARKS[name]?.(root)) };
  const text = `${JSON.stringify(result, null, 2)}\n`;
  await writeFile(join(directory, 'results', `${name}.json`), text);
  process.stdout.write(text);
}
await writeReport(directory);
process.exit(0);
