import { createServer } from 'node:http';
import { cp, mkdir, rm, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { createRegistry } from '../../registry/registry.js';
import { createFileStore } from '../../registry/store.js';
import { type Artifact, imageOf, makeIndex } from '../../sample/image.js';
import { push } from '../../sample/push.js';
import { type Handler, serve } from '../../web/node-adapter.js';
import type { FixtureCase } from '../case.js';
import { type StoredLayout, pullLayout, writeLayout } from '../layout.js';
import type { RunTool } from '../tools.js';

/** The name that stands for the loopback registry in what is written down. */
export const SCOPE = 'registry.example/app';
export const TAG = 'v1';

/** Where fixtures are made: a registry on loopback, the tools, and a place for what is made. */
export interface Workshop {
  /** Scratch; gone afterwards. */
  readonly work: string;
  readonly registry: string;
  readonly run: RunTool;
  /** Pushes a tiny image, or an index of two, into a repository of its own. Returns its reference by digest. */
  readonly pushImage: (name: string, form?: 'image' | 'index') => Promise<string>;
  readonly layoutOf: (name: string) => Promise<StoredLayout>;
  /** Runs a tool that has to succeed and returns the line that a reader may type. */
  readonly sign: (
    tool: Parameters<RunTool>[0],
    args: readonly string[],
    options?: Parameters<RunTool>[2],
  ) => Promise<string>;
  /** Serves a handler on loopback as long as the workshop is open. Returns its address. */
  readonly host: (handler: Handler, port?: number) => Promise<string>;
  readonly close: () => Promise<void>;
}

/** A case before anything official was said of it. */
export type Draft = Omit<FixtureCase, 'official' | 'image'> & {
  readonly layout: StoredLayout;
  /** Files beside the layout, by their path. */
  readonly files: Readonly<Record<string, string | Uint8Array>>;
};

/** Opens a workshop below a scratch directory. */
export async function openWorkshop(work: string, run: RunTool): Promise<Workshop> {
  const closing: (() => void)[] = [];
  const host = async (handler: Handler, port = 0): Promise<string> => {
    const server = createServer(serve(handler));
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, '127.0.0.1', resolve);
    });
    closing.push(() => {
      server.closeAllConnections();
      server.close();
    });
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  };
  const served: { handle?: Handler } = {};
  const origin = await host(
    (request) => served.handle?.(request) ?? Promise.resolve(new Response(null, { status: 503 })),
  );
  const registry = new URL(origin).host;
  const { handle } = await createRegistry({
    loginServer: registry,
    resourceId: '/subscriptions/0/resourceGroups/r/providers/Microsoft.ContainerRegistry/registries/fixtures',
    store: await createFileStore(join(work, 'registry')),
    clock: () => new Date(),
    publish: () => Promise.resolve(),
  });
  served.handle = handle;
  return {
    work,
    registry,
    run,
    pushImage: async (name, form = 'image') => {
      const artifact = form === 'image' ? await tinyImage(name) : await tinyIndex(name);
      await push(artifact, { origin, repository: name, fetch }, { tag: TAG });
      return `${registry}/${name}@${artifact.digest}`;
    },
    layoutOf: (name) => pullLayout(origin, name, TAG),
    sign: async (tool, args, options) => {
      const { exitCode, stderr, stdout } = await run(tool, args, options);
      if (exitCode !== 0) throw new Error(`${tool} ${args.join(' ')}\n${stderr}\n${stdout.toString()}`);
      return [tool, ...args].map((word) => placeholder(word, { work, registry })).join(' ');
    },
    host,
    close: async () => {
      for (const close of closing) close();
      await rm(work, { recursive: true, force: true });
    },
  };
}

/** Writes a case's directory, but for `case.json`. */
export async function writeDraft(directory: string, { layout, files }: Draft): Promise<void> {
  await rm(directory, { recursive: true, force: true });
  await mkdir(directory, { recursive: true });
  await writeLayout(join(directory, 'layout'), layout);
  for (const [name, content] of Object.entries(files)) {
    const path = join(directory, name);
    await mkdir(join(path, '..'), { recursive: true });
    await writeFile(path, content);
  }
}

/** A copy of a directory, in the place of whatever was there. */
export async function replaceDirectory(from: string, to: string): Promise<void> {
  await rm(to, { recursive: true, force: true });
  await cp(from, to, { recursive: true });
}

function tinyImage(name: string): Promise<Artifact> {
  return imageOf([{ path: 'fixture', content: name }]);
}

async function tinyIndex(name: string): Promise<Artifact> {
  const platforms = [
    { os: 'linux', architecture: 'amd64' },
    { os: 'linux', architecture: 'arm64' },
  ];
  const images = platforms.map(async (platform) => ({
    platform,
    image: await imageOf([{ path: 'fixture', content: name }], platform),
  }));
  return makeIndex(await Promise.all(images));
}

/** What differs from run to run is not written down. */
function placeholder(word: string, { work, registry }: { readonly work: string; readonly registry: string }): string {
  return word
    .replace(new RegExp(`^${registry}/[^@]+`), SCOPE)
    .replaceAll(`${work}/`, '')
    .replace(/http:\/\/127\.0\.0\.1:\d+/, 'http://127.0.0.1:PORT');
}
