import { MediaType } from '../../../shared/artifact/media-type.js';
import { makeArtifact } from '../../../local/sample/image.js';
import { type Blob, toBlob } from '../../../local/sample/layer.js';
import { type PushTarget, type Session, openSession, push } from '../../../local/sample/push.js';

/** By what a report's age is told. */
export const CREATED = 'org.opencontainers.image.created';

interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly artifactType?: string;
}

/** Something that is attached to an image. */
export interface Attachment {
  readonly artifactType: string;
  /** The type of its configuration, where that is what tells what it is. */
  readonly configType?: string;
  readonly layerType?: string;
  readonly bytes: Uint8Array;
  readonly annotations?: Readonly<Record<string, string>>;
}

function at(reference: string): { readonly target: PushTarget; readonly session: Session; readonly digest: string } {
  const [, host = '', repository = '', digest = ''] = /^([^/]+)\/([^@]+)@(.+)$/.exec(reference) ?? [];
  const target = { origin: `http://${host}`, repository, fetch, actions: 'pull,push,delete' };
  return { target, session: openSession(target), digest };
}

async function get(session: Session, path: string): Promise<Response> {
  const response = await session(path, { method: 'GET' });
  if (response.status !== 200) throw new Error(`${path}: ${response.status}`);
  return response;
}

async function blobOf(session: Session, digest: string): Promise<Blob> {
  return toBlob(new Uint8Array(await (await get(session, `/blobs/${digest}`)).arrayBuffer()));
}

/** What is attached to an image, of one type. */
export async function attached(reference: string, artifactType: string): Promise<readonly Descriptor[]> {
  const { session, digest } = at(reference);
  const response = await get(session, `/referrers/${digest}`);
  const { manifests } = (await response.json()) as { readonly manifests: readonly Descriptor[] };
  return manifests.filter((each) => each.artifactType === artifactType);
}

/** The first blob of what is attached, with its type. */
export async function contentOf(
  reference: string,
  artifactType: string,
): Promise<{ readonly bytes: Uint8Array; readonly layerType: string }> {
  const { session } = at(reference);
  const [descriptor] = await attached(reference, artifactType);
  if (descriptor === undefined) throw new Error(`no ${artifactType} at ${reference}`);
  const manifest = await get(session, `/manifests/${descriptor.digest}`);
  const { layers } = (await manifest.json()) as { readonly layers: readonly Descriptor[] };
  return { bytes: (await blobOf(session, layers[0]!.digest)).bytes, layerType: layers[0]!.mediaType };
}

/** Attaches something to an image, as anybody can who may push to its repository. */
export async function attach(reference: string, what: Attachment): Promise<void> {
  const { target, session, digest } = at(reference);
  const subject = await get(session, `/manifests/${digest}`);
  const mediaType = subject.headers.get('content-type');
  const size = (await subject.arrayBuffer()).byteLength;
  const { artifactType, configType = MediaType.ociEmpty, layerType = artifactType, annotations = {} } = what;
  const artifact = makeArtifact({
    configType,
    config: toBlob('{}'),
    layers: [{ type: layerType, blob: toBlob(what.bytes) }],
    extra: { artifactType, subject: { mediaType, digest, size }, annotations },
  });
  await push(artifact, target);
}

/** Deletes what is attached, of one type. */
export async function detach(reference: string, artifactType: string): Promise<void> {
  const { session } = at(reference);
  for (const { digest } of await attached(reference, artifactType)) {
    const { status } = await session(`/manifests/${digest}`, { method: 'DELETE' });
    if (status !== 202) throw new Error(`${digest} is not deleted: ${status}`);
  }
}

/** Copies Cosign's tag of one image to another. */
export async function copyCosignTag(from: string, to: string): Promise<void> {
  const tagOf = (digest: string) => `${digest.replace(':', '-')}.sig`;
  const source = at(from);
  const text = await (await get(source.session, `/manifests/${tagOf(source.digest)}`)).text();
  const { config, layers } = JSON.parse(text) as { config: Descriptor; layers: readonly Descriptor[] };
  const blobs = await Promise.all([config, ...layers].map(({ digest }) => blobOf(source.session, digest)));
  const { target, digest } = at(to);
  await push({ ...toBlob(text), mediaType: MediaType.ociManifest, blobs, children: [] }, target, {
    tag: tagOf(digest),
  });
}
