import { setTimeout as wait } from 'node:timers/promises';
import { ACCOUNT, type Azurite, startAzurite } from '../azurite/azurite.js';
import { type Proxy, startProxy } from './proxy.js';

/** Azurite behind ports of ours, which stay while it is away. */
export interface Storage {
  readonly connectionString: string;
  /** Makes it unreachable, or stops it cleanly and starts it again on its directory. Undefined while it is away. */
  readonly interrupt: (how: 'unreachable' | 'stopped') => Promise<void> | undefined;
  readonly close: () => Promise<void>;
}

const AWAY_MILLISECONDS = 4000;
const KINDS = ['Blob', 'Queue', 'Table'] as const;

/** Starts storage. Every request is told as `storage: METHOD NAME`, where the name is that of queue, table or container. */
export async function startStorage(directory: string, reached: (moment: string) => Promise<void>): Promise<Storage> {
  let azurite: Azurite = await startAzurite({ directory });
  let away = false;
  const portOf = (kind: string) =>
    Number(new RegExp(`${kind}Endpoint=http://[^:]+:(\\d+)/`).exec(azurite.connectionString)?.[1]);
  const proxies: Proxy[] = [];
  let { connectionString } = azurite;
  for (const kind of KINDS) {
    const proxy = await startProxy({ target: () => portOf(kind), nameOf, reached });
    proxies.push(proxy);
    connectionString = connectionString.replace(`:${portOf(kind)}/`, `:${proxy.port}/`);
  }
  return {
    connectionString,
    interrupt: (how) => {
      if (away) return undefined;
      away = true;
      for (const proxy of proxies) proxy.cut();
      return (async () => {
        if (how === 'stopped') await azurite.close();
        await wait(AWAY_MILLISECONDS);
        if (how === 'stopped') azurite = await startAzurite({ directory });
        for (const proxy of proxies) proxy.heal();
        away = false;
      })();
    },
    close: async () => {
      for (const proxy of proxies) proxy.close();
      await azurite.close();
    },
  };
}

const REQUEST = new RegExp(`^([A-Z]+) /${ACCOUNT}/([\\w-]+)[^ ]* HTTP/1\\.1\\r\\n`);

/** `storage: POST decide`, from the first line of a request. */
export function nameOf(chunk: Buffer): string | undefined {
  const [, method, name] = REQUEST.exec(chunk.subarray(0, 2048).toString('latin1')) ?? [];
  return name === undefined ? undefined : `storage: ${method} ${name}`;
}
