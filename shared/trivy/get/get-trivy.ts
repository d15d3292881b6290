import { randomUUID } from 'node:crypto';
import { chmod, copyFile, mkdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { delimiter, join, resolve } from 'node:path';
import { AppError } from '../../error/app-error.js';
import type { RunCommand } from '../run/run-command.js';
import { buildTrivy } from './build-trivy.js';
import { RELEASE_URL, archiveName, downloadRelease, unpackBinary } from './download-release.js';
import { type Thresholds, trivyIdentity, verifyArchive } from './verify-archive.js';
import { OLDEST_VERSION, PINNED_VERSION, installedVersion, isAccepted } from './version.js';

/** What {@link getTrivy} needs. */
export interface GetTrivyDeps {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly platform: string;
  readonly arch: string;
  readonly fetch: typeof fetch;
  readonly runCommand: RunCommand;
  readonly progress: (line: string) => void;
  /** Holds the committed `go.mod` and `go.sum`. */
  readonly moduleDirectory: string;
  /** Sigstore's public-good trusted root, pinned. */
  readonly trustedRoot: unknown;
  readonly releaseUrl?: string;
  readonly thresholds?: Thresholds;
}

/**
 * Finds Trivy, or gets it: named by `LAZARET_TRIVY` or on `PATH`; from the user's cache; the official release, verified
 * before it is unpacked; a build of the pinned module. A failed verification is never followed by another way. Returns
 * the path. Throws `TRIVY_COMPROMISED`, `TRIVY_REFUSED`, `TRIVY_VERIFICATION_FAILED` or `TRIVY_UNAVAILABLE`.
 */
export async function getTrivy(deps: GetTrivyDeps): Promise<string> {
  const named = deps.env['LAZARET_TRIVY'];
  if (named !== undefined && named !== '') {
    const path = resolve(named);
    if (await isUsable(path, deps)) return path;
    throw new AppError('TRIVY_REFUSED', `LAZARET_TRIVY names no Trivy of version ${OLDEST_VERSION} or newer: ${named}`);
  }
  for (const directory of (deps.env['PATH'] ?? '').split(delimiter).filter((entry) => entry !== '')) {
    const candidate = join(directory, 'trivy');
    if ((await exists(candidate)) && (await isUsable(candidate, deps))) return candidate;
  }
  const directory = join(cacheDirectory(deps), 'trivy', PINNED_VERSION);
  const cached = join(directory, 'trivy');
  if (await isPinned(cached, deps)) return cached;
  await mkdir(directory, { recursive: true });
  const work = join(directory, `.work-${randomUUID()}`);
  try {
    const fetched =
      (await fromRelease(work, deps)) ?? (await buildTrivy(PINNED_VERSION, { ...deps, workDirectory: work }));
    if (fetched === undefined) throw unavailable(deps);
    await chmod(fetched, 0o755);
    await rename(fetched, cached).catch(() => copyFile(fetched, cached));
    if (!(await isPinned(cached, deps))) {
      await rm(cached, { force: true });
      throw new AppError('TRIVY_REFUSED', 'the Trivy that was fetched is not of the pinned version');
    }
    return cached;
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

async function fromRelease(work: string, deps: GetTrivyDeps): Promise<string | undefined> {
  const name = archiveName(PINNED_VERSION, deps.platform, deps.arch);
  if (name === undefined) return undefined;
  const release = await downloadRelease(PINNED_VERSION, name, { ...deps, releaseUrl: deps.releaseUrl ?? RELEASE_URL });
  if (release === undefined) return undefined;
  verifyArchive(release.archive, release.bundle, {
    root: deps.trustedRoot,
    identity: trivyIdentity(PINNED_VERSION),
    ...(deps.thresholds && { thresholds: deps.thresholds }),
  });
  deps.progress('the signature of the release holds');
  await mkdir(work, { recursive: true });
  const path = join(work, 'trivy');
  await writeFile(path, await unpackBinary(release.archive), { mode: 0o755 });
  return path;
}

/** Where downloads are kept, by the platform's own rule. */
export function cacheDirectory({ env, platform }: Pick<GetTrivyDeps, 'env' | 'platform'>): string {
  const home = env['HOME'] ?? '.';
  const fallback = platform === 'darwin' ? join(home, 'Library', 'Caches') : join(home, '.cache');
  const configured = env['XDG_CACHE_HOME'];
  return join(configured !== undefined && configured !== '' ? configured : fallback, 'lazaret');
}

async function isUsable(path: string, deps: GetTrivyDeps): Promise<boolean> {
  const version = await installedVersion(path, deps.runCommand);
  const accepted = isAccepted(version, path);
  if (!accepted)
    deps.progress(`passing over ${path}: version ${version ?? 'unknown'}; ${OLDEST_VERSION} or newer is needed`);
  return accepted;
}

async function isPinned(path: string, deps: GetTrivyDeps): Promise<boolean> {
  return (await exists(path)) && (await installedVersion(path, deps.runCommand)) === PINNED_VERSION;
}

async function exists(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isFile() ?? false;
}

function unavailable(deps: GetTrivyDeps): AppError {
  return new AppError(
    'TRIVY_UNAVAILABLE',
    [
      `Trivy ${PINNED_VERSION} could not be had. One of these helps:`,
      `  - install Trivy ${OLDEST_VERSION} or newer so that it is on PATH, or name it in LAZARET_TRIVY;`,
      `  - let this machine reach ${new URL(deps.releaseUrl ?? RELEASE_URL).host};`,
      '  - install Go 1.26, with which it is built from the Go module proxy.',
    ].join('\n'),
  );
}
