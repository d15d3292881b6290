import { createHmac, timingSafeEqual } from 'node:crypto';
import type { Handler } from '../web/node-adapter.js';
import type { BlobStore } from './blob-store.js';
import { blobResponse } from './blobs.js';
import { RegistryError } from './error.js';

/** Another host that serves blobs under signed links, as blob storage does behind a real registry. */
export interface BlobHost {
  /** A link to a blob, valid for twenty minutes. */
  readonly link: (digest: string) => string;
  readonly handle: Handler;
}

const VALID_MILLISECONDS = 20 * 60_000;

/**
 * Builds the other host. `origin` is its address, such as `https://storage.example`. A request that carries an
 * `Authorization` header is refused, which is how clients that forward their token find out:
 * https://learn.microsoft.com/azure/container-registry/container-registry-faq
 */
export function createBlobHost(deps: {
  readonly origin: string;
  readonly blobs: BlobStore;
  readonly secret: Uint8Array;
  readonly clock: () => Date;
}): BlobHost {
  const sign = (digest: string, until: string) =>
    createHmac('sha256', deps.secret).update(`${digest} ${until}`).digest('base64url');
  return {
    link: (digest) => {
      const until = String(deps.clock().getTime() + VALID_MILLISECONDS);
      const query = new URLSearchParams({ se: until, sig: sign(digest, until) });
      return `${deps.origin}/blobs/${digest}?${query.toString()}`;
    },
    handle: async (request) => {
      const url = new URL(request.url);
      const digest = decodeURIComponent(url.pathname.slice('/blobs/'.length));
      const until = url.searchParams.get('se') ?? '';
      const [given, wanted] = [url.searchParams.get('sig') ?? '', sign(digest, until)].map((text) => Buffer.from(text));
      const signed =
        given !== undefined &&
        wanted !== undefined &&
        given.byteLength === wanted.byteLength &&
        timingSafeEqual(given, wanted);
      if (request.headers.has('authorization')) return refuse(400, 'InvalidAuthenticationInfo');
      if (!signed || Number(until) < deps.clock().getTime()) return refuse(403, 'AuthenticationFailed');
      const size = await deps.blobs.size(digest);
      if (size === undefined) return refuse(404, 'BlobNotFound');
      try {
        return await blobResponse(deps.blobs, request, { digest, size });
      } catch (error) {
        if (error instanceof RegistryError) return refuse(error.status, 'InvalidRange');
        throw error;
      }
    },
  };
}

function refuse(status: number, code: string): Response {
  const body = `<?xml version="1.0" encoding="utf-8"?><Error><Code>${code}</Code></Error>`;
  return new Response(body, { status, headers: { 'content-type': 'application/xml', 'x-ms-error-code': code } });
}
