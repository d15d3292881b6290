import {
  type IncomingMessage,
  type RequestListener,
  type Server,
  createServer,
  request as httpRequest,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { createCache } from '../../shared/revocation/cache.js';
import { type RevocationFetcherDeps, createRevocationFetcher } from '../../shared/revocation/fetch-answers.js';
import { type RevocationRequest, revocationOf } from '../../shared/signature/revocation.js';
import { MAX_OCSP_BYTES } from '../../shared/signature/x509/ocsp.js';
import { NOW, daysFromNow, makeChain } from '../support/certificates.js';
import { answered, makeCrl, makeOcsp } from '../support/revocation-authority.js';

const servers: Server[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

/** A server on this machine, and its host as it stands in a URL under `name`. */
async function serve(handle: RequestListener, name = 'ca.test') {
  const server = createServer(handle);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `${name}:${(server.address() as AddressInfo).port}`;
}

const bytesOf = async (request: IncomingMessage) => Buffer.concat(await request.toArray());
const crl = (url: string, id = url): RevocationRequest => ({ kind: 'crl', id, url });
const ocsp = (url: string): RevocationRequest => ({ kind: 'ocsp', id: url, url, body: Buffer.from('question') });

function fetcher(allowed: readonly string[], deps: Partial<RevocationFetcherDeps> = {}) {
  const lookups: string[] = [];
  const fetch = createRevocationFetcher({
    lookup: (host) => {
      lookups.push(host);
      return Promise.resolve(['127.0.0.1']);
    },
    clock: () => NOW,
    allowedHosts: new Set(allowed),
    ...deps,
  });
  return { lookups, one: async (request: RevocationRequest) => (await fetch([request]))[0]!, fetch };
}
const failure = (code: string) => ({ outcome: 'failed', code, at: NOW.toISOString() });

describe('what asks certificate authorities', () => {
  it('puts a question to a responder and reads a list', async () => {
    const seen: unknown[] = [];
    const host = await serve((request, response) => {
      const { method, url, headers } = request;
      void bytesOf(request).then((body) => {
        seen.push([method, url, headers.host, headers['content-type'], body.toString()]);
        response.end(`answer to ${method}`);
      });
    });
    const { fetch, lookups } = fetcher([host]);
    const requests = [ocsp(`http://${host}/ocsp?a=b`), crl(`http://${host}/list.crl`)];
    expect(
      (await fetch(requests)).map((answer) => ({ ...answer, bytes: 'bytes' in answer && answer.bytes.toString() })),
    ).toEqual([
      { id: requests[0]!.id, at: NOW.toISOString(), outcome: 'answered', bytes: 'answer to POST' },
      { id: requests[1]!.id, at: NOW.toISOString(), outcome: 'answered', bytes: 'answer to GET' },
    ]);
    expect(seen.sort()).toEqual([
      ['GET', '/list.crl', host, undefined, ''],
      ['POST', '/ocsp?a=b', host, 'application/ocsp-request', 'question'],
    ]);
    // Looked up once, and connected to what was found.
    expect(lookups).toEqual(['ca.test', 'ca.test']);
  });

  it('leads a chain from its questions to its verdict', async () => {
    const world = makeChain({ leaf: { serial: 7n } });
    const bytes = { '/ocsp': Buffer.from('nonsense'), '/list': makeCrl({ issuer: world.intermediate }) };
    const host = await serve((request, response) => response.end(bytes[request.url as keyof typeof bytes]));
    const leaf = { ocsp: [`http://${host}/ocsp`], crl: [`http://${host}/list`] };
    const asking = makeChain({
      root: { keys: world.root.keys },
      intermediate: { keys: world.intermediate.keys },
      leaf,
    });
    const { fetch } = fetcher([host]);
    const answers = new Map();
    for (let round = 0; round < 2; round++) {
      const { needs } = revocationOf(asking.chain, { answers, now: NOW });
      expect(needs).toHaveLength(1);
      for (const answer of await fetch(needs)) answers.set(answer.id, answer);
    }
    expect(revocationOf(asking.chain, { answers, now: NOW })).toMatchObject({ outcome: 'ok', needs: [] });
  });

  it.each([
    ['127.0.0.1'],
    ['10.1.2.3'],
    ['169.254.169.254'],
    ['168.63.129.16'],
    ['100.64.0.1'],
    ['::1'],
    ['fd00::1'],
    ['fe80::1'],
    ['::ffff:10.0.0.1'],
    ['224.0.0.1'],
    ['0.0.0.0'],
    // One of them is enough.
    ['8.8.8.8', '10.0.0.1'],
    ['2606:4700::1111', '::1'],
  ])('connects to no host at %s', async (...addresses) => {
    const request = () => expect.fail('a connection was made');
    const { one } = fetcher([], { lookup: () => Promise.resolve(addresses), request });
    expect(await one(crl('http://ca.test/'))).toMatchObject(failure('HOST_REFUSED'));
  });
  it.each([
    'http://127.0.0.1/',
    'http://[::1]/',
    'http://2130706433/',
    'http://0x7f.1/',
    'http://0177.0.0.1/',
    'http://[::ffff:7f00:1]/',
    'http://169.254.169.254/metadata/identity',
    'http://ca.test.:80/',
    'http://ca.test.example/',
    'http://port.test:8080/',
  ])('connects to %s under no other name', async (url) => {
    const request = () => expect.fail('a connection was made');
    const { one } = fetcher(['ca.test', 'port.test:8081'], { lookup: () => Promise.resolve(['10.0.0.1']), request });
    expect(await one(crl(url))).toMatchObject(failure('HOST_REFUSED'));
  });
  it.each(['8.8.8.8', '2606:4700::1111'])(
    'connects to the public address %s that it was told, and nowhere else',
    async (address) => {
      const host = await serve((_, response) => response.end('here'));
      const hosts: unknown[] = [];
      const { one } = fetcher([], {
        lookup: () => Promise.resolve([address]),
        request: (options) => {
          hosts.push([options.host, options.port, options.headers]);
          return httpRequest({ ...options, host: '127.0.0.1', port: host.split(':')[1]! });
        },
      });
      expect(await one(crl('http://ca.test/'))).toMatchObject({ outcome: 'answered' });
      expect(hosts).toEqual([[address, 80, { host: 'ca.test', connection: 'close' }]]);
    },
  );

  it.each([
    'https://ca.test/',
    'ldap://ca.test/',
    'file:///etc/passwd',
    'http://user@ca.test/',
    'http://:secret@ca.test/',
    'no address',
    '',
    `http://ca.test/${'a'.repeat(2048)}`,
  ])('refuses the address %.40s', async (url) => {
    expect(await fetcher(['ca.test']).one(crl(url))).toMatchObject(failure('URL_REFUSED'));
  });

  it.each<[string, string, RequestListener]>([
    ['BAD_STATUS', 'a redirect', (_, response) => response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end()],
    ['BAD_STATUS', 'an error', (_, response) => response.writeHead(500).end()],
    ['BAD_STATUS', 'nothing new', (_, response) => response.writeHead(204).end()],
    ['TOO_LARGE', 'more than it says', (_, response) => response.end(Buffer.alloc(MAX_OCSP_BYTES + 1))],
    ['TOO_LARGE', 'a great size', (_, response) => response.writeHead(200, { 'content-length': 1e12 }).write('a')],
    [
      'TOO_LARGE',
      'no end',
      (_, response) => {
        const more = () => response.write(Buffer.alloc(8192)) && setImmediate(more);
        response.on('drain', more);
        more();
      },
    ],
    ['NETWORK', 'a broken connection', (request) => request.socket.destroy()],
    [
      'NETWORK',
      'a broken body',
      (request, response) => {
        response.writeHead(200, { 'content-length': 100 }).write('a', () => request.socket.destroy());
      },
    ],
    ['TIMEOUT', 'silence', () => undefined],
    ['TIMEOUT', 'a body that does not end', (_, response) => response.writeHead(200).write('a')],
  ])('takes for %s what answers with %s', async (code, _, handle) => {
    const host = await serve(handle);
    const { one } = fetcher([host], { milliseconds: { ocsp: code === 'TIMEOUT' ? 100 : 5000, crl: 5000 } });
    expect(await one(ocsp(`http://${host}/`))).toMatchObject(failure(code));
  });
  it('waits for no name, and goes on without an address', async () => {
    const milliseconds = { ocsp: 50, crl: 50 };
    const silent = fetcher([], { lookup: () => new Promise(() => undefined), milliseconds });
    expect(await silent.one(crl('http://ca.test/'))).toMatchObject(failure('TIMEOUT'));
    const unknown = fetcher([], { lookup: () => Promise.reject(new Error('ENOTFOUND')) });
    expect(await unknown.one(crl('http://ca.test/'))).toMatchObject(failure('NETWORK'));
    const nowhere = fetcher(['ca.test'], { lookup: () => Promise.resolve([]) });
    expect(await nowhere.one(crl('http://ca.test/'))).toMatchObject(failure('NETWORK'));
  });

  it('has no more than so many connections at once', async () => {
    let [now, most] = [0, 0];
    const host = await serve((_, response) => {
      most = Math.max(most, ++now);
      setTimeout(() => response.end('a', () => now--), 5);
    });
    const { fetch } = fetcher([host], { atOnce: 3 });
    const answers = await fetch(Array.from({ length: 20 }, (_, n) => crl(`http://${host}/${n}`)));
    expect(answers.every(({ outcome }) => outcome === 'answered')).toBe(true);
    expect(most).toBe(3);
  });
});

describe('what is kept of answers', () => {
  const world = makeChain();
  const good = { certificate: world.leaf, issuer: world.intermediate };

  it.each<[string, typeof crl | typeof ocsp, number, Uint8Array]>([
    ['an hour', crl, 3600, makeCrl({ issuer: world.intermediate })],
    ['until the list is over', crl, 1800, makeCrl({ issuer: world.intermediate, nextUpdate: daysFromNow(1 / 48) })],
    ['until the answer is over', ocsp, 1800, makeOcsp({ ...good, nextUpdate: daysFromNow(1 / 48) })],
    ['for ten seconds where it is over already', ocsp, 10, makeOcsp({ ...good, nextUpdate: daysFromNow(-1) })],
    ['for ten seconds where it has no end', ocsp, 10, makeOcsp({ ...good, nextUpdate: false })],
    ['for ten seconds where a responder refuses', ocsp, 10, makeOcsp({ ...good, responseStatus: 3 })],
    ['for ten seconds where it is no answer', ocsp, 10, Buffer.from('<html>')],
    ['for ten seconds where it is no list', crl, 10, makeOcsp(good)],
  ])('is kept %s', async (_, kind, seconds, bytes) => {
    let [count, now] = [0, NOW];
    const host = await serve((_request, response) => {
      count++;
      response.end(bytes);
    });
    const { one } = fetcher([host], { clock: () => now });
    const request = kind(`http://${host}/`);
    const first = await one(request);
    now = new Date(NOW.getTime() + (seconds - 1) * 1000);
    expect(await one(request)).toBe(first);
    now = new Date(NOW.getTime() + seconds * 1000);
    expect(await one(request)).not.toBe(first);
    expect(count).toBe(2);
  });

  it('keeps a failure for ten seconds, and asks once for many', async () => {
    let [count, now] = [0, NOW];
    const host = await serve((_, response) => {
      count++;
      response.writeHead(500).end();
    });
    const { fetch, one } = fetcher([host], { clock: () => now });
    const request = crl(`http://${host}/`);
    await Promise.all([fetch([request, request]), one(request)]);
    expect(count).toBe(1);
    now = new Date(NOW.getTime() + 9_999);
    await one(request);
    expect(count).toBe(1);
    now = new Date(NOW.getTime() + 10_000);
    await one(request);
    expect(count).toBe(2);
  });

  it('is bounded in number and size', () => {
    const until = daysFromNow(1);
    const answerOf = (id: string, size: number) => answered(crl('', id), Buffer.alloc(size));
    const cache = createCache({ count: 3, bytes: 100 });
    const kept = () => ['a', 'b', 'c', 'd', 'e'].filter((id) => cache.get(id, NOW) !== undefined).join('');
    for (const id of ['a', 'b', 'c', 'd']) cache.set(answerOf(id, 10), until);
    expect(kept()).toBe('bcd');
    cache.set(answerOf('e', 85), until);
    expect(kept()).toBe('de');
    cache.set(answerOf('e', 101), until);
    expect(kept()).toBe('d');
    cache.set(answerOf('d', 95), until);
    cache.set(answerOf('a', 5), until);
    expect(kept()).toBe('ad');
  });
});
