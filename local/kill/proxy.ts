import { type AddressInfo, type Socket, connect, createServer } from 'node:net';

/** A port before another one, through which everything passes and which can be cut. */
export interface Proxy {
  readonly port: number;
  /** Ends every connection, and every new one. */
  readonly cut: () => void;
  readonly heal: () => void;
  readonly close: () => void;
}

/** What {@link startProxy} needs. */
export interface ProxyOptions {
  readonly target: () => number;
  /** What a request is called; undefined for what is no beginning of one. */
  readonly nameOf: (chunk: Buffer) => string | undefined;
  /** Awaited before a request goes on (`arrived`), and before its answer does (`answered`). */
  readonly reached: (moment: string) => Promise<void>;
}

const HOST = '127.0.0.1';

/** Starts a proxy on loopback for HTTP/1.1, whose requests come one after the other on a connection. */
export async function startProxy({ target, nameOf, reached }: ProxyOptions): Promise<Proxy> {
  const sockets = new Set<Socket>();
  let open = true;
  const server = createServer((client) => {
    if (!open) {
      client.destroy();
      return;
    }
    const upstream = connect(target(), HOST);
    let unanswered: string | undefined;
    relay(client, upstream, async (chunk) => {
      const name = nameOf(chunk);
      if (name === undefined) return;
      await reached(`${name} arrived`);
      unanswered = name;
    });
    relay(upstream, client, async () => {
      const name = unanswered;
      unanswered = undefined;
      if (name !== undefined) await reached(`${name} answered`);
    });
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('close', () => sockets.delete(socket));
    }
  });
  await new Promise<void>((resolve) => server.listen(0, HOST, resolve));
  const drop = () => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    port: (server.address() as AddressInfo).port,
    cut: () => {
      open = false;
      drop();
    },
    heal: () => {
      open = true;
    },
    close: () => {
      open = false;
      server.close();
      drop();
    },
  };
}

/** Passes on what comes, in its order, each piece once `before` is over; the end of one side ends the other. */
function relay(from: Socket, to: Socket, before: (chunk: Buffer) => Promise<void>): void {
  let last = Promise.resolve();
  from.on('data', (chunk: Buffer) => {
    last = last.then(async () => {
      await before(chunk);
      if (!to.destroyed) to.write(chunk);
    });
  });
  from.on('error', () => from.destroy());
  from.on('close', () => {
    void last.then(() => to.end());
  });
}
