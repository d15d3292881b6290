import { AppError } from '../../shared/error/app-error.js';
import { type Artifact, imageOf, makeArtifact } from '../../local/sample/image.js';
import { toBlob } from '../../local/sample/layer.js';
import type { ProbeSend } from './session.js';

/** Attributes as the service's own interface names them. */
export type Change = Readonly<Partial<Record<'readEnabled' | 'writeEnabled' | 'deleteEnabled', boolean>>>;

/** Where experiments are made: one repository, new and our own. */
export interface Lab {
  readonly repository: string;
  readonly send: ProbeSend;
  /** Pushes a new image, by tag where there is one, and by digest otherwise. */
  readonly push: (name: string, tag?: string) => Promise<Artifact>;
  /** Something that refers to an image; its blobs are here, its manifest is not. */
  readonly referrer: (subject: Artifact, name: string) => Promise<Artifact>;
  /** PUTs a manifest and returns the status. */
  readonly put: (artifact: Artifact, reference: string) => Promise<number>;
  readonly lockRepository: (change: Change) => Promise<void>;
  readonly lockManifest: (digest: string, change: Change) => Promise<void>;
  readonly lockTag: (tag: string, change: Change) => Promise<void>;
  /** The status of GET or HEAD of a manifest. */
  readonly look: (method: 'GET' | 'HEAD', reference: string) => Promise<number>;
}

/** Sets the laboratory up. `seed` makes its images unlike any other. */
export function openLab(repository: string, seed: string, send: ProbeSend): Lab {
  const v2 = `/v2/${repository}`;
  const acr = `/acr/v1/${repository}`;
  const upload = async (artifact: Artifact): Promise<void> => {
    for (const { digest, bytes } of artifact.blobs) {
      const start = await send('POST', `${v2}/blobs/uploads/`);
      const location = start.headers.get('location');
      if (start.status !== 202 || location === null) throw unexpected('upload', start.status);
      const path = `${location}${location.includes('?') ? '&' : '?'}digest=${digest}`;
      const done = await send('PUT', path, { body: bytes, contentType: 'application/octet-stream' });
      if (done.status !== 201) throw unexpected('blob', done.status);
    }
  };
  const put = async ({ bytes, mediaType }: Artifact, reference: string): Promise<number> =>
    (await send('PUT', `${v2}/manifests/${reference}`, { body: bytes, contentType: mediaType })).status;
  const patch = async (path: string, change: Change): Promise<void> => {
    const body = Buffer.from(JSON.stringify(change));
    const { status } = await send('PATCH', path, { body, contentType: 'application/json' });
    if (status !== 200) throw unexpected('change of attributes', status);
  };
  return {
    repository,
    send,
    put,
    push: async (name, tag) => {
      const image = await imageOf([{ path: 'lazaret-probe', content: `${seed} ${name}` }]);
      await upload(image);
      const status = await put(image, tag ?? image.digest);
      if (status !== 201) throw unexpected('push', status);
      return image;
    },
    referrer: async (subject, name) => {
      const artifact = makeArtifact({
        configType: CONFIG_TYPE,
        config: toBlob(JSON.stringify({ seed, name })),
        layers: [],
        extra: {
          subject: { mediaType: subject.mediaType, digest: subject.digest, size: subject.bytes.byteLength },
        },
      });
      await upload(artifact);
      return artifact;
    },
    lockRepository: (change) => patch(acr, change),
    lockManifest: (digest, change) => patch(`${acr}/_manifests/${digest}`, change),
    lockTag: (tag, change) => patch(`${acr}/_tags/${tag}`, change),
    look: async (method, reference) => (await send(method, `${v2}/manifests/${reference}`)).status,
  };
}

/** The configuration's type of our referrers, which declare no artifactType of their own. */
export const CONFIG_TYPE = 'application/vnd.lazaret.probe.v1+json';

/** An answer that no question allows for. */
export function unexpected(what: string, status: number): AppError {
  return new AppError('PROBE_UNEXPECTED', `${what}: the registry answered ${status}`);
}

/** Opens every lock and deletes the repository. Throws `PROBE_LEFTOVER` where something stays. */
export async function cleanUp({ repository, send }: Pick<Lab, 'repository' | 'send'>): Promise<void> {
  const root = `/acr/v1/${repository}`;
  const contentType = 'application/json';
  const open = Buffer.from('{"readEnabled":true,"writeEnabled":true,"deleteEnabled":true}');
  const found = await send('PATCH', root, { body: open, contentType });
  if (found.status === 404) return;
  for (const kind of ['manifests', 'tags'] as const) {
    for (const item of await listAll(`${root}/_${kind}`, kind, send)) {
      await send('PATCH', `${root}/_${kind}/${item}`, { body: open, contentType });
    }
  }
  const { status } = await send('DELETE', root);
  if (status !== 202 && status !== 404)
    throw new AppError('PROBE_LEFTOVER', `${repository} could not be deleted (${status}): delete it by hand`);
}

async function listAll(path: string, kind: 'manifests' | 'tags', send: ProbeSend): Promise<readonly string[]> {
  const items: string[] = [];
  for (let next: string | undefined = path; next !== undefined;) {
    const { status, body, headers }: Awaited<ReturnType<ProbeSend>> = await send('GET', next);
    if (status !== 200) return items;
    const page = JSON.parse(Buffer.from(body).toString('utf8')) as Readonly<
      Record<string, readonly { readonly digest: string; readonly name?: string }[] | undefined>
    >;
    items.push(...(page[kind] ?? []).map(({ digest, name }) => (kind === 'tags' ? (name ?? '') : digest)));
    next = /<([^>]+)>/.exec(headers.get('link') ?? '')?.[1];
  }
  return items;
}
