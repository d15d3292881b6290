// `npm run demo`, `npm test` and `npm start`: gets everything ready on a fresh machine, then runs. Plain JavaScript that
// needs nothing but Node 20, since it runs before anything is installed.
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const bin = join(root, 'node_modules', '.bin');
const stamp = join(root, 'node_modules', '.lazaret-installed');
const started = Date.now();

/** @param {string} line */
function say(line) {
  process.stderr.write(`lazaret: ${((Date.now() - started) / 1000).toFixed(1)} s  ${line}\n`);
}

/**
 * Runs a command with its output shown, a line every fifteen seconds while it is silent, and signals passed on.
 * @param {string} what @param {string} file @param {string[]} args @returns {Promise<number>}
 */
function run(what, file, args) {
  return new Promise((resolve) => {
    const env = { ...process.env, PATH: `${bin}${delimiter}${process.env.PATH ?? ''}` };
    const child = spawn(file, args, { cwd: root, env, stdio: 'inherit' });
    const heartbeat = what === '' ? undefined : setInterval(() => say(`still at it: ${what}`), 15_000);
    const pass = (signal) => child.kill(signal);
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, pass);
    child.on('error', (error) => {
      clearInterval(heartbeat);
      say(`${file} cannot be started: ${error.message}`);
      resolve(127);
    });
    child.on('exit', (code, signal) => {
      clearInterval(heartbeat);
      for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.off(name, pass);
      resolve(code ?? (signal === null ? 1 : 128));
    });
  });
}

/** What is installed is what the lock file says, for this version of Node's major. */
function installedHash() {
  const hash = createHash('sha256');
  for (const name of ['package.json', 'package-lock.json']) hash.update(readFileSync(join(root, name)));
  return hash.update(process.platform + process.arch).digest('hex');
}

async function install() {
  const wanted = installedHash();
  if (existsSync(stamp) && existsSync(join(bin, 'node')) && readFileSync(stamp, 'utf8') === wanted) return;
  say('installing dependencies (npm ci); the first time this takes a minute or two');
  const code = await run('npm ci', 'npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error']);
  if (code !== 0) process.exit(code);
  writeFileSync(stamp, wanted);
}

async function build() {
  const { build: compile, isFresh } = await import(pathToFileURL(join(root, 'local', 'setup', 'build.mjs')).href);
  if (isFresh()) return;
  say('building');
  const code = compile();
  if (code !== 0) process.exit(code);
}

/** Tests that need a tool which is not here are not run here; CI installs it. Said aloud, so that nobody thinks they ran. */
function missingTools() {
  const tools = { podman: ['podman'], skopeo: ['skopeo'], chromium: ['chromium', 'chromium-browser', 'google-chrome'] };
  for (const [name, commands] of Object.entries(tools)) {
    const found = commands.some((command) => spawnSync(command, ['--version'], { stdio: 'ignore' }).status === 0);
    if (!found) say(`NOT HERE: ${name}. What needs it is tested by "npm run test:ci", which .ci/run installs it for.`);
  }
  if (!hasTerraform()) say('NOT HERE: terraform 1.9 or later. THE INFRASTRUCTURE IS NOT TESTED (npm run test:infra).');
}

/** The infrastructure's rules need 1.9; test/infra skips itself without it. */
function hasTerraform() {
  const { stdout } = spawnSync('terraform', ['version', '-json'], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const [, major = 0, minor = 0] = /"terraform_version": *"(\d+)\.(\d+)/.exec(stdout ?? '') ?? [];
  return Number(major) > 1 || (Number(major) === 1 && Number(minor) >= 9);
}

const [name = '', ...args] = process.argv.slice(2);
await install();
await build();
const node = join(bin, 'node');
switch (name) {
  case 'demo':
  case 'start':
    process.exitCode = await run('', node, [join(root, 'dist', 'cli', 'main.js'), name, ...args]);
    break;
  case 'check': {
    say('getting Trivy');
    const code = await run('', node, [join(root, 'dist', 'local', 'setup', 'trivy-main.js')]);
    if (code !== 0) process.exit(code);
    missingTools();
    process.exitCode = await run('', 'npm', ['run', '--silent', 'check', ...args]);
    break;
  }
  default:
    say(`unknown: ${name}`);
    process.exitCode = 4;
}
