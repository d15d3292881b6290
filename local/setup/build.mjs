// Builds `dist/` with the TypeScript compiler. Skips what is fresh, and removes what has lost its source.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, rmSync, statSync, writeFileSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const SOURCES = ['functions', 'jobs', 'cli', 'shared', 'local', 'bench'];
const stamp = join(root, 'dist', '.built');

/** @param {string} directory @returns {string[]} */
function filesBelow(directory) {
  if (!existsSync(directory)) return [];
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name));
}

/** Whether the last build is newer than every source. */
export function isFresh() {
  if (!existsSync(stamp)) return false;
  const built = statSync(stamp).mtimeMs;
  const inputs = SOURCES.flatMap((name) => filesBelow(join(root, name)))
    .filter((path) => path.endsWith('.ts'))
    .concat(['package.json', 'tsconfig.json', 'tsconfig.build.json'].map((name) => join(root, name)));
  const known = Number(readFileSync(stamp, 'utf8'));
  return known === inputs.length && inputs.every((path) => statSync(path).mtimeMs <= built);
}

/** Compiles. Returns the exit code of the compiler. */
export function build() {
  if (isFresh()) return 0;
  const node = existsSync(join(root, 'node_modules', '.bin', 'node'))
    ? join(root, 'node_modules', '.bin', 'node')
    : process.execPath;
  const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  const result = spawnSync(node, [tsc, '-p', 'tsconfig.build.json'], { cwd: root, stdio: 'inherit' });
  if (result.status !== 0) return result.status ?? 1;
  for (const path of filesBelow(join(root, 'dist'))) {
    const source = join(root, relative(join(root, 'dist'), path)).replace(/\.js(\.map)?$/, '.ts');
    if (/\.js(\.map)?$/.test(path) && !existsSync(source)) rmSync(path);
  }
  const count =
    SOURCES.flatMap((name) => filesBelow(join(root, name))).filter((path) => path.endsWith('.ts')).length + 3;
  writeFileSync(stamp, String(count));
  return 0;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) process.exit(build());
