import { mkdir, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { digestOf } from '../../shared/artifact/digest.js';
import { MANIFEST_ACCEPT, MediaType } from '../../shared/artifact/media-type.js';

/** A manifest as a registry keeps it. */
export interface StoredManifest {
  readonly digest: string;
  readonly mediaType: string;
  readonly bytes: Uint8Array;
  /** Nobody has to have tagged a signature. */
  readonly tag?: string;
}

/** An image with its signatures: the image's own manifest comes first. Blobs by digest. */
export interface StoredLayout {
  readonly manifests: readonly StoredManifest[];
  readonly blobs: ReadonlyMap<string, Uint8Array>;
}

interface Described {
  readonly digest: string;
  readonly mediaType: string;
}
/** The members of a manifest that lead to other things. */
interface Linked {
  readonly config?: Described;
  readonly layers?: readonly Described[];
  readonly manifests?: readonly Described[];
  readonly subject?: Described;
  readonly artifactType?: string;
}

const REF_NAME = 'org.opencontainers.image.ref.name';
const pathOf = (directory: string, digest: string) => join(directory, 'blobs', ...digest.split(':'));

/** The members that link a manifest to others; none where it is not JSON. */
export function linksOf(bytes: Uint8Array): Linked {
  try {
    return JSON.parse(Buffer.from(bytes).toString('utf8')) as Linked;
  } catch {
    return {};
  }
}

/** Reads an OCI image layout as it is: nothing is checked, since a mutation may have made it wrong. */
export async function readLayout(directory: string): Promise<StoredLayout> {
  const index = JSON.parse(await readFile(join(directory, 'index.json'), 'utf8')) as {
    readonly manifests: readonly (Described & { readonly annotations?: Readonly<Record<string, string>> })[];
  };
  const manifests = await Promise.all(
    index.manifests.map(async ({ digest, mediaType, annotations }) => {
      const tag = annotations?.[REF_NAME];
      const bytes = await readFile(pathOf(directory, digest));
      return { digest, mediaType, bytes, ...(tag !== undefined && { tag }) };
    }),
  );
  const known = new Set(manifests.map(({ digest }) => digest));
  const blobs = new Map<string, Uint8Array>();
  for (const algorithm of await readdir(join(directory, 'blobs'))) {
    for (const name of await readdir(join(directory, 'blobs', algorithm))) {
      const digest = `${algorithm}:${name}`;
      if (!known.has(digest)) blobs.set(digest, await readFile(pathOf(directory, digest)));
    }
  }
  return { manifests, blobs };
}

/** Writes an OCI image layout, in the place of whatever was there. */
export async function writeLayout(directory: string, { manifests, blobs }: StoredLayout): Promise<void> {
  await rm(directory, { recursive: true, force: true });
  await mkdir(join(directory, 'blobs', 'sha256'), { recursive: true });
  for (const { digest, bytes } of manifests) await writeFile(pathOf(directory, digest), bytes);
  for (const [digest, bytes] of blobs) await writeFile(pathOf(directory, digest), bytes);
  const listed = manifests.map(({ digest, mediaType, bytes, tag }) => {
    const { artifactType, config, subject } = linksOf(bytes);
    const type = artifactType ?? (subject === undefined ? undefined : config?.mediaType);
    return {
      mediaType,
      digest,
      size: bytes.byteLength,
      ...(tag !== undefined && { annotations: { [REF_NAME]: tag } }),
      ...(type !== undefined && { artifactType: type }),
    };
  });
  await writeFile(join(directory, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}\n');
  const index = { schemaVersion: 2, mediaType: MediaType.ociIndex, manifests: listed };
  await writeFile(join(directory, 'index.json'), `${JSON.stringify(index, null, 2)}\n`);
}

/** Pulls an image with everything that refers to it, and with Cosign's tags, out of a registry that asks nobody who they are. */
export async function pullLayout(origin: string, repository: string, tag: string): Promise<StoredLayout> {
  const scope = encodeURIComponent(`repository:${repository}:*`);
  const answer = await fetch(`${origin}/oauth2/token?scope=${scope}`);
  const { token } = (await answer.json()) as { readonly token: string };
  const ask = (path: string) =>
    fetch(`${origin}/v2/${repository}/${path}`, {
      headers: { authorization: `Bearer ${token}`, accept: MANIFEST_ACCEPT.join(', ') },
    });
  const manifests: StoredManifest[] = [];
  const blobs = new Map<string, Uint8Array>();
  const bytesOf = async (path: string) => new Uint8Array(await (await ask(path)).arrayBuffer());
  const take = async (reference: string, ownTag?: string): Promise<string | undefined> => {
    const response = await ask(`manifests/${reference}`);
    if (response.status !== 200) return undefined;
    const bytes = new Uint8Array(await response.arrayBuffer());
    const digest = digestOf(bytes);
    if (manifests.some((each) => each.digest === digest)) return digest;
    const mediaType = response.headers.get('content-type') ?? '';
    manifests.push({ digest, mediaType, bytes, ...(ownTag !== undefined && { tag: ownTag }) });
    const { config, layers = [], manifests: children = [] } = linksOf(bytes);
    for (const each of [...(config === undefined ? [] : [config]), ...layers]) {
      if (!blobs.has(each.digest)) blobs.set(each.digest, await bytesOf(`blobs/${each.digest}`));
    }
    for (const child of children) await take(child.digest);
    return digest;
  };
  const image = await take(tag, tag);
  if (image === undefined) throw new Error(`${repository}:${tag} is not there`);
  const referrers = (await (await ask(`referrers/${image}`)).json()) as { readonly manifests: readonly Described[] };
  for (const { digest } of referrers.manifests) await take(digest);
  for (const suffix of ['sig', 'att']) {
    const name = `${image.replace(':', '-')}.${suffix}`;
    await take(name, name);
  }
  return { manifests, blobs };
}
