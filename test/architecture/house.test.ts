import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { APP_SETTING_NAMES, JOB_SETTING_NAMES } from '../../shared/config/settings.js';

const ROOT = join(import.meta.dirname, '..', '..');
const SOURCES = ['shared', 'functions', 'jobs', 'cli', 'local', 'bench'];

const files = SOURCES.flatMap((folder) =>
  readdirSync(join(ROOT, folder), { recursive: true })
    .map((name) => `${folder}/${String(name)}`)
    .filter((name) => name.endsWith('.ts')),
);
const textOf = new Map(files.map((file) => [file, readFileSync(join(ROOT, file), 'utf8')]));

interface Import {
  readonly from: string;
  readonly to: string;
  readonly typeOnly: boolean;
}

const imports: readonly Import[] = files.flatMap((from) =>
  [...(textOf.get(from) ?? '').matchAll(/(?:^|\n)(?:import|export)\s([^;]*?)from '([^']+)'|import\('([^']+)'\)/g)].map(
    ([, clause = '', target, lazy]) => {
      const specifier = target ?? lazy ?? '';
      const to = specifier.startsWith('.')
        ? relative(ROOT, resolve(ROOT, dirname(from), specifier)).replace(/\.js$/, '.ts')
        : specifier;
      return { from, to, typeOnly: clause.startsWith('type ') };
    },
  ),
);

/** `shared/policy`, or `cli`. */
const room = (file: string) => file.split('/', file.startsWith('shared/') ? 2 : 1).join('/');
const BASE = ['shared/error', 'shared/artifact', 'shared/vulnerability'];
const PURE = [...BASE, 'shared/message', 'shared/policy', 'shared/signature'];
const EDGES = [
  'shared/registry',
  'shared/trivy',
  'shared/ledger',
  'shared/queue',
  'shared/report',
  'shared/teams',
  'shared/revocation',
  'shared/key-vault',
];
const ROOTS = ['shared/app.ts', 'shared/steps.ts', 'shared/start.ts', 'shared/connect.ts', 'shared/log.ts'];

/** Whom each room may import, besides itself. */
const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  'shared/error': [],
  'shared/artifact': ['shared/error'],
  'shared/vulnerability': ['shared/error', 'shared/artifact'],
  'shared/message': BASE,
  'shared/policy': BASE,
  'shared/signature': BASE,
  'shared/pipeline': PURE,
  'shared/net': ['shared/error'],
  'shared/config': PURE,
  ...Object.fromEntries(EDGES.map((edge) => [edge, [...PURE, 'shared/pipeline', 'shared/net']])),
  ...Object.fromEntries(ROOTS.map((file) => [file, ['shared']])),
  functions: ['shared/start.ts', 'shared/message'],
  jobs: ['shared'],
  cli: ['shared', 'local'],
  local: ['shared'],
  bench: ['shared', 'local'],
};

