import { spawn, execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type LocalEnvironment, packageRoot, startEnvironment } from '../local/environment.js';
import { writeDatabase } from '../local/sample/database.js';
import type { Artifact } from '../local/sample/image.js';
import { push } from '../local/sample/push.js';
import { getTrivyHere } from '../local/setup/trivy.js';
import type { Status } from '../shared/pipeline/lookup.js';

/** Judges, and changes nothing. */
export const POLICY = `version: 1
rules:
  - repository: "**"
    vulnerabilities: {}
    endOfLife: accept
    onPush: mark
`;

/** How the environment of a benchmark is set. */
export interface StageOptions {
  /** As shipped, or every poll a second. */
  readonly shipped: boolean;
}

/** One environment for one benchmark, with raw Trivy beside it on the same registry and database. */
export interface Stage {
  readonly environment: LocalEnvironment;
  readonly lines: readonly string[];
  readonly push: (image: Artifact, repository: string) => Promise<void>;
  readonly settled: (image: Artifact, repository: string) => Promise<Status>;
  /** Milliseconds of `trivy image`. */
  readonly raw: (image: Artifact, repository: string) => Promise<number>;
  /** Milliseconds of `xargs -P2` over the same commands. */
  readonly rawAll: (targets: readonly { readonly image: Artifact; readonly repository: string }[]) => Promise<number>;
  readonly stop: () => Promise<void>;
}

const run = promisify(execFile);

/** Starts it. */
export async function createStage({ shipped }: StageOptions): Promise<Stage> {
  const directory = await mkdtemp(join(tmpdir(), 'lazaret-bench-'));
  const database = join(directory, 'database');
  await writeDatabase(database, new Date());
  const policyFile = join(directory, 'policy.yaml');
  await writeFile(policyFile, POLICY);
  const trivy = await getTrivyHere(packageRoot(), () => undefined);
  const lines: string[] = [];
  const environment = await startEnvironment({
    stateDirectory: join(directory, 'state'),
    policyFile,
    database: `directory:${database}`,
    databaseMaxAgeHours: 72,
    enforcement: 'enforce',
    trivy: Promise.resolve(trivy),
    ports: { registry: 0, functions: 0, inbox: 0 },
    ...(!shipped && { maxPollingInterval: '00:00:01' }),
    scalerMilliseconds: shipped ? 30_000 : 500,
    lingerSeconds: shipped ? 60 : 30,
    scanConcurrency: 2,
    queueLeaseSeconds: 60,
    acceleration: 10,
    log: (source, line) => lines.push(`${source}: ${line}`),
  });
  const origin = `http://${environment.registry}`;
  const common = [
    '--cache-dir',
    database,
    '--cache-backend',
    'memory',
    '--skip-db-update',
    '--skip-java-db-update',
    '--offline-scan',
  ];
  const scan = (reference: string, output: string) => [
    ...[
      'image',
      '--image-src',
      'remote',
      '--format',
      'json',
      '--output',
      output,
      '--scanners',
      'vuln,secret',
      '--list-all-pkgs',
    ],
    ...[...common, '--skip-version-check', '--disable-telemetry', '--no-progress', '--quiet', reference],
  ];
  const convert = (format: string, input: string) => [
    'convert',
    '--format',
    format,
    '--output',
    `${input}.${format}`,
    '--quiet',
    input,
  ];
  const env = { PATH: process.env['PATH'] ?? '', HOME: directory, SSL_CERT_FILE: environment.caFile };
  const reference = (image: Artifact, repository: string) => `${environment.registry}/${repository}@${image.digest}`;
  return {
    environment,
    lines,
    push: (image, repository) => push(image, { origin, repository, fetch }, { tag: 'v1' }),
    settled: async (image, repository) => {
      for (;;) {
        const url = new URL(`${environment.functions}/api/verdict`);
        url.searchParams.set('reference', reference(image, repository));
        url.searchParams.set('wait', '20');
        const status = (await (await fetch(url)).json()) as Status;
        if (status.settled) return status;
      }
    },
    raw: async (image, repository) => {
      const output = join(directory, `raw-${image.digest.slice(7, 19)}.json`);
      const started = performance.now();
      await run(trivy, scan(reference(image, repository), output), { env });
      return performance.now() - started;
    },
    rawAll: async (targets) => {
      const script = join(directory, 'raw.sh');
      const quoted = scan('"$1"', '"$2"').join(' ');
      const conversions = ['cyclonedx', 'sarif']
        .map((format) => `${trivy} ${convert(format, '"$2"').join(' ')}`)
        .join('\n');
      await writeFile(script, `set -e\n${trivy} ${quoted}\n${conversions}\n`);
      const input = targets.map(
        ({ image, repository }, i) => `${reference(image, repository)} ${join(directory, `all-${i}.json`)}`,
      );
      const started = performance.now();
      const child = spawn('xargs', ['-P2', '-L1', 'sh', script], { env, stdio: ['pipe', 'ignore', 'inherit'] });
      child.stdin.end(input.join('\n'));
      const code = await new Promise((resolve) => child.once('exit', resolve));
      if (code !== 0) throw new Error(`xargs ended with ${String(code)}`);
      return performance.now() - started;
    },
    stop: async () => {
      await environment.stop();
      await rm(directory, { recursive: true, force: true });
    },
  };
}
