import { digestOf } from '../../shared/artifact/digest.js';
import { type StoredLayout, type StoredManifest, linksOf } from './layout.js';

/** Hangs whatever signs the image of one layout onto the image of another: by its subject, or by Cosign's tag. */
export function moveSignatures(from: StoredLayout, to: StoredLayout): StoredLayout {
  const [old] = from.manifests;
  const [image] = to.manifests;
  if (old === undefined || image === undefined) throw new Error('a layout without an image');
  const subject = { mediaType: image.mediaType, digest: image.digest, size: image.bytes.byteLength };
  const tagOf = ({ digest }: StoredManifest) => digest.replace(':', '-');
  const moved = from.manifests.flatMap((manifest): StoredManifest[] => {
    const { mediaType, bytes, tag } = manifest;
    if (tag?.startsWith(tagOf(old)) === true) return [{ ...manifest, tag: tag.replace(tagOf(old), tagOf(image)) }];
    const links = linksOf(bytes);
    if (links.subject === undefined) return [];
    const changed = Buffer.from(JSON.stringify({ ...links, subject }));
    return [{ mediaType, bytes: changed, digest: digestOf(changed) }];
  });
  return withNeededBlobs({ manifests: [...to.manifests, ...moved], blobs: new Map([...from.blobs, ...to.blobs]) });
}

/** Leaves out the blobs that no manifest names. */
export function withNeededBlobs({ manifests, blobs }: StoredLayout): StoredLayout {
  const needed = new Set(
    manifests.flatMap(({ bytes }) => {
      const { config, layers = [] } = linksOf(bytes);
      return [...(config === undefined ? [] : [config]), ...layers].map(({ digest }) => digest);
    }),
  );
  return { manifests, blobs: new Map([...blobs].filter(([digest]) => needed.has(digest))) };
}
