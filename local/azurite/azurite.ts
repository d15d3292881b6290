import { createRequire } from 'node:module';
import { join } from 'node:path';
import { mkdir } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';

/** A running Azurite: the three storage services in this process. */
export interface Azurite {
  readonly connectionString: string;
  /** Saves everything and stops. Only a clean stop saves the last seconds. */
  readonly close: () => Promise<void>;
}

/** Where Azurite keeps its data, and where it listens. */
export interface AzuriteOptions {
  /** Undefined keeps everything in memory. */
  readonly directory?: string;
  /** 0 or undefined picks a free port. */
  readonly ports?: { readonly blob?: number; readonly queue?: number; readonly table?: number };
}

// Azurite publishes neither these classes nor their types as an interface. This file alone knows them; the version is
// pinned.
interface Server {
  readonly httpServer: { address: () => AddressInfo | string | null };
  readonly start: () => Promise<void>;
  readonly close: () => Promise<void>;
}
type Constructor<T> = new (...args: readonly unknown[]) => T;

const require = createRequire(import.meta.url);
function load<T>(path: string): Constructor<T> {
  return (require(`azurite/dist/src/${path}`) as { readonly default: Constructor<T> }).default;
}

const HOST = '127.0.0.1';
const KEEP_ALIVE_SECONDS = 5;
/** The account that every emulator of Azure Storage has, with its published key. https://learn.microsoft.com/azure/storage/common/storage-configure-connection-string */
export const ACCOUNT = 'devstoreaccount1';
const ACCOUNT_KEY = 'Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==';

/** Starts Azurite in this process, without its telemetry, which its command line alone starts. */
export async function startAzurite({ directory, ports = {} }: AzuriteOptions): Promise<Azurite> {
  if (directory !== undefined) await mkdir(directory, { recursive: true });
  const at = (name: string) => (directory === undefined ? name : join(directory, name));
  const memory = directory === undefined;
  // Arguments by position: loose, skip the version check, certificate, key, password, OAuth, product-style URLs, memory.
  const tail = [false, true, '', '', '', undefined, false, memory];
  const chunks = (name: string) => [{ locationId: 'Default', locationPath: at(name), maxConcurrency: 10 }];
  const streamed = (kind: string, port: number) => [
    ...[HOST, port, KEEP_ALIVE_SECONDS, at(`${kind}.json`), at(`${kind}-extents.json`), chunks(`${kind}s`)],
    ...[false, undefined, false, undefined, ...tail],
  ];
  const blob = create('blob/Blob', streamed('blob', ports.blob ?? 0));
  const queue = create('queue/Queue', streamed('queue', ports.queue ?? 0));
  const tableArgs = [
    HOST,
    ports.table ?? 0,
    KEEP_ALIVE_SECONDS,
    at('table.json'),
    false,
    false,
    undefined,
    undefined,
    ...tail,
  ];
  const table = create('table/Table', tableArgs);
  const servers = [blob, queue, table];
  await Promise.all(servers.map((server) => server.start()));
  const endpoint = (server: Server) => `http://${HOST}:${portOf(server)}/${ACCOUNT}`;
  return {
    connectionString: [
      'DefaultEndpointsProtocol=http',
      `AccountName=${ACCOUNT}`,
      `AccountKey=${ACCOUNT_KEY}`,
      `BlobEndpoint=${endpoint(blob)}`,
      `QueueEndpoint=${endpoint(queue)}`,
      `TableEndpoint=${endpoint(table)}`,
    ].join(';'),
    close: async () => {
      await Promise.all(servers.map((server) => server.close()));
    },
  };
}

function create(prefix: string, args: readonly unknown[]): Server {
  const configuration = new (load<object>(`${prefix}Configuration`))(...args);
  return new (load<Server>(`${prefix}Server`))(configuration);
}

function portOf(server: Server): number {
  const address = server.httpServer.address();
  if (address === null || typeof address === 'string') throw new Error('Azurite does not listen');
  return address.port;
}
