import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { packageRoot } from '../../local/environment.js';
import { listenBoth } from '../../local/registry/listen.js';
import { createRegistry } from '../../local/registry/registry.js';
import { createMemoryStore } from '../../local/registry/store.js';
import { writeDatabase } from '../../local/sample/database.js';
import { push } from '../../local/sample/push.js';
import { getTrivyHere } from '../../local/setup/trivy.js';
import { createLocalCertificates } from '../../local/tls/certificate.js';
import { type Handler, serve } from '../../local/web/node-adapter.js';
import { parseLoginServer } from '../../shared/artifact/login-server.js';
import { parseKey } from '../../shared/artifact/reference.js';
import { createRegistryClient } from '../../shared/registry/registry-client.js';
import { runCommand } from '../../shared/trivy/run/run-command.js';
import { scanImage } from '../../shared/trivy/run/scan-image.js';
import { tinyImage } from '../images.js';
import { type Call, type Counts, classifyCall, countCalls } from './count.js';

/** What the real Trivy itself asks of a registry for one scan of an image with one layer, as the scan job calls it. */
export async function measureTrivy(): Promise<Counts> {
  const directory = await mkdtemp(join(tmpdir(), 'lazaret-bench-'));
  const certificates = await createLocalCertificates(new Date());
  const served: { handle?: Handler } = {};
  const calls: Call[] = [];
  const listener = serve(
    async (request) => {
      const { method, url } = request;
      const response = (await served.handle?.(request)) ?? new Response(null, { status: 503 });
      calls.push(classifyCall({ method, path: new URL(url).pathname, status: response.status }));
      return response;
    },
    () => undefined,
  );
  const listening = await listenBoth(listener, { port: 0, key: certificates.key, cert: certificates.certificate });
  try {
    const loginServer = parseLoginServer(`127.0.0.1:${listening.port}`);
    const clock = () => new Date();
    const registry = await createRegistry({
      loginServer,
      resourceId: '/subscriptions/0/resourcegroups/rg/providers/microsoft.containerregistry/registries/counted',
      store: createMemoryStore(),
      clock,
      publish: () => Promise.resolve(),
    });
    const direct: typeof fetch = (input, init) =>
      registry.handle(new Request(input, { ...init, ...(init?.body !== undefined && { duplex: 'half' as const }) }));
    const image = await tinyImage('counted');
    const target = { origin: `https://${loginServer}`, repository: 'app', fetch: direct };
    await push(image, target, { tag: 'v1' });
    served.handle = registry.handle;
    const client = createRegistryClient({
      ...{ fetch: direct, clock, sleep: () => Promise.resolve() },
      ...{ credential: { kind: 'anonymous' }, registries: [loginServer] },
    });
    const key = parseKey({ registry: loginServer, repository: 'app', digest: image.digest });
    const caFile = join(directory, 'ca.pem');
    await writeFile(caFile, certificates.ca);
    await writeDatabase(join(directory, 'database'), new Date());
    await scanImage(
      {
        trivyPath: await getTrivyHere(packageRoot(), () => undefined),
        workDirectory: directory,
        signal: new AbortController().signal,
        caFile,
        reference: `${loginServer}/app@${image.digest}`,
        pullToken: await client.pullToken(key.registry, key.repository),
        cacheDirectory: join(directory, 'database'),
        timeoutSeconds: 120,
      },
      runCommand,
    );
  } finally {
    await listening.close();
    await rm(directory, { recursive: true, force: true });
  }
  return countCalls(calls);
}
