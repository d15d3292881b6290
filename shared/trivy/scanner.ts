import { randomUUID } from 'node:crypto';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type ArtifactKey, formatKey } from '../artifact/reference.js';
import { AppError, isAppError } from '../error/app-error.js';
import type { ScanProducts } from '../pipeline/scan.js';
import type { DatabaseEvidence } from '../vulnerability/report.js';
import { databaseProblem } from './database/check-database.js';
import type { DatabaseSource } from './database/database-source.js';
import { fetchDatabase, fetchJavaDatabase } from './database/fetch-database.js';
import type { PullDeps } from './database/pull-layer.js';
import { OLDEST_VERSION, installedVersion, isAccepted } from './get/version.js';
import type { RunCommand } from './run/run-command.js';
import { type TrivySetting, makeSbom, scanImage } from './run/scan-image.js';

/** What {@link createScanner} needs. */
export interface ScannerDeps {
  readonly trivyPath: string;
  readonly runCommand: RunCommand;
  readonly clock: () => Date;
  /** Milliseconds of a monotonic clock. */
  readonly ticks: () => number;
  /** Where everything of this execution goes. */
  readonly workDirectory: string;
  readonly database: DatabaseSource;
  readonly javaDatabase: DatabaseSource | undefined;
  readonly maxDatabaseAgeMilliseconds: number;
  readonly timeoutSeconds: number;
  readonly caFile: string | undefined;
  readonly pull: PullDeps;
  readonly pullToken: (key: ArtifactKey) => Promise<string>;
}

/** Scans images with one Trivy and one database. */
export interface Scanner {
  readonly scan: (key: ArtifactKey, signal: AbortSignal) => Promise<ScanProducts>;
}

/**
 * One execution's scanner. The database is fetched at the first scan, into a fresh directory, and never updated by one;
 * after a failed fetch the next scan tries again.
 */
export function createScanner(deps: ScannerDeps): Scanner {
  let database: Promise<{ readonly directory: string; readonly evidence: DatabaseEvidence }> | undefined;
  let java: Promise<void> | undefined;
  const getDatabase = () => {
    database ??= Promise.all([openDatabase(deps), checkVersion(deps)])
      .then(([opened]) => opened)
      .catch((error: unknown) => {
        database = undefined;
        throw error;
      });
    return database;
  };
  const getJava = (source: DatabaseSource, directory: string) => {
    java ??= fetchJavaDatabase(source, directory, deps.pull).catch((error: unknown) => {
      java = undefined;
      throw error;
    });
    return java;
  };
  return {
    scan: async (key, signal) => {
      const { directory, evidence } = await getDatabase();
      const workDirectory = join(deps.workDirectory, `scan-${randomUUID()}`);
      await mkdir(workDirectory, { recursive: true });
      try {
        const setting: TrivySetting = {
          trivyPath: deps.trivyPath,
          workDirectory,
          signal,
          ...(deps.caFile !== undefined && { caFile: deps.caFile }),
        };
        const started = deps.ticks();
        const scanOnce = async () =>
          scanImage(
            {
              ...setting,
              reference: formatKey(key),
              pullToken: await deps.pullToken(key),
              cacheDirectory: directory,
              timeoutSeconds: deps.timeoutSeconds,
            },
            deps.runCommand,
          );
        const report = await scanOnce().catch(async (error: unknown) => {
          // A download that breaks off looks like a layer that is broken; the layer is broken the next time too.
          if (isAppError(error, 'LAYER_UNREADABLE')) return scanOnce();
          // Only now is it known that there is a jar; the Java database is far larger than the other.
          if (!isAppError(error, 'JAVA_DATABASE_MISSING') || deps.javaDatabase === undefined) throw error;
          await getJava(deps.javaDatabase, directory);
          return scanOnce();
        });
        const scanned = deps.ticks();
        const sbom = await sbomOf(report, setting, deps);
        const converted = deps.ticks();
        return {
          report,
          ...(sbom !== undefined && { sbom }),
          database: evidence,
          scanMilliseconds: scanned - started,
          convertMilliseconds: converted - scanned,
        };
      } finally {
        await rm(workDirectory, { recursive: true, force: true });
      }
    },
  };
}

/** The bill of materials; undefined where Trivy cannot make one of this image, which keeps nobody from judging it. */
async function sbomOf(
  report: Uint8Array,
  setting: TrivySetting,
  { runCommand }: ScannerDeps,
): Promise<Uint8Array | undefined> {
  const input = join(setting.workDirectory, 'sanitised.json');
  await writeFile(input, report);
  return makeSbom(setting, input, runCommand).catch((error: unknown) => {
    // What Trivy says of it quotes the image, which must not have a say in whether it is judged.
    if (!isAppError(error) || error.code === 'SCAN_ABORTED') throw error;
    return undefined;
  });
}

/** A compromised or unknown release does not scan. Work waits for one that may (retryable): no image is to blame. */
async function checkVersion({ trivyPath, runCommand }: ScannerDeps): Promise<void> {
  const version = await installedVersion(trivyPath, runCommand);
  try {
    if (isAccepted(version, trivyPath)) return;
  } catch (cause) {
    if (!isAppError(cause)) throw cause;
    throw new AppError(cause.code, cause.message, { retryable: true, cause });
  }
  const message = `Trivy ${version ?? 'of an unknown version'} is not used; ${OLDEST_VERSION} or newer is needed.`;
  throw new AppError('TRIVY_REFUSED', message, { retryable: true });
}

async function openDatabase(deps: ScannerDeps) {
  const directory = join(deps.workDirectory, `database-${randomUUID()}`);
  await mkdir(directory, { recursive: true });
  const evidence = await fetchDatabase(deps.database, directory, deps.pull);
  const rules = { now: deps.clock(), maxAgeMilliseconds: deps.maxDatabaseAgeMilliseconds };
  const problem = databaseProblem(evidence, rules);
  if (problem !== undefined) throw new AppError(problem.code, problem.message, { retryable: true });
  return { directory, evidence };
}
