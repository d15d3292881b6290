import { cp, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { RunCommand } from '../run/run-command.js';

/** What a build needs. */
export interface BuildDeps {
  readonly runCommand: RunCommand;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly progress: (line: string) => void;
  /** Holds the committed `go.mod` and `go.sum`, which pin every module by its hash. */
  readonly moduleDirectory: string;
  readonly workDirectory: string;
}

const GO_VERSION = /^go version go1\.26\./;
const TIMEOUT_MILLISECONDS = 45 * 60_000;
const HEARTBEAT_MILLISECONDS = 15_000;
const PASSED_ON = [
  'PATH',
  'HOME',
  'GOPATH',
  'GOCACHE',
  'GOMODCACHE',
  'GOPROXY',
  'GOSUMDB',
  'GONOSUMDB',
  'GOFLAGS',
  'HTTPS_PROXY',
  'NO_PROXY',
  'SSL_CERT_FILE',
];

/**
 * Builds the pinned Trivy from its Go module. Returns where the binary is, or undefined where there is no Go 1.26 or the
 * build fails; later versions of Go cannot build this version of Trivy.
 */
export async function buildTrivy(version: string, deps: BuildDeps): Promise<string | undefined> {
  const { progress, workDirectory } = deps;
  await mkdir(workDirectory, { recursive: true });
  const inherited = Object.fromEntries(
    PASSED_ON.flatMap((name) => (deps.env[name] === undefined ? [] : [[name, deps.env[name]]])),
  );
  const env = { ...inherited, GOTOOLCHAIN: 'local', GOEXPERIMENT: 'jsonv2', CGO_ENABLED: '0' };
  const options = {
    cwd: workDirectory,
    env,
    timeoutMilliseconds: TIMEOUT_MILLISECONDS,
    killAfterMilliseconds: 5000,
    maxOutputBytes: 1024 * 1024,
  };
  const go = await deps
    .runCommand('go', ['version'], { ...options, timeoutMilliseconds: 30_000 })
    .catch(() => undefined);
  if (go === undefined || !GO_VERSION.test(go.stdout.toString('utf8'))) {
    progress('there is no Go 1.26 to build Trivy with');
    return undefined;
  }
  for (const file of ['go.mod', 'go.sum']) await cp(join(deps.moduleDirectory, file), join(workDirectory, file));
  const output = join(workDirectory, 'trivy');
  const args = ['build', '-mod=readonly', '-trimpath', '-buildvcs=false'];
  const linker = `-s -w -X github.com/aquasecurity/trivy/pkg/version/app.ver=${version}`;
  progress(`building Trivy ${version} from its Go module; this takes about seven minutes on two cores, once`);
  const started = Date.now();
  const heartbeat = setInterval(
    () => progress(`still building Trivy: ${Math.round((Date.now() - started) / 1000)} s`),
    HEARTBEAT_MILLISECONDS,
  );
  try {
    const built = await deps.runCommand(
      'go',
      [...args, '-ldflags', linker, '-o', output, 'github.com/aquasecurity/trivy/cmd/trivy'],
      options,
    );
    if (built.exitCode === 0) return output;
    progress(`the build failed: ${built.stderr.trim().split('\n').slice(-3).join(' | ').slice(0, 500)}`);
    return undefined;
  } finally {
    clearInterval(heartbeat);
  }
}
