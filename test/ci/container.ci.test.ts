import { randomUUID } from 'node:crypto';
import { chmodSync, copyFileSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { spawn, spawnSync } from 'node:child_process';
import { writeDatabase } from '../../local/sample/database.js';
import { ROOT, hasTool, run, trivyPath } from '../support/process.js';
import { type Azurite, startAzurite } from '../../local/azurite/azurite.js';
import { RESOURCE_ID } from '../support/registry.js';
import { listenBoth, type Listening } from '../../local/registry/listen.js';
import { createRegistry } from '../../local/registry/registry.js';
import { createMemoryStore } from '../../local/registry/store.js';
import { createLocalCertificates } from '../../local/tls/certificate.js';
import { serve } from '../../local/web/node-adapter.js';
import * as sample from '../../local/sample/image.js';
import { push } from '../../local/sample/push.js';
import { connectStorage } from '../../shared/connect.js';
import { createSend, ensureQueues } from '../../shared/queue/queues.js';
import { createReportStore } from '../../shared/report/report-store.js';
import { scannedSchema } from '../../shared/message/queue-message.js';

const here = hasTool('podman', 'runc') && process.getuid?.() === 0;
const IMAGE = `localhost/lazaret-scan-test:${randomUUID().slice(0, 8)}`;
const PODMAN = ['--cgroup-manager=cgroupfs', '--runtime', 'runc'];

/** The job's image, assembled from what is on this machine: no base can be pulled where there is no registry. */
function assembleImage(directory: string): void {
  const root = join(directory, 'root');
  const copy = (path: string, target = path) => {
    mkdirSync(dirname(join(root, target)), { recursive: true });
    copyFileSync(path, join(root, target));
  };
  const node = run(process.execPath, ['-p', 'process.execPath']).trim();
  copy(node, '/usr/local/bin/node');
  const libraries = [...run('ldd', [node]).matchAll(/(\/\S+\.so\S*)/g)].map(([, path]) => path ?? '');
  for (const library of new Set(libraries)) copy(library);
  copy(trivyPath(), '/usr/local/bin/trivy');
  const app = join(root, 'app');
  mkdirSync(app, { recursive: true });
  for (const file of ['package.json', 'package-lock.json', '.npmrc']) copyFileSync(join(ROOT, file), join(app, file));
  run('npm', ['ci', '--omit=dev', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'], { cwd: app });
  for (const part of ['shared', 'jobs']) cpSync(join(ROOT, 'dist', part), join(app, 'dist', part), { recursive: true });
  for (const name of ['tmp', 'proc', 'sys', 'dev', 'etc']) mkdirSync(join(root, name), { recursive: true });
  chmodSync(join(root, 'tmp'), 0o1777);
  // As the Dockerfile has it.
  const dockerfile = readFileSync(join(ROOT, 'jobs', 'scan', 'Dockerfile'), 'utf8');
  const changes = [...dockerfile.matchAll(/^(?:USER|ENTRYPOINT|ENV LAZARET_).*$/gm)].map(([line]) => line);
  expect(changes).toHaveLength(4);
  const archive = join(directory, 'root.tar');
  run('tar', ['-C', root, '-cf', archive, '.']);
  run('podman', [...PODMAN, 'import', ...changes.flatMap((change) => ['--change', change]), archive, IMAGE]);
}

describe.runIf(here)('the scan job as the container that it is in Azure', () => {
  let directory: string;
  let azurite: Azurite;
  let listening: Listening;
  let caFile: string;
  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'lazaret-container-'));
    assembleImage(directory);
    await writeDatabase(join(directory, 'db'), new Date());
    run('chmod', ['-R', 'a+rX', directory]);
    azurite = await startAzurite({});
    const certificates = await createLocalCertificates(new Date());
    caFile = join(directory, 'ca.pem');
    writeFileSync(caFile, certificates.ca);
    const served: { handle?: Awaited<ReturnType<typeof createRegistry>>['handle'] } = {};
    listening = await listenBoth(
      serve((request) => served.handle?.(request) ?? Promise.resolve(new Response(null, { status: 503 }))),
      { port: 0, key: certificates.key, cert: certificates.certificate },
    );
    served.handle = (
      await createRegistry({
        loginServer: `127.0.0.1:${listening.port}`,
        resourceId: RESOURCE_ID,
        store: createMemoryStore(),
        clock: () => new Date(),
        publish: () => Promise.resolve(),
      })
    ).handle;
  });
  afterAll(async () => {
    spawnSync('podman', [...PODMAN, 'rmi', '--force', IMAGE]);
    await listening.close();
    await azurite.close();
    rmSync(directory, { recursive: true });
  });

  const runJob = (): Promise<{ code: number | null; output: string }> => {
    const settings: Record<string, string> = {
      LAZARET_REGISTRIES: JSON.stringify([
        {
          resourceId: '/subscriptions/0/resourceGroups/r/providers/Microsoft.ContainerRegistry/registries/team',
          loginServer: `127.0.0.1:${listening.port}`,
        },
      ]),
      LAZARET_STORAGE: azurite.connectionString,
      LAZARET_IDENTITY: 'anonymous',
      LAZARET_DATABASE: 'directory:/database',
      LAZARET_LINGER_SECONDS: '0',
      LAZARET_CA_FILE: '/ca.pem',
      NODE_EXTRA_CA_CERTS: '/ca.pem',
    };
    const args = [
      ...[...PODMAN, 'run', '--rm', '--network=host', '--ulimit', 'nofile=1024:1024', '--ulimit', 'nproc=1024:1024'],
      ...['--read-only', '--read-only-tmpfs=false', '--cap-drop=all', '--security-opt', 'no-new-privileges'],
      ...['--tmpfs', '/tmp:rw,size=512m,mode=1777'],
      ...['--volume', `${join(directory, 'db')}:/database:ro`, '--volume', `${caFile}:/ca.pem:ro`],
      ...Object.entries(settings).flatMap(([name, value]) => ['--env', `${name}=${value}`]),
      IMAGE,
    ];
    return new Promise((resolve) => {
      const child = spawn('podman', args);
      let output = '';
      for (const stream of [child.stdout, child.stderr]) {
        stream.on('data', (chunk: Buffer) => {
          output += chunk.toString();
        });
      }
      child.once('exit', (code) => resolve({ code, output }));
    });
  };

  it('scans as nobody on a read-only system, hands its evidence over, and ends with 0, as it does on an empty queue', async () => {
    const storage = connectStorage(
      { kind: 'connection-string', connectionString: azurite.connectionString },
      undefined,
    );
    await ensureQueues(storage.queues);
    const reports = createReportStore(storage.blobs);
    await reports.ensure();
    const image = await sample.imageOf(sample.debianFiles([['libssl3', 'openssl', '3.0.11-1~deb12u2']]));
    const registry = `127.0.0.1:${listening.port}`;
    await push(image, { origin: `http://${registry}`, repository: 'team/app', fetch }, { tag: 'v1' });
    const key = { registry, repository: 'team/app', digest: image.digest };
    await createSend(storage.queues)('scan', { v: 1, scanId: randomUUID(), key, since: new Date().toISOString() });
    const first = await runJob();
    expect(first.code, first.output).toBe(0);
    const [message] = (await storage.queues.getQueueClient('scanned').receiveMessages()).receivedMessageItems;
    const scanned = scannedSchema.parse(JSON.parse(Buffer.from(message?.messageText ?? '', 'base64').toString()));
    expect(scanned.outcome, first.output).toMatchObject({ kind: 'report' });
    if (scanned.outcome.kind !== 'report') return;
    const report = Buffer.from(await reports.get(scanned.outcome.report, 1_000_000)).toString();
    expect(report).toContain('CVE-2024-5535');
    const second = await runJob();
    expect(second.code, second.output).toBe(0);
  });
});
