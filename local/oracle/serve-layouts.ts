import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { MediaType } from '../../shared/artifact/media-type.js';
import { type Handler, serve } from '../web/node-adapter.js';
import { type StoredLayout, linksOf } from './layout.js';

/** A registry that serves layouts for reading. */
export interface LayoutRegistry {
  /** `127.0.0.1:port`. */
  readonly host: string;
  /** Serves this layout as a repository of this name. */
  readonly add: (repository: string, layout: StoredLayout) => void;
  readonly remove: (repository: string) => void;
  readonly close: () => void;
}

/**
 * Starts a registry on loopback that says whatever a layout holds, right or wrong: a real one would refuse half of the
 * mutations before a verifier sees them. OCI distribution specification 1.1, the reading half.
 */
export async function serveLayouts(): Promise<LayoutRegistry> {
  const repositories = new Map<string, StoredLayout>();
  const server = createServer(serve(createHandler(repositories)));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    add: (repository, layout) => void repositories.set(repository, layout),
    remove: (repository) => void repositories.delete(repository),
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

function createHandler(repositories: ReadonlyMap<string, StoredLayout>): Handler {
  return ({ url }) => {
    const path = new URL(url).pathname;
    if (path === '/v2/' || path === '/v2') return Promise.resolve(Response.json({}));
    const [, name = '', kind, reference = ''] = /^\/v2\/(.+)\/(manifests|blobs|referrers)\/([^/]+)$/.exec(path) ?? [];
    const layout = repositories.get(name);
    return Promise.resolve((layout && answer(layout, { kind, reference })) ?? new Response(null, { status: 404 }));
  };
}

function answer(
  { manifests, blobs }: StoredLayout,
  { kind, reference }: { readonly kind: string | undefined; readonly reference: string },
): Response | undefined {
  if (kind === 'blobs') {
    const blob = blobs.get(reference);
    return blob && new Response(Buffer.from(blob), { headers: { 'content-length': String(blob.byteLength) } });
  }
  if (kind === 'manifests') {
    const found = manifests.find(({ digest, tag }) => digest === reference || tag === reference);
    return (
      found &&
      new Response(Buffer.from(found.bytes), {
        headers: {
          'content-type': found.mediaType,
          'content-length': String(found.bytes.byteLength),
          'docker-content-digest': found.digest,
        },
      })
    );
  }
  const listed = manifests.flatMap(({ digest, mediaType, bytes }) => {
    const { subject, artifactType, config } = linksOf(bytes);
    if (subject?.digest !== reference) return [];
    const type = artifactType ?? config?.mediaType;
    return [{ mediaType, digest, size: bytes.byteLength, ...(type !== undefined && { artifactType: type }) }];
  });
  return Response.json(
    { schemaVersion: 2, mediaType: MediaType.ociIndex, manifests: listed },
    { headers: { 'content-type': MediaType.ociIndex } },
  );
}
