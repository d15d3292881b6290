import { type ClientRequest, type IncomingMessage, type RequestOptions, request as httpRequest } from 'node:http';
import { isIP } from 'node:net';
import { AppError } from '../error/app-error.js';
import { readBody } from '../net/read-body.js';
import { isPublicAddress } from './address.js';

const MAX_URL_LENGTH = 2048;

/** The addresses of a host. */
export type Lookup = (host: string) => Promise<readonly string[]>;
/** Opens a request; Node's own, other than in tests. */
export type Request = (options: RequestOptions) => ClientRequest;

/** What an exchange is made with. */
export interface ExchangeDeps {
  readonly request?: Request;
  readonly lookup: Lookup;
  /** Hosts that may have any address, in lower case: `name`, at any port, or `name:port` as it stands in a URL. */
  readonly allowedHosts: ReadonlySet<string>;
}

/** One question. */
export interface Exchange {
  readonly url: string;
  /** Sent as an OCSP request; without it the URL is read. */
  readonly body?: Uint8Array;
  readonly maxBytes: number;
  /** For all of it, the look-up of the host included. */
  readonly milliseconds: number;
}

/**
 * Reads one address that stood in a certificate, over plain http, as certificates have it. Whoever wrote the certificate chose
 * the address, so it leads nowhere but to the public internet: the host is looked up once, all of its addresses have to be
 * public, and the connection goes to one of these very addresses. Redirects are not followed and nothing is sent but the question.
 *
 * Throws `URL_REFUSED`, `HOST_REFUSED`, `TIMEOUT`, `TOO_LARGE`, `BAD_STATUS`, `NETWORK`.
 */
export async function exchange(question: Exchange, deps: ExchangeDeps): Promise<Uint8Array> {
  const url = parseUrl(question.url);
  const signal = AbortSignal.timeout(question.milliseconds);
  const expired = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(new AppError('TIMEOUT', 'no answer in time')), { once: true });
  });
  const answer = (async () => send({ url, address: await addressOf(url, deps), question, signal }, deps))();
  try {
    return await Promise.race([answer, expired]);
  } catch (cause) {
    // The loser of the race may fail later, and nobody waits for it.
    answer.catch(() => undefined);
    if (cause instanceof AppError) throw cause;
    throw signal.aborted
      ? new AppError('TIMEOUT', 'no answer in time', { cause })
      : new AppError('NETWORK', 'no answer', { cause });
  }
}

function parseUrl(text: string): URL {
  const url = text.length > MAX_URL_LENGTH || !URL.canParse(text) ? undefined : new URL(text);
  if (url?.protocol !== 'http:' || url.username !== '' || url.password !== '') {
    throw new AppError('URL_REFUSED', 'an address that is not plain http');
  }
  return url;
}

async function addressOf(url: URL, { lookup, allowedHosts }: ExchangeDeps): Promise<string> {
  const host = url.hostname.replace(/^\[/, '').replace(/\]$/, '');
  const addresses = isIP(host) === 0 ? await lookup(host) : [host];
  // IPv4 first: not every network of Azure speaks the other.
  const address = addresses.find((each) => isIP(each) === 4) ?? addresses.find((each) => isIP(each) === 6);
  if (address === undefined) throw new AppError('NETWORK', 'a host without an address');
  if (!allowedHosts.has(url.host) && !allowedHosts.has(url.hostname) && !addresses.every(isPublicAddress)) {
    throw new AppError('HOST_REFUSED', 'a host that is not on the public internet');
  }
  return address;
}

interface Sending {
  readonly url: URL;
  readonly address: string;
  readonly question: Exchange;
  readonly signal: AbortSignal;
}

async function send({ url, address, question, signal }: Sending, deps: ExchangeDeps): Promise<Uint8Array> {
  const { body, maxBytes } = question;
  const request = (deps.request ?? httpRequest)({
    host: address,
    port: url.port === '' ? 80 : Number(url.port),
    path: `${url.pathname}${url.search}`,
    method: body === undefined ? 'GET' : 'POST',
    headers: {
      host: url.host,
      connection: 'close',
      ...(body !== undefined && { 'content-type': 'application/ocsp-request', 'content-length': body.byteLength }),
    },
    agent: false,
    signal,
  });
  try {
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      request.once('response', resolve);
      // Also those that come after the response: they reach the reader of its body.
      request.on('error', reject);
      request.end(body);
    });
    if (response.statusCode !== 200) throw new AppError('BAD_STATUS', `status ${response.statusCode ?? 0}`);
    const declared = Number(response.headers['content-length'] ?? 0);
    const bytes = declared > maxBytes ? undefined : await readBody(response, maxBytes);
    if (bytes === undefined) throw new AppError('TOO_LARGE', `more than ${maxBytes} bytes`);
    return bytes;
  } finally {
    request.destroy();
  }
}