/** Packages by the rooms that may use them. */
const PACKAGES: readonly (readonly [pattern: RegExp, rooms: readonly string[]])[] = [
  [/^zod$/, [...PURE, 'shared/pipeline', ...EDGES, 'shared/config', 'local', 'bench']],
  [/^yaml$/, ['shared/policy']],
  [/^node:crypto$/, ['shared', 'jobs', 'local', 'bench']],
  [
    /^node:/,
    [
      'shared/config',
      'shared/registry',
      'shared/trivy',
      'shared/ledger',
      'shared/revocation',
      'shared/app.ts',
      'jobs',
      'cli',
      'local',
      'bench',
    ],
  ],
  [/^@sigstore\//, ['shared/trivy', 'shared/signature']],
  [/^(cbor2|@noble\/curves\/ed25519\.js)$/, ['shared/signature', 'local']],
  [/^tar-stream$/, ['shared/trivy', 'local']],
  [/^@azure\/functions$/, ['functions']],
  [/^@azure\/(container-registry|core-rest-pipeline)$/, ['shared/registry']],
  [/^@azure\/identity$/, ['shared/registry', 'shared/key-vault', 'shared/connect.ts']],
  [/^@azure\/data-tables$/, ['shared/ledger', 'shared/connect.ts']],
  [/^@azure\/storage-queue$/, ['shared/queue', 'shared/connect.ts', 'local', 'bench']],
  [/^@azure\/storage-blob$/, ['shared/report', 'shared/connect.ts', 'local']],
  [/^(@peculiar\/x509|pkijs|asn1js|reflect-metadata|croner)$/, ['local']],
  [/^fast-check$/, ['local/simulation']],
];

const inside = (file: string, allowed: readonly string[]) =>
  allowed.some((place) => file === place || file.startsWith(`${place}/`));

describe('the house', () => {
  it('imports only from the rooms below', () => {
    expect(imports.length).toBeGreaterThan(300);
    const wrong = imports
      .filter(({ to }) => to.includes('/') && files.includes(to))
      .filter(({ from, to }) => {
        const own = room(from);
        return room(to) !== own && !inside(to, ALLOWED[own] ?? []);
      });
    expect(wrong.map(({ from, to }) => `${from} -> ${to}`)).toEqual([]);
  });

  it('uses packages where they belong', () => {
    const wrong = imports
      .filter(({ to }) => !files.includes(to))
      .filter(({ from, to }) => {
        const rule = PACKAGES.find(([pattern]) => pattern.test(to));
        return rule === undefined || !inside(from, rule[1]);
      });
    expect(wrong.map(({ from, to }) => `${from} -> ${to}`)).toEqual([]);
  });

  it('keeps clock, environment and network out of the pure rooms and of the pipeline', () => {
    const impure = /process\.|Date\.now|new Date\(\)|\bfetch\(|setTimeout|setInterval|Math\.random|console\./;
    const wrong = files.filter(
      (file) =>
        inside(file, [...PURE, 'shared/pipeline']) &&
        impure.test((textOf.get(file) ?? '').replaceAll(/\/\*[\s\S]*?\*\/|\/\/.*/g, '')),
    );
    expect(wrong).toEqual([]);
  });

  it('reads the environment in composition roots alone', () => {
    const readers = files.filter((file) => (textOf.get(file) ?? '').includes('process.env'));
    const allowed = ['shared/start.ts', 'jobs', 'cli', 'local', 'bench'];
    expect(readers.filter((file) => !inside(file, allowed))).toEqual([]);
  });

  it('has small files: none above 300 lines, half of them under 90', () => {
    const sizes = files.map((file) => (textOf.get(file) ?? '').split('\n').length).sort((a, b) => a - b);
    expect(sizes.at(-1)).toBeLessThanOrEqual(300);
    expect(sizes[Math.floor(sizes.length / 2)]).toBeLessThanOrEqual(100);
    const doors = files.filter((file) => file.startsWith('functions/'));
    for (const door of doors) expect((textOf.get(door) ?? '').split('\n').length, door).toBeLessThanOrEqual(30);
  });

  it('suppresses nothing', () => {
    const suppressions = /eslint-disable|@ts-ignore|@ts-expect-error|@ts-nocheck|prettier-ignore/;
    expect(files.filter((file) => suppressions.test(textOf.get(file) ?? ''))).toEqual([]);
  });
});

describe('what is deployed', () => {
  it('holds neither the local environment nor the tests', () => {
    const ignored = readFileSync(join(ROOT, '.funcignore'), 'utf8').split('\n');
    for (const name of [
      'local',
      'test',
      'bench',
      'cli',
      'jobs',
      'docs',
      'dist/local',
      'dist/bench',
      'dist/cli',
      'dist/jobs',
    ])
      expect(ignored).toContain(name);
    const image = readFileSync(join(ROOT, 'jobs', 'scan', 'Dockerfile'), 'utf8');
    const copied = [...image.matchAll(/^COPY (?:--\S+ )*(.*)$/gm)].map(([, what]) => what);
    expect(copied.join('\n')).not.toMatch(/dist\/(local|cli|bench|functions)|\btest\b/);
    expect(image).toContain('USER ');
  });

  it('names every setting in the sample', () => {
    const sample = JSON.parse(readFileSync(join(ROOT, 'local.settings.sample.json'), 'utf8')) as {
      Values: Record<string, string>;
    };
    const documented = readFileSync(join(ROOT, 'docs', 'settings.md'), 'utf8');
    for (const name of [...APP_SETTING_NAMES, ...JOB_SETTING_NAMES]) expect(documented, name).toContain(`\`${name}\``);
    const known = new Set([...APP_SETTING_NAMES, 'AzureWebJobsStorage', 'FUNCTIONS_WORKER_RUNTIME']);
    expect(Object.keys(sample.Values).filter((name) => !known.has(name))).toEqual([]);
  });

  it('keeps the address of no package mirror, and no path of a machine', () => {
    expect(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')).not.toContain('"resolved": "http');
    const tracked = execFileSync('git', ['ls-files', '-z'], { cwd: ROOT, encoding: 'utf8' }).split('\0');
    const named = tracked.filter((name) => name !== '' && !/\.(png|json|sum)$/.test(name));
    const leaks = named.filter((name) =>
      new RegExp(['/wo', 'rk/|/ro', 'ot/'].join('')).test(readFileSync(join(ROOT, name), 'utf8')),
    );
    expect(leaks).toEqual([]);
  });
});
