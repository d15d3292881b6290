import { createServer as createHttp, type RequestListener } from 'node:http';
import { createServer as createHttps } from 'node:https';
import { type AddressInfo, type Socket, createServer } from 'node:net';

const TLS_HANDSHAKE = 0x16;

/** A listening port. */
export interface Listening {
  readonly port: number;
  readonly close: () => Promise<void>;
}

/**
 * Serves http and https on one port of loopback: the first byte of a connection tells which it is. Clients that know a
 * registry by `host:port` alone try one and then the other.
 */
export async function listenBoth(
  listener: RequestListener,
  { port, key, cert }: { readonly port: number; readonly key: string; readonly cert: string },
): Promise<Listening> {
  const plain = createHttp(listener);
  const secure = createHttps({ key, cert }, listener);
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => socket.destroy());
    socket.once('readable', () => {
      const first = socket.read(1) as Buffer | null;
      if (first === null) {
        socket.destroy();
        return;
      }
      socket.unshift(first);
      (first[0] === TLS_HANDSHAKE ? secure : plain).emit('connection', socket);
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
        plain.closeAllConnections();
        secure.closeAllConnections();
      }),
  };
}
