import type * as x509 from '@peculiar/x509';
import type { Handler } from '../web/node-adapter.js';
import { FIXTURE_START } from './authority.js';
import { type LogKey, createLogKey } from './certificate-log.js';
import { type FulcioFaults, createFulcio } from './fulcio.js';
import { createRekor } from './rekor.js';
import { createTimestampAuthority } from './timestamp.js';

/** A Sigstore for one machine: certificate authority, its log, transparency log and time stamps behind one handler. */
export interface Sigstore {
  readonly handle: Handler;
  /** `trusted_root.json`: what a verifier has to trust. */
  readonly trustedRoot: unknown;
  /** `signing_config.json`: what a signer has to ask, where it is served at this address. */
  readonly signingConfig: (origin: string, use?: { readonly log?: boolean; readonly timestamps?: boolean }) => unknown;
  /** The keys and certificates by themselves, in PEM: what version 2 of Cosign takes. */
  readonly files: Readonly<Record<'rekor.pub' | 'ctlog.pub' | 'fulcio.pem' | 'timestamps.pem', string>>;
}

/** What is wrong with a Sigstore, for tests. */
export interface SigstoreFaults extends FulcioFaults {
  /** By how many milliseconds the transparency log's clock is ahead. */
  readonly logAheadMilliseconds?: number;
}

/** A fresh Sigstore. The real tools sign against it; it believes whatever it is told, so nothing that it signs means much. */
export async function createSigstore(clock: () => Date, faults: SigstoreFaults = {}): Promise<Sigstore> {
  const [certificateLog, transparencyLog] = await Promise.all([createLogKey(), createLogKey()]);
  const fulcio = await createFulcio(certificateLog, clock, faults);
  const ahead = faults.logAheadMilliseconds ?? 0;
  const rekor = createRekor(transparencyLog, () => new Date(clock().getTime() + ahead));
  const stamps = await createTimestampAuthority('sigstore-timestamps');
  const routes: Readonly<Record<string, (request: Request) => Promise<Response>>> = {
    'POST /api/v2/signingCert': async (request) => {
      const { publicKeyRequest } = (await request.json()) as {
        readonly publicKeyRequest: { readonly publicKey: { readonly content: string } };
      };
      const certificates = await fulcio.certify(publicKeyRequest.publicKey.content, bearer(request));
      return Response.json({ signedCertificateEmbeddedSct: { chain: { certificates } } });
    },
    'POST /api/v1/signingCert': async (request) => {
      const { publicKey } = (await request.json()) as { readonly publicKey: { readonly content: string } };
      const pem = Buffer.from(publicKey.content, 'base64').toString('utf8');
      const certificates = await fulcio.certify(pem, bearer(request));
      const headers = { 'content-type': 'application/pem-certificate-chain' };
      return new Response(certificates.join(''), { status: 201, headers });
    },
    'POST /api/v1/log/entries': async (request) => {
      const { uuid, entry } = rekor.add(await request.json());
      const headers = { etag: uuid, location: `/api/v1/log/entries/${uuid}` };
      return Response.json({ [uuid]: entry }, { status: 201, headers });
    },
    'GET /api/v1/log/publicKey': () =>
      Promise.resolve(
        new Response(publicPem(transparencyLog), { headers: { 'content-type': 'application/x-pem-file' } }),
      ),
    'POST /api/v1/timestamp': async (request) => {
      const answer = await stamps.answer(new Uint8Array(await request.arrayBuffer()), clock());
      return new Response(Buffer.from(answer), {
        status: 201,
        headers: { 'content-type': 'application/timestamp-reply' },
      });
    },
  };
  return {
    handle: async (request) => {
      const route = routes[`${request.method} ${new URL(request.url).pathname}`];
      return route?.(request) ?? new Response(null, { status: 404 });
    },
    trustedRoot: {
      mediaType: 'application/vnd.dev.sigstore.trustedroot+json;version=0.1',
      tlogs: [logInstance(transparencyLog, 'https://rekor.example')],
      certificateAuthorities: [authority(fulcio.issued.chain, 'https://fulcio.example')],
      ctlogs: [logInstance(certificateLog, 'https://ctlog.example')],
      timestampAuthorities: [authority(stamps.issued.chain, 'https://timestamps.example')],
    },
    signingConfig: (origin, { log = true, timestamps = true } = {}) => {
      const service = (url: string) => [
        { url, majorApiVersion: 1, validFor: { start: FIXTURE_START.toISOString() }, operator: 'example' },
      ];
      return {
        mediaType: 'application/vnd.dev.sigstore.signingconfig.v0.2+json',
        caUrls: service(origin),
        oidcUrls: service(origin),
        rekorTlogUrls: log ? service(origin) : [],
        rekorTlogConfig: { selector: 'ANY' },
        tsaUrls: timestamps ? service(`${origin}/api/v1/timestamp`) : [],
        tsaConfig: { selector: 'ANY' },
      };
    },
    files: {
      'rekor.pub': publicPem(transparencyLog),
      'ctlog.pub': publicPem(certificateLog),
      'fulcio.pem': fulcio.issued.chain.map((each) => `${each.toString('pem')}\n`).join(''),
      'timestamps.pem': stamps.issued.chain.map((each) => `${each.toString('pem')}\n`).join(''),
    },
  };
}

function bearer({ headers }: Request): string {
  return (headers.get('authorization') ?? '').replace(/^Bearer /, '');
}

function publicPem({ keys }: LogKey): string {
  return keys.publicKey.export({ type: 'spki', format: 'pem' }).toString();
}

// https://github.com/sigstore/protobuf-specs/blob/main/protos/sigstore_trustroot.proto

function logInstance({ spki, id }: LogKey, baseUrl: string): unknown {
  return {
    baseUrl,
    hashAlgorithm: 'SHA2_256',
    publicKey: {
      rawBytes: spki.toString('base64'),
      keyDetails: 'PKIX_ECDSA_P256_SHA_256',
      validFor: { start: FIXTURE_START.toISOString() },
    },
    logId: { keyId: id.toString('base64') },
  };
}

function authority(chain: readonly x509.X509Certificate[], uri: string): unknown {
  return {
    subject: { organization: 'example', commonName: 'sigstore' },
    uri,
    certChain: { certificates: chain.map(({ rawData }) => ({ rawBytes: Buffer.from(rawData).toString('base64') })) },
    validFor: { start: FIXTURE_START.toISOString() },
  };
}
