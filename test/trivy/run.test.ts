import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RunCommand } from '../../shared/trivy/run/run-command.js';
import { runCommand } from '../../shared/trivy/run/run-command.js';
import { scanImage } from '../../shared/trivy/run/scan-image.js';

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'lazaret-test-'));
});
afterAll(() => rm(directory, { recursive: true }));

const limits = { env: {}, timeoutMilliseconds: 10_000, killAfterMilliseconds: 200, maxOutputBytes: 1000 };
const node = (script: string, changes: object = {}) =>
  runCommand(process.execPath, ['-e', script], { cwd: directory, ...limits, ...changes });

describe('running a command', () => {
  it('inherits nothing and returns what it printed', async () => {
    const result = await node('process.stdout.write(JSON.stringify(Object.keys(process.env)))', { env: { ONLY: '1' } });
    expect(result.exitCode).toBe(0);
    expect(JSON.parse(result.stdout.toString())).toEqual(['ONLY']);
  });
  it('ends what takes too long, even what ignores SIGTERM, with all that it has started', async () => {
    const child = join(directory, 'pid');
    const script = `process.on('SIGTERM', () => {}); const c = require('child_process').spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']); require('fs').writeFileSync(${JSON.stringify(child)}, String(c.pid)); setInterval(() => {}, 1000)`;
    const result = await node(script, { timeoutMilliseconds: 700 });
    expect(result).toMatchObject({ timedOut: true, exitCode: undefined });
    const pid = Number(await readFile(child, 'utf8'));
    await expect
      .poll(async () =>
        readFile(`/proc/${pid}/stat`, 'utf8').then(
          (stat) => / Z /.test(stat),
          () => true,
        ),
      )
      .toBe(true);
  });
  it('ends what prints without end', async () => {
    const result = await node('for (;;) process.stdout.write("x".repeat(10000))');
    expect(result.truncated).toBe(true);
    expect(result.stdout.byteLength).toBeLessThanOrEqual(1000);
  });
  it('ends when it is told to', async () => {
    const abort = new AbortController();
    setTimeout(() => abort.abort(), 200);
    expect((await node('setInterval(() => {}, 1000)', { signal: abort.signal })).exitCode).toBeUndefined();
  });
});

describe("Trivy's command line", () => {
  const scan = {
    trivyPath: '/trivy',
    reference: `r/app@sha256:${'a'.repeat(64)}`,
    pullToken: 'the-token',
    cacheDirectory: '/db',
    timeoutSeconds: 5,
  };
  const seen: { args: readonly string[]; env: Readonly<Record<string, string>> }[] = [];
  const fake =
    (result: object, report = '{"Results":[]}'): RunCommand =>
    async (_, args, { env }) => {
      seen.push({ args, env });
      await writeFile(args[args.indexOf('--output') + 1]!, report);
      return { exitCode: 0, stdout: Buffer.alloc(0), stderr: '', timedOut: false, truncated: false, ...result };
    };

  it('carries the token in the environment, and nothing of ours besides', async () => {
    await scanImage({ ...scan, workDirectory: directory }, fake({}));
    const { args, env } = seen.at(-1)!;
    expect(args.join(' ')).not.toContain('the-token');
    expect(env['TRIVY_REGISTRY_TOKEN']).toBe('the-token');
    expect(Object.keys(env).sort()).toEqual([
      'DOCKER_CONFIG',
      'HOME',
      'TMPDIR',
      'TRIVY_REGISTRY_TOKEN',
      'XDG_CACHE_HOME',
    ]);
    expect(args).toEqual(
      expect.arrayContaining([
        '--cache-backend',
        'memory',
        '--skip-db-update',
        '--image-src',
        'remote',
        '--disable-telemetry',
        '--skip-version-check',
      ]),
    );
    expect(args.at(-1)).toBe(scan.reference);
  });
  it.each([
    [{ timedOut: true, exitCode: undefined }, 'SCAN_TIMEOUT'],
    [{ exitCode: 1, stderr: 'x\tFATAL\tno space left on device' }, 'DISK_FULL'],
    [{ exitCode: 2, stderr: 'nothing that anybody knows' }, 'SCAN_FAILED'],
    [{ exitCode: 2, stderr: 'panic: nil\n\tnet.go:502 +0x1f\n\tarchive/tar/reader.go:1' }, 'SCANNER_CRASHED'],
    [{ exitCode: 2, stderr: 'fatal error: out of memory\n\tcontext deadline exceeded' }, 'SCANNER_CRASHED'],
  ])('%j is %s, never a report', async (result, code) => {
    await expect(scanImage({ ...scan, workDirectory: directory }, fake(result))).rejects.toMatchObject({ code });
  });
  it('takes no truncated report', async () => {
    await expect(scanImage({ ...scan, workDirectory: directory }, fake({}, '{"Results":['))).rejects.toMatchObject({
      code: 'REPORT_MALFORMED',
    });
  });
});

describe('a program that is not there', () => {
  it('rejects', async () => {
    const path = join(directory, 'not-executable');
    await writeFile(path, '');
    await chmod(path, 0o644);
    await expect(runCommand(path, [], { cwd: directory, ...limits })).rejects.toThrow();
  });
});
