import { mkdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError } from '../../error/app-error.js';
import { classifyFailure } from './failure-classes.js';
import type { RunCommand } from './run-command.js';
import { sanitiseReport } from './sanitise.js';

/** The largest raw report that is taken from Trivy, in bytes. */
export const MAX_RAW_REPORT_BYTES = 64 * 1024 * 1024;
const KILL_AFTER_MILLISECONDS = 5000;
const CONVERT_TIMEOUT_MILLISECONDS = 120_000;

/** Where one run of Trivy happens, and with what. */
export interface TrivySetting {
  readonly trivyPath: string;
  /** Empty, ours alone, and deleted by the caller: Trivy reads configuration from where it stands. */
  readonly workDirectory: string;
  /** Extra certificate authorities, as a PEM file. */
  readonly caFile?: string;
  readonly signal?: AbortSignal;
}

/** One image to scan. */
export interface TrivyScan extends TrivySetting {
  /** `host/repository@sha256:…`. */
  readonly reference: string;
  /** Opens this repository for pulling and nothing else. It travels by the environment, never by argument. */
  readonly pullToken: string;
  /** Holds `db/` and perhaps `java-db/`. */
  readonly cacheDirectory: string;
  readonly timeoutSeconds: number;
}

/**
 * Scans one image by digest and returns Trivy's JSON report without the text of secrets. Throws the codes of
 * `failure-classes.ts`, `SCAN_TIMEOUT` or `REPORT_TOO_LARGE`.
 */
export async function scanImage(scan: TrivyScan, runCommand: RunCommand): Promise<Uint8Array> {
  const output = join(scan.workDirectory, 'report.json');
  const args = [
    'image',
    ...['--image-src', 'remote'],
    ...['--format', 'json', '--output', output],
    ...['--scanners', 'vuln,secret', '--pkg-types', 'os,library', '--list-all-pkgs'],
    // No cache is shared between images: Trivy keys it by what an image claims of its layers.
    ...['--cache-dir', scan.cacheDirectory, '--cache-backend', 'memory'],
    ...['--skip-db-update', '--skip-java-db-update', '--skip-check-update'],
    ...['--skip-version-check', '--disable-telemetry', '--offline-scan', '--no-progress', '--quiet'],
    ...['--timeout', `${scan.timeoutSeconds}s`],
    scan.reference,
  ];
  await runTrivy(args, scan, {
    runCommand,
    timeoutMilliseconds: scan.timeoutSeconds * 1000,
    env: { TRIVY_REGISTRY_TOKEN: scan.pullToken },
  });
  return sanitiseReport(await readOutput(output));
}

/** Makes the bill of materials (CycloneDX) of the sanitised report in this file, without the image and without a database. */
export async function makeSbom(setting: TrivySetting, input: string, runCommand: RunCommand): Promise<Uint8Array> {
  const output = join(setting.workDirectory, 'sbom.json');
  const args = [
    'convert',
    ...['--format', 'cyclonedx', '--output', output],
    ...['--quiet', '--cache-dir', setting.workDirectory],
    input,
  ];
  await runTrivy(args, setting, { runCommand, timeoutMilliseconds: CONVERT_TIMEOUT_MILLISECONDS, env: {} });
  return readOutput(output);
}

async function runTrivy(
  args: readonly string[],
  { trivyPath, workDirectory, caFile, signal }: TrivySetting,
  run: {
    readonly runCommand: RunCommand;
    readonly timeoutMilliseconds: number;
    readonly env: Readonly<Record<string, string>>;
  },
): Promise<void> {
  const temporary = join(workDirectory, 'tmp');
  const empty = join(workDirectory, 'cwd');
  await mkdir(temporary, { recursive: true });
  await mkdir(empty, { recursive: true });
  const result = await run.runCommand(trivyPath, args, {
    cwd: empty,
    env: {
      ...run.env,
      TMPDIR: temporary,
      HOME: empty,
      XDG_CACHE_HOME: temporary,
      DOCKER_CONFIG: empty,
      ...(caFile !== undefined && { SSL_CERT_FILE: caFile }),
    },
    timeoutMilliseconds: run.timeoutMilliseconds,
    killAfterMilliseconds: KILL_AFTER_MILLISECONDS,
    maxOutputBytes: 1024 * 1024,
    ...(signal && { signal }),
  });
  if (signal?.aborted === true) throw new AppError('SCAN_ABORTED', 'The scan was stopped.', { retryable: true });
  if (result.timedOut) throw new AppError('SCAN_TIMEOUT', 'The scan took too long.', { retryable: true });
  if (result.exitCode !== 0) throw classifyFailure(result.stderr);
}

async function readOutput(path: string): Promise<Uint8Array> {
  const { size } = await stat(path).catch((cause: unknown) => {
    throw new AppError('REPORT_MISSING', 'Trivy wrote no report.', { retryable: true, cause });
  });
  if (size > MAX_RAW_REPORT_BYTES) throw new AppError('REPORT_TOO_LARGE', `A report of ${size} bytes.`);
  return readFile(path);
}
