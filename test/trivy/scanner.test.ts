import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeDatabase } from '../../local/sample/database.js';
import { digestOf } from '../../shared/artifact/digest.js';
import { parseKey } from '../../shared/artifact/reference.js';
import type { RunCommand } from '../../shared/trivy/run/run-command.js';
import { createScanner } from '../../shared/trivy/scanner.js';

const NOW = new Date('2026-06-01T12:00:00Z');
const KEY = parseKey({ registry: 'team.azurecr.test', repository: 'app', digest: digestOf('x') });
const DISK_FULL = 'x\tFATAL\tno space left on device';
let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'lazaret-scanner-'));
  await writeDatabase(join(directory, 'database'), NOW);
});
afterAll(() => rm(directory, { recursive: true }));

/** A Trivy of this version, whose scans end as scripted, then well; and its conversion, where that is scripted. */
function scannerOf(version: string, failures: string[], conversion?: string) {
  const runs: string[] = [];
  const runCommand: RunCommand = async (_, args) => {
    const done = { exitCode: 0, stdout: Buffer.alloc(0), stderr: '', timedOut: false, truncated: false };
    if (args[0] === '--version') return { ...done, stdout: Buffer.from(`Version: ${version}\n`) };
    runs.push(args[0] ?? '');
    const failure = args[0] === 'image' ? failures.shift() : conversion;
    if (failure !== undefined) return { ...done, exitCode: 1, stderr: failure };
    await writeFile(args[args.indexOf('--output') + 1]!, '{"SchemaVersion":2}');
    return done;
  };
  const scanner = createScanner({
    trivyPath: '/trivy',
    runCommand,
    clock: () => NOW,
    ticks: () => 0,
    workDirectory: directory,
    database: { kind: 'directory', path: join(directory, 'database') },
    javaDatabase: undefined,
    maxDatabaseAgeMilliseconds: 3_600_000,
    timeoutSeconds: 5,
    caFile: undefined,
    pull: { fetch: () => Promise.reject(new Error('no network')), pullToken: () => Promise.resolve('token') },
    pullToken: () => Promise.resolve('token'),
  });
  return { scan: () => scanner.scan(KEY, new AbortController().signal), runs };
}

describe("one execution's scanner", () => {
  it.each([
    ['0.69.4', 'TRIVY_COMPROMISED'],
    ['0.69.5', 'TRIVY_COMPROMISED'],
    ['0.69.6', 'TRIVY_COMPROMISED'],
    ['0.69.3', 'TRIVY_REFUSED'],
    ['dev', 'TRIVY_REFUSED'],
  ])('lets no Trivy %s near an image, and lets the image wait', async (version, code) => {
    const { scan, runs } = scannerOf(version, []);
    await expect(scan()).rejects.toMatchObject({ code, retryable: true });
    expect(runs).toEqual([]);
  });
  it('looks twice before it calls a layer broken: a download that breaks off looks the same', async () => {
    const { scan, runs } = scannerOf('0.74.0', ['x\tFATAL\tunexpected EOF']);
    await expect(scan()).resolves.toMatchObject({ database: { entries: 8 } });
    expect(runs).toEqual(['image', 'image', 'convert']);
  });
  it('calls a layer broken that is broken the second time too', async () => {
    const { scan, runs } = scannerOf('0.74.0', ['x\tFATAL\tunexpected EOF', 'x\tFATAL\tgzip: invalid header']);
    await expect(scan()).rejects.toMatchObject({ code: 'LAYER_UNREADABLE', retryable: false });
    expect(runs).toEqual(['image', 'image']);
  });
  it.each([
    ['a crash', 'panic: runtime error: invalid memory address\n\ngoroutine 1 [running]:'],
    ['what nobody knows', 'x\tFATAL\tno such component'],
    ['what looks as if it might pass', 'x\tFATAL\tfailed to new package url: no space left on device'],
  ])('keeps the report where no bill of materials can be made of it, for %s', async (_, failure) => {
    const { scan, runs } = scannerOf('0.74.0', [], failure);
    const products = await scan();
    expect(products).not.toHaveProperty('sbom');
    expect(Buffer.from(products.report).toString('utf8')).toContain('SchemaVersion');
    expect(runs).toEqual(['image', 'convert']);
  });
  it('does not look twice at anything else', async () => {
    const { scan, runs } = scannerOf('0.74.0', [DISK_FULL]);
    await expect(scan()).rejects.toMatchObject({ code: 'DISK_FULL' });
    expect(runs).toEqual(['image']);
  });
});
