import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { TLSSocket } from 'node:tls';

/** A pure web handler: the same in a test, as an injected `fetch`, and behind a socket. */
export type Handler = (request: Request) => Promise<Response>;

const SMALL_BYTES = 64 * 1024;

/** Mounts a handler on `node:http` or `node:https`. Bodies stream both ways, with backpressure. */
export function serve(handler: Handler, onError: (error: unknown) => void = () => undefined): RequestListener {
  return (incoming, outgoing) => {
    respond(handler, incoming, outgoing).catch((error: unknown) => {
      if (!isDisconnect(error)) onError(error);
      if (outgoing.headersSent) outgoing.destroy();
      else outgoing.writeHead(500).end();
    });
  };
}

async function respond(handler: Handler, incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
  const response = await handler(toRequest(incoming));
  if (response.body !== null && incoming.method !== 'HEAD' && isSmall(response)) {
    const body = Buffer.from(await response.arrayBuffer());
    outgoing.writeHead(response.status, Object.fromEntries(response.headers)).end(body);
    return;
  }
  // Node sends headers of one name as a list; fetch has only set-cookie more than once, which no handler here uses.
  outgoing.writeHead(response.status, Object.fromEntries(response.headers));
  if (response.body === null || incoming.method === 'HEAD') {
    await response.body?.cancel();
    outgoing.end();
    return;
  }
  await pipeline(Readable.fromWeb(response.body), outgoing);
}

/** One piece, which leaves together with its headers: the apparatus of a stream costs many times what it carries. */
function isSmall({ headers }: Response): boolean {
  const length = headers.get('content-length');
  return length !== null && Number(length) <= SMALL_BYTES;
}

function toRequest(incoming: IncomingMessage): Request {
  const scheme = (incoming.socket as Partial<TLSSocket>).encrypted === true ? 'https' : 'http';
  const url = new URL(incoming.url ?? '/', `${scheme}://${incoming.headers.host ?? '127.0.0.1'}`);
  const headers = new Headers();
  for (let i = 0; i + 1 < incoming.rawHeaders.length; i += 2) {
    headers.append(incoming.rawHeaders[i] ?? '', incoming.rawHeaders[i + 1] ?? '');
  }
  const method = incoming.method ?? 'GET';
  const hasBody = method !== 'GET' && method !== 'HEAD';
  return new Request(url, {
    method,
    headers,
    ...(hasBody && { body: Readable.toWeb(incoming) as NonNullable<RequestInit['body']>, duplex: 'half' }),
  });
}

function isDisconnect(error: unknown): boolean {
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
  return code === 'ERR_STREAM_PREMATURE_CLOSE' || code === 'ECONNRESET' || code === 'EPIPE';
}
