import { describe, expect, it } from 'vitest';
import { classifyManifest, parseManifest } from '../../shared/artifact/manifest.js';
import { MediaType } from '../../shared/artifact/media-type.js';
import { EMPTY_DIGEST, digestOf } from '../../shared/artifact/digest.js';

const descriptor = (mediaType: string, digest: string = digestOf(mediaType)) => ({ mediaType, digest, size: 10 });
const LAYER = 'application/vnd.oci.image.layer.v1.tar+gzip';
const bytes = (value: unknown) => Buffer.from(JSON.stringify(value));

function single(config: string, layers: readonly string[], extra: object = {}) {
  return bytes({
    schemaVersion: 2,
    config: descriptor(config),
    layers: layers.map((type) => descriptor(type)),
    ...extra,
  });
}

describe('classifying by what would run', () => {
  const subject = descriptor(MediaType.ociManifest);
  it.each([
    ['an image', single(MediaType.ociConfig, [LAYER]), 'image'],
    ['a Docker image', single(MediaType.dockerConfig, ['application/vnd.docker.image.rootfs.diff.tar.gzip']), 'image'],
    ['an image without layers', single(MediaType.ociConfig, []), 'image'],
    ['an image that claims a subject', single(MediaType.ociConfig, [LAYER], { subject }), 'image'],
    [
      'an image that claims a type',
      single(MediaType.ociConfig, [LAYER], { artifactType: MediaType.sigstoreBundle }),
      'image',
    ],
    [
      'an image whose config claims to be a chart',
      single('application/vnd.cncf.helm.config.v1+json', [LAYER]),
      'image',
    ],
    [
      'an image with a signature among its layers',
      single(MediaType.ociConfig, [MediaType.simpleSigning, LAYER]),
      'image',
    ],
    ['an encrypted layer', single(MediaType.ociConfig, [`${LAYER}+encrypted`]), 'image'],
    [
      'a bundle',
      single(MediaType.ociEmpty, [MediaType.sigstoreBundle], { artifactType: MediaType.sigstoreBundle, subject }),
      'signature',
    ],
    ['a .sig manifest', single(MediaType.ociConfig, [MediaType.simpleSigning]), 'signature'],
    [
      'an old Notation signature',
      single(MediaType.notarySignature, ['application/jose+json'], { subject }),
      'signature',
    ],
    [
      'one of our marks',
      single(MediaType.ociEmpty, [MediaType.sarif], { artifactType: MediaType.sarif, subject }),
      'other',
    ],
    [
      'a chart',
      single('application/vnd.cncf.helm.config.v1+json', ['application/vnd.cncf.helm.chart.content.v1.tar+gzip']),
      'other',
    ],
    ["buildx's attestation", single(MediaType.ociConfig, ['application/vnd.in-toto+json']), 'other'],
  ])('%s', (_, manifest, kind) => {
    expect(classifyManifest(parseManifest(manifest, { mediaType: MediaType.ociManifest }))).toBe(kind);
  });

  it('takes files behind the empty config for what they are', () => {
    const manifest = bytes({
      schemaVersion: 2,
      config: { ...descriptor(MediaType.ociEmpty, EMPTY_DIGEST), size: 2 },
      layers: [descriptor(LAYER)],
    });
    expect(classifyManifest(parseManifest(manifest, { mediaType: MediaType.ociManifest }))).toBe('other');
  });
});

describe('parsing manifests', () => {
  const image = single(MediaType.ociConfig, [LAYER]);
  it.each([
    ['is not JSON', Buffer.from('{'), MediaType.ociManifest, 'INVALID_MANIFEST'],
    ['is not UTF-8', Buffer.from([0x7b, 0xff, 0x7d]), MediaType.ociManifest, 'INVALID_MANIFEST'],
    ['lacks its config', bytes({ schemaVersion: 2, layers: [] }), MediaType.ociManifest, 'INVALID_MANIFEST'],
    ['is of schema 1', bytes({ schemaVersion: 1 }), MediaType.dockerManifest, 'INVALID_MANIFEST'],
    [
      'names a bad digest',
      bytes({ schemaVersion: 2, config: descriptor('x', 'sha256:1'), layers: [] }),
      MediaType.ociManifest,
      'INVALID_MANIFEST',
    ],
    [
      'names another type',
      bytes({ schemaVersion: 2, mediaType: MediaType.ociIndex, config: descriptor('x'), layers: [] }),
      MediaType.ociManifest,
      'INVALID_MANIFEST',
    ],
    [
      'is an image and an index at once',
      bytes({ schemaVersion: 2, config: descriptor('x'), layers: [], manifests: [] }),
      MediaType.ociManifest,
      'INVALID_MANIFEST',
    ],
    [
      'has more children than are read',
      bytes({ schemaVersion: 2, manifests: Array.from({ length: 201 }, () => descriptor('x')) }),
      MediaType.ociIndex,
      'INVALID_MANIFEST',
    ],
    ['is of a type that nobody knows', image, 'application/x-unknown', 'UNKNOWN_MEDIA_TYPE'],
    [
      "is of Docker's first schema",
      bytes({ schemaVersion: 1, fsLayers: [] }),
      'application/vnd.docker.distribution.manifest.v1+prettyjws',
      'LEGACY_MANIFEST',
    ],
    ['is larger than 4 MiB', Buffer.alloc(4 * 1024 * 1024 + 1, 0x20), MediaType.ociManifest, 'MANIFEST_TOO_LARGE'],
  ])('refuses one that %s', (_, manifest, mediaType, code) => {
    expect(() => parseManifest(manifest, { mediaType })).toThrow(expect.objectContaining({ code, retryable: false }));
  });

  it('reads an index whose platforms are malformed, since they are but labels', () => {
    const manifests = [{ ...descriptor(MediaType.ociManifest), platform: { os: 7 } }];
    const parsed = parseManifest(bytes({ schemaVersion: 2, manifests }), { mediaType: MediaType.ociIndex });
    expect(parsed).toMatchObject({ form: 'index', manifests: [{ digest: digestOf(MediaType.ociManifest) }] });
  });

  it('recomputes the digest', () => {
    const asked = { mediaType: MediaType.ociManifest, digest: digestOf('other') };
    expect(() => parseManifest(image, asked)).toThrow(expect.objectContaining({ code: 'DIGEST_MISMATCH' }));
  });
});
