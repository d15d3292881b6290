import { createServer, type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';

/** The answer to one call, as an encoded message; undefined for a method that we do not have. */
export type Methods = (path: string) => Uint8Array | undefined;

// https://github.com/grpc/grpc/blob/master/doc/statuscodes.md
const OK = '0';
const UNIMPLEMENTED = '12';
const EMPTY = new Uint8Array();

/**
 * Serves unary gRPC calls on loopback, over HTTP/2 without TLS. What a caller sends is read and ignored: nothing that this
 * provider answers depends on it. Resolves with the port.
 */
export function serve(methods: Methods, afterwards: (path: string) => void): Promise<number> {
  const server = createServer();
  server.on('stream', (stream, headers) => {
    const path = headers[':path'] ?? '';
    stream.on('error', () => undefined);
    stream.resume();
    const answer = methods(path);
    // A stream of the caller's that we do not have is refused at once: it may never end by itself.
    if (answer === undefined) reply(stream, UNIMPLEMENTED, EMPTY);
    else stream.on('end', () => reply(stream, OK, frame(answer)));
    stream.on('close', () => afterwards(path));
  });
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port));
  });
}

/** https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md: not compressed, and the length. */
function frame(message: Uint8Array): Buffer {
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(message.byteLength, 1);
  return Buffer.concat([prefix, message]);
}

function reply(stream: ServerHttp2Stream, status: string, body: Uint8Array): void {
  if (stream.destroyed) return;
  stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
  stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': status }));
  stream.end(body);
}
