import { mkdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { LOCAL_RESOURCE_ID } from '../../local/environment.js';
import { createRegistry } from '../../local/registry/registry.js';
import { createFileStore } from '../../local/registry/store.js';
import { databaseArtifact } from '../../local/sample/database.js';
import * as sample from '../../local/sample/image.js';
import { push } from '../../local/sample/push.js';

const packages = (openssl: string, glibc: string) =>
  [
    ['libssl3', 'openssl', openssl],
    ['libc6', 'glibc', glibc],
  ] as const;
const CLEAN = packages('3.0.15-1~deb12u1', '2.36-9+deb12u3');
/** A critical flaw in OpenSSL. */
const CRITICAL = packages('3.0.11-1~deb12u2', '2.36-9+deb12u3');
/** One of high severity in glibc. */
const HIGH = packages('3.0.15-1~deb12u1', '2.36-9+deb12u1');

const imageOf = (name: string, installed: typeof CLEAN) =>
  sample.imageOf([...sample.debianFiles(installed), { path: 'app/name', content: name }]);

/** Images of the story, by what is wrong with them. */
export const IMAGES = {
  clean: (name: string) => imageOf(name, CLEAN),
  critical: (name: string) => imageOf(name, CRITICAL),
  high: (name: string) => imageOf(name, HIGH),
};

/** What runs in production before anybody has heard of Lazaret. */
export const EXISTING: readonly (readonly [repository: string, kind: keyof typeof IMAGES])[] = [
  ['shop/web', 'critical'],
  ['shop/search', 'critical'],
  ['shop/mail', 'critical'],
  ['shop/api', 'clean'],
  ['shop/worker', 'high'],
  ['platform/gatekeeper', 'critical'],
];

const MONTH_MILLISECONDS = 30 * 24 * 3_600_000;

/** Where Trivy's database is, for the scan job. */
export const DATABASE_REPOSITORY = 'lazaret/trivy-db';

/**
 * A registry that is in use already: its state, before anything of Lazaret has run. Resolves with its login server, which a
 * local environment that starts on this state takes over.
 */
export async function prepareRegistry(stateDirectory: string): Promise<string> {
  await mkdir(stateDirectory, { recursive: true });
  const port = await freePort();
  // A later start of this state listens there, so that references stay what they are.
  await writeFile(join(stateDirectory, 'registry-port'), String(port));
  const loginServer = `127.0.0.1:${port}`;
  const registry = await createRegistry({
    loginServer,
    resourceId: LOCAL_RESOURCE_ID,
    store: await createFileStore(join(stateDirectory, 'registry')),
    // What was pushed just now may be on its way; this is not.
    clock: () => new Date(Date.now() - MONTH_MILLISECONDS),
    // Nobody listens yet.
    publish: () => Promise.resolve(),
  });
  const here: typeof fetch = (input, init) => registry.handle(new Request(input, init));
  const target = (repository: string) => ({ origin: `http://${loginServer}`, repository, fetch: here });
  await push(await databaseArtifact(new Date()), target(DATABASE_REPOSITORY), { tag: '2' });
  for (const [repository, kind] of EXISTING) {
    await push(await IMAGES[kind](repository), target(repository), { tag: 'v1' });
  }
  return loginServer;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise<void>((resolve) => server.close(() => resolve()));
  return port;
}
