import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { packageRoot } from '../../local/environment.js';
import { type StoredLayout, linksOf } from '../../local/oracle/layout.js';
import type { Artifact } from '../../local/sample/image.js';
import { push } from '../../local/sample/push.js';
import { isDigest } from '../../shared/artifact/digest.js';
import { type LoginServer, parseLoginServer } from '../../shared/artifact/login-server.js';
import { type RegistryClient, createRegistryClient } from '../../shared/registry/registry-client.js';

/** The emulated registry in a process of its own, on loopback, with its state in `directory`. */
export async function startRegistry(
  directory: string,
): Promise<{ readonly host: LoginServer; readonly pid: number; readonly stop: () => Promise<void> }> {
  const main = join(packageRoot(), 'dist', 'local', 'registry', 'main.js');
  const child = spawn(process.execPath, [main, '--directory', directory], { stdio: ['ignore', 'pipe', 'inherit'] });
  const exited = new Promise((resolve) => child.once('exit', resolve));
  const line = await new Promise<string>((resolve, reject) => {
    child.stdout.once('data', (chunk: Buffer) => {
      resolve(chunk.toString());
    });
    child.once('exit', () => {
      reject(new Error('the registry did not start'));
    });
  });
  const { port, pid } = JSON.parse(line) as { readonly port: number; readonly pid: number };
  return {
    host: parseLoginServer(`127.0.0.1:${port}`),
    pid,
    stop: async () => {
      child.kill();
      await exited;
    },
  };
}

/** The client of the product, which speaks https alone, led to a registry on loopback that does not. */
export function openClient(host: LoginServer, counted: () => void = () => undefined): RegistryClient {
  const plainly: typeof fetch = (input, init) => {
    const url = new URL(input instanceof Request ? input.url : input);
    url.protocol = 'http:';
    counted();
    return fetch(url, init);
  };
  return createRegistryClient({
    fetch: plainly,
    clock: () => new Date(),
    sleep,
    registries: [host],
    credential: { kind: 'anonymous' },
  });
}

/** Pushes all of a layout, signatures included. */
export async function pushLayout(host: LoginServer, repository: string, layout: StoredLayout): Promise<void> {
  for (const { digest, mediaType, bytes, tag } of layout.manifests) {
    const { config, layers = [] } = linksOf(bytes);
    const blobs = [...(config === undefined ? [] : [config]), ...layers].map((each) => {
      const content = layout.blobs.get(each.digest);
      if (content === undefined) throw new Error(`${repository} lacks a blob`);
      return { digest: digestFrom(each.digest), bytes: content };
    });
    const artifact: Artifact = { digest: digestFrom(digest), mediaType, bytes, blobs, children: [] };
    await push(artifact, { origin: `http://${host}`, repository, fetch }, tag === undefined ? {} : { tag });
  }
}

/** A digest as it stands in a file. */
export function digestFrom(text: string): Artifact['digest'] {
  if (!isDigest(text)) throw new Error(`no digest: ${text.slice(0, 80)}`);
  return text;
}
