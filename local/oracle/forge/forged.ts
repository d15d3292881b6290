import { MediaType } from '../../../shared/artifact/media-type.js';
import { type Artifact, imageOf, makeArtifact } from '../../sample/image.js';
import { type Blob, toBlob } from '../../sample/layer.js';
import type { FixtureCase } from '../case.js';
import type { StoredLayout } from '../layout.js';

/** A signature that no tool would make: signed properly, over what ought not to be signed. Made with fresh keys each time. */
export interface Forged {
  readonly fixture: FixtureCase;
  readonly layout: StoredLayout;
  /** Files beside the layout, by their path. */
  readonly files: Readonly<Record<string, string | Uint8Array>>;
}

/** What a signature is about, as Notation signs it. */
export interface Target {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
}

/** The image that forgeries are about. */
export async function forgedImage(): Promise<{ readonly image: Artifact; readonly target: Target }> {
  const image = await imageOf([{ path: 'fixture', content: 'forged' }]);
  return { image, target: { mediaType: image.mediaType, digest: image.digest, size: image.bytes.byteLength } };
}

/** An image with one signature that refers to it. */
export function withReferrer(
  image: Artifact,
  {
    artifactType,
    configType,
    layerType,
    bytes,
  }: {
    readonly artifactType?: string;
    readonly configType: string;
    readonly layerType: string;
    readonly bytes: Uint8Array;
  },
): StoredLayout {
  const { mediaType, digest, bytes: own } = image;
  return withArtifact(
    image,
    makeArtifact({
      configType,
      config: toBlob('{}'),
      layers: [{ type: layerType, blob: toBlob(bytes) }],
      extra: {
        ...(artifactType !== undefined && { artifactType }),
        subject: { mediaType, digest, size: own.byteLength },
      },
    }),
  );
}

/** An image with one signature in Cosign's older form. */
export function withTagged(
  image: Artifact,
  payload: Blob,
  annotations: Readonly<Record<string, string>>,
): StoredLayout {
  const config = toBlob(JSON.stringify({ rootfs: { type: 'layers', diff_ids: [payload.digest] } }));
  const layers = [{ type: MediaType.simpleSigning, blob: payload, annotations }];
  const signature = makeArtifact({ configType: MediaType.ociConfig, config, layers });
  return withArtifact(image, signature, `${image.digest.replace(':', '-')}.sig`);
}

function withArtifact(image: Artifact, signature: Artifact, tag?: string): StoredLayout {
  const manifests = [
    { ...image, tag: 'v1' },
    { ...signature, ...(tag !== undefined && { tag }) },
  ].map(({ digest, mediaType, bytes, ...rest }) => ({
    digest,
    mediaType,
    bytes,
    ...('tag' in rest && { tag: rest.tag }),
  }));
  const blobs = new Map([...image.blobs, ...signature.blobs].map(({ digest, bytes }) => [digest, bytes]));
  return { manifests, blobs };
}

/** A case for something forged. What is expected of it is what the official tool says, or stricter. */
export function forgedCase(
  name: string,
  { image, tool, verify }: Pick<FixtureCase, 'tool' | 'verify'> & { readonly image: Artifact },
): FixtureCase {
  const rest = { description: '', made: [], expected: 'pass', official: 'pass' } as const;
  return { name, tool, verify, image: image.digest, ...rest };
}
