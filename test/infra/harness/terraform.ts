import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '..', '..', '..');
const INFRA = join(ROOT, 'infra');
const REGISTRY = 'registry.terraform.io';
const SCHEMA = 'azurerm-5.2.0-schema.json';
/** What the mirror pretends to be; the constraints in versions.tf have to allow it. */
const PROVIDERS = { 'hashicorp/azurerm': '5.2.0', 'azure/azapi': '2.12.0' } as const;

/** Whether the providers of the registry are used, from the network or from a mirror that Terraform's own settings name. */
export const REAL = process.env['LAZARET_REAL_PROVIDERS'] === '1';

/** Whether a machine without Terraform is a failure: `npm run test:infra`. */
export const REQUIRED = process.env['LAZARET_INFRA_REQUIRED'] === '1';

/** A Terraform that is here. */
export interface Terraform {
  readonly version: string;
  readonly platform: string;
}

/** What a command came to. */
export interface Outcome {
  readonly code: number;
  readonly text: string;
}

/** Terraform, where there is one of at least 1.9: a validation may speak of another variable since then. */
export function findTerraform(): Terraform | undefined {
  try {
    const text = execFileSync('terraform', ['version', '-json'], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const answer = JSON.parse(text.slice(text.indexOf('{'))) as { terraform_version: string; platform: string };
    const [major = 0, minor = 0] = answer.terraform_version.split('.').map(Number);
    const enough = major > 1 || (major === 1 && minor >= 9);
    return enough ? { version: answer.terraform_version, platform: answer.platform } : undefined;
  } catch {
    return undefined;
  }
}

/** Where it is missing that is said aloud, so that nobody takes what was skipped for what has passed. */
export function sayUntested(what: string, why: string): void {
  process.stderr.write(`\nNOT TESTED: ${what}. ${why}\n\n`);
}

/** A copy of `infra/` that Terraform has initialised, so that nothing it writes comes near the original. */
export interface Workspace {
  readonly directory: string;
  /** Runs Terraform in the copy. */
  readonly run: (...args: readonly string[]) => Outcome;
  /** Another copy of the same, sharing its providers; for a change that is to be caught. */
  readonly fork: () => Workspace;
  readonly remove: () => void;
}

/**
 * Writes the schema-only provider as plain JavaScript, with its schemas beside it: it is started some hundred times, and
 * starts four times as fast so.
 */
function writeProvider(home: string): string {
  const source = join(ROOT, 'test', 'infra', 'provider');
  const target = join(home, 'provider');
  mkdirSync(target);
  writeFileSync(join(target, 'package.json'), '{ "type": "module" }');
  for (const name of readdirSync(source)) {
    const text = stripTypeScriptTypes(readFileSync(join(source, name), 'utf8'));
    writeFileSync(join(target, name.replace(/\.ts$/, '.js')), text);
  }
  cpSync(join(ROOT, 'test', 'fixtures', 'infra', SCHEMA), join(target, SCHEMA));
  return join(target, 'main.js');
}

/** Where providers come from, as environment variables. */
function providerEnvironment({ platform }: Terraform, home: string): NodeJS.ProcessEnv {
  if (REAL) return {};
  const mirror = join(home, 'mirror');
  const main = JSON.stringify(writeProvider(home));
  for (const [name, version] of Object.entries(PROVIDERS)) {
    const short = name.split('/')[1] ?? '';
    const place = join(mirror, REGISTRY, name, version, platform);
    mkdirSync(place, { recursive: true });
    const file = join(place, `terraform-provider-${short}_v${version}`);
    writeFileSync(file, `#!${process.execPath}\nprocess.argv[2] = '${short}';\nimport(${main});\n`);
    chmodSync(file, 0o755);
  }
  const settings = join(home, 'terraform.rc');
  const only = `provider_installation {\n  filesystem_mirror {\n    path = ${JSON.stringify(mirror)}\n  }\n}\n`;
  writeFileSync(settings, only);
  // The provider speaks plainly, on loopback.
  return { TF_CLI_CONFIG_FILE: settings, TF_DISABLE_PLUGIN_TLS: '1' };
}

/** Copies `infra/` and initialises the copy. Throws where that fails. */
export function createWorkspace(terraform: Terraform): Workspace {
  const home = mkdtempSync(join(tmpdir(), 'lazaret-infra-'));
  const env = {
    ...process.env,
    CHECKPOINT_DISABLE: '1',
    TF_IN_AUTOMATION: '1',
    ...providerEnvironment(terraform, home),
  };
  const open = (directory: string): Workspace => ({
    directory,
    run: (...args) => {
      const { status, stdout, stderr } = spawnSync('terraform', args, {
        cwd: directory,
        env,
        encoding: 'utf8',
        maxBuffer: 512 * 1024 * 1024,
      });
      return { code: status ?? 1, text: `${stdout}${stderr}` };
    },
    fork: () => {
      const copy = mkdtempSync(join(home, 'fork-'));
      // Real providers are hundreds of megabytes, and are only read.
      cpSync(directory, copy, {
        recursive: true,
        filter: (name) => !name.startsWith(join(directory, '.terraform', '/')),
      });
      rmSync(join(copy, '.terraform'), { recursive: true });
      symlinkSync(join(directory, '.terraform'), join(copy, '.terraform'));
      return open(copy);
    },
    remove: () => rmSync(home, { recursive: true, force: true }),
  });
  const directory = join(home, 'infra');
  cpSync(INFRA, directory, { recursive: true, filter: (name) => !/\.terraform(?:$|\/|\.lock)/.test(name) });
  const workspace = open(directory);
  const { code, text } = workspace.run('init', '-backend=false', '-input=false', '-no-color');
  if (code !== 0) throw new Error(`terraform init: ${text}`);
  return workspace;
}
