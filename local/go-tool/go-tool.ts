import { createHash, randomUUID } from 'node:crypto';
import { cp, mkdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError } from '../../shared/error/app-error.js';
import { cacheDirectory } from '../../shared/trivy/get/get-trivy.js';
import { runCommand } from '../../shared/trivy/run/run-command.js';

/** A program that is built from a Go module. */
export interface GoTool {
  readonly name: string;
  /** The package that is built. */
  readonly path: string;
  /** The directory of the pins, where it is not named like the program: programs of one module share them. */
  readonly pins?: string;
}

/** The programs that are built, each from a directory of its own beside this file that pins every module by its hash. */
export const GO_TOOLS = {
  conformance: { name: 'conformance', path: 'github.com/opencontainers/distribution-spec/conformance' },
  crane: { name: 'crane', path: 'github.com/google/go-containerregistry/cmd/crane' },
  oras: { name: 'oras', path: 'oras.land/oras/cmd/oras' },
  notation: { name: 'notation', path: 'github.com/notaryproject/notation/cmd/notation' },
  cosign: { name: 'cosign', path: 'github.com/sigstore/cosign/v3/cmd/cosign' },
  /** The last of the second version, which signs in the old form. */
  'cosign-2': { name: 'cosign-2', path: 'github.com/sigstore/cosign/v2/cmd/cosign' },
  gator: { name: 'gator', path: 'github.com/open-policy-agent/gatekeeper/v3/cmd/gator' },
  kyverno: { name: 'kyverno', path: 'github.com/kyverno/kyverno/cmd/cli/kubectl-kyverno' },
  kustomize: { name: 'kustomize', path: 'sigs.k8s.io/kustomize/kustomize/v5' },
  opa: { name: 'opa', path: 'github.com/open-policy-agent/opa' },
  ratify: { name: 'ratify', path: 'github.com/ratify-project/ratify/cmd/ratify' },
  /** The verifier of reports, which Ratify runs as a program of its own. */
  vulnerabilityreport: {
    name: 'vulnerabilityreport',
    path: 'github.com/ratify-project/ratify/plugins/verifier/vulnerabilityreport',
    pins: 'ratify',
  },
} as const satisfies Readonly<Record<string, GoTool>>;

const TIMEOUT_MILLISECONDS = 10 * 60_000;
const PASSED_ON = ['PATH', 'HOME', 'GOPATH', 'GOCACHE', 'GOMODCACHE', 'GOPROXY', 'GOSUMDB', 'GONOSUMDB', 'GOFLAGS'];
const PASSED_ON_FOR_NETWORKS = ['HTTPS_PROXY', 'NO_PROXY', 'SSL_CERT_FILE'];

/** What building needs of its surroundings. */
export interface GoToolDeps {
  /** Where this package is. */
  readonly root: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly progress: (line: string) => void;
}

/**
 * Builds a program, or takes it from the user's cache, where it is kept by the hash of what pins it. Returns its path.
 * Throws `GO_UNAVAILABLE` where there is no Go, and `GO_BUILD_FAILED`.
 */
export async function getGoTool(tool: GoTool, deps: GoToolDeps): Promise<string> {
  const { name, path } = tool;
  const pins = pinsOf(tool, deps.root);
  const hash = createHash('sha256');
  for (const file of ['go.mod', 'go.sum']) hash.update(await readFile(join(pins, file)));
  const version = hash.digest('hex').slice(0, 16);
  const directory = join(cacheDirectory({ env: deps.env, platform: process.platform }), name, version);
  const cached = join(directory, name);
  if (await stat(cached).catch(() => undefined)) return cached;
  const work = join(directory, `.work-${randomUUID()}`);
  await mkdir(work, { recursive: true });
  try {
    for (const file of ['go.mod', 'go.sum']) await cp(join(pins, file), join(work, file));
    deps.progress(`building ${name} from its Go module, once`);
    await build(join(work, name), { work, path, env: deps.env });
    await rename(join(work, name), cached);
    return cached;
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** The directory with a tool's `go.mod` and `go.sum`. */
export function pinsOf({ name, pins = name }: GoTool, root: string): string {
  return join(root, 'local', 'go-tool', pins);
}

/** What Go is given of the environment: nothing chooses another Go, and nothing is linked with C. */
export function goEnvironment(env: Readonly<Record<string, string | undefined>>): Readonly<Record<string, string>> {
  const inherited = Object.fromEntries(
    [...PASSED_ON, ...PASSED_ON_FOR_NETWORKS].flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]]])),
  );
  return { ...inherited, CGO_ENABLED: '0', GOTOOLCHAIN: 'local' };
}

async function build(
  output: string,
  { work, path, env }: { work: string; path: string; env: Readonly<Record<string, string | undefined>> },
): Promise<void> {
  const args = ['build', '-mod=readonly', '-trimpath', '-buildvcs=false', '-ldflags', '-s -w', '-o', output, path];
  const result = await runCommand('go', args, {
    cwd: work,
    env: goEnvironment(env),
    timeoutMilliseconds: TIMEOUT_MILLISECONDS,
    killAfterMilliseconds: 5000,
    maxOutputBytes: 1024 * 1024,
  }).catch((cause: unknown) => {
    throw new AppError('GO_UNAVAILABLE', 'there is no Go to build it with', { cause });
  });
  if (result.exitCode !== 0) throw new AppError('GO_BUILD_FAILED', result.stderr.trim().slice(-500));
}
