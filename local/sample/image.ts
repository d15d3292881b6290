import { generateKeyPairSync } from 'node:crypto';
import type { Digest } from '../../shared/artifact/digest.js';
import { MediaType } from '../../shared/artifact/media-type.js';
import { type Blob, type Layer, type LayerFile, makeLayer, toBlob } from './layer.js';

/** An artifact, ready to be pushed: its manifest, the blobs and the child manifests that it names. */
export interface Artifact extends Blob {
  readonly mediaType: string;
  readonly blobs: readonly Blob[];
  readonly children: readonly Artifact[];
}

/** Where an image runs. */
export interface Platform {
  readonly os: string;
  readonly architecture: string;
}

const AMD64: Platform = { os: 'linux', architecture: 'amd64' };

/** Puts layers together as an OCI image. `diffIds` are the layers' own unless a test lies about them. */
export function makeImage(
  layers: readonly Layer[],
  platform: Platform = AMD64,
  diffIds: readonly Digest[] = layers.map(({ diffId }) => diffId),
): Artifact {
  const config = toBlob(
    JSON.stringify({
      created: '1970-01-01T00:00:00Z',
      ...platform,
      config: {},
      rootfs: { type: 'layers', diff_ids: diffIds },
    }),
  );
  const manifest = toBlob(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: MediaType.ociManifest,
      config: descriptor(MediaType.ociConfig, config),
      layers: layers.map((layer) => descriptor('application/vnd.oci.image.layer.v1.tar+gzip', layer)),
    }),
  );
  return { ...manifest, mediaType: MediaType.ociManifest, blobs: [config, ...layers], children: [] };
}

/** An image of these files. */
export async function imageOf(files: readonly LayerFile[], platform?: Platform): Promise<Artifact> {
  return makeImage([await makeLayer(files)], platform);
}

/** An index of images, one for each platform. */
export function makeIndex(images: readonly { readonly image: Artifact; readonly platform: Platform }[]): Artifact {
  const manifests = images.map(({ image, platform }) => ({ ...descriptor(image.mediaType, image), platform }));
  const manifest = toBlob(JSON.stringify({ schemaVersion: 2, mediaType: MediaType.ociIndex, manifests }));
  return { ...manifest, mediaType: MediaType.ociIndex, blobs: [], children: images.map(({ image }) => image) };
}

/** Any artifact in the form of an image manifest. */
export function makeArtifact(parts: {
  readonly configType: string;
  readonly config: Blob;
  readonly layers: readonly {
    readonly type: string;
    readonly blob: Blob;
    readonly annotations?: Readonly<Record<string, string>>;
  }[];
  readonly extra?: Readonly<Record<string, unknown>>;
}): Artifact {
  const manifest = toBlob(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: MediaType.ociManifest,
      config: descriptor(parts.configType, parts.config),
      layers: parts.layers.map(({ type, blob, annotations }) => ({
        ...descriptor(type, blob),
        ...(annotations && { annotations }),
      })),
      ...parts.extra,
    }),
  );
  return {
    ...manifest,
    mediaType: MediaType.ociManifest,
    blobs: [parts.config, ...parts.layers.map(({ blob }) => blob)],
    children: [],
  };
}

/** A Helm chart, as `helm push` stores it. */
export async function helmChart(name: string): Promise<Artifact> {
  const chart = await makeLayer([
    { path: `${name}/Chart.yaml`, content: `apiVersion: v2\nname: ${name}\nversion: 1.0.0\n` },
  ]);
  return makeArtifact({
    configType: 'application/vnd.cncf.helm.config.v1+json',
    config: toBlob(JSON.stringify({ name, version: '1.0.0', apiVersion: 'v2' })),
    layers: [{ type: 'application/vnd.cncf.helm.chart.content.v1.tar+gzip', blob: chart }],
  });
}

/** The package database of a Debian 12 image with these packages: binary name, source name, version. */
export function debianFiles(
  packages: readonly (readonly [name: string, source: string, version: string])[],
): readonly LayerFile[] {
  const status = packages.map(([name, source, version]) =>
    [
      `Package: ${name}`,
      'Status: install ok installed',
      'Architecture: amd64',
      `Source: ${source}`,
      `Version: ${version}`,
      '',
    ].join('\n'),
  );
  return [
    {
      path: 'etc/os-release',
      content: 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nNAME="Debian GNU/Linux"\nVERSION_ID="12"\nID=debian\n',
    },
    { path: 'etc/debian_version', content: '12.5\n' },
    { path: 'var/lib/dpkg/status', content: status.join('\n') },
  ];
}

/** The package database of an Alpine image with these packages: name, source name, version. */
export function alpineFiles(
  release: string,
  packages: readonly (readonly [name: string, origin: string, version: string])[],
): readonly LayerFile[] {
  const installed = packages.map(([name, origin, version]) =>
    [`P:${name}`, `V:${version}`, 'A:x86_64', `o:${origin}`, ''].join('\n'),
  );
  return [
    { path: 'etc/os-release', content: `NAME="Alpine Linux"\nID=alpine\nVERSION_ID=${release}\n` },
    { path: 'etc/alpine-release', content: `${release}\n` },
    { path: 'lib/apk/db/installed', content: `${installed.join('\n')}\n` },
  ];
}

/** An installed npm package. */
export function npmFiles(name: string, version: string): readonly LayerFile[] {
  return [
    { path: `app/node_modules/${name}/package.json`, content: JSON.stringify({ name, version, license: 'MIT' }) },
  ];
}

/** A private key that nobody uses, made on the spot. */
export function privateKeyFiles(): readonly LayerFile[] {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  return [
    { path: 'app/deploy.pem', content: privateKey.export({ type: 'pkcs1', format: 'pem' }).toString(), mode: 0o600 },
  ];
}

/** A base that no scanner knows: one file that is no package of anything. */
export function unrecognisedFiles(): readonly LayerFile[] {
  return [{ path: 'opt/tool/run', content: 'not a package of any kind', mode: 0o755 }];
}

function descriptor(mediaType: string, { bytes, digest }: Blob) {
  return { mediaType, digest, size: bytes.byteLength };
}
