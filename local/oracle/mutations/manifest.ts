import { MediaType } from '../../../shared/artifact/media-type.js';
import type { StoredLayout } from '../layout.js';
import {
  type Json,
  type LayerJson,
  type Mutation,
  editManifest,
  editManifestText,
  flip,
  isSignature,
} from './mutation.js';

const manifest = (name: string, edit: (json: Json & { layers: LayerJson[] }) => unknown): Mutation => ({
  name: `manifest: ${name}`,
  apply: (layout) => editManifest(layout, edit),
});
const subject = (name: string, edit: (subject: Json) => void): Mutation =>
  manifest(`subject ${name}`, ({ subject: found }) => {
    if (found === undefined) return false;
    edit(found as Json);
    return true;
  });
const config = (name: string, edit: (config: Json) => void): Mutation =>
  manifest(`config ${name}`, (json) => edit(json['config'] as Json));
const layer = (name: string, edit: (layer: LayerJson) => unknown): Mutation =>
  manifest(`layer ${name}`, ({ layers: [first] }) => first !== undefined && edit(first));

const NONE = `sha256:${'0'.repeat(64)}`;
const EMPTY = { mediaType: MediaType.ociEmpty, digest: '', size: 2 };

/** What can be wrong with the manifest of a signature, of any kind. */
export const MANIFEST_MUTATIONS: readonly Mutation[] = [
  manifest('rewritten, with nothing changed', () => true),
  manifest('artifactType left out', (json) => json['artifactType'] !== undefined && delete json['artifactType']),
  manifest('artifactType of Notation', (json) => (json['artifactType'] = MediaType.notarySignature)),
  manifest('artifactType of a bundle', (json) => (json['artifactType'] = MediaType.sigstoreBundle)),
  manifest('artifactType of something else', (json) => (json['artifactType'] = 'application/vnd.example')),
  manifest('artifactType in upper case', (json) => {
    const type = json['artifactType'];
    return typeof type === 'string' && (json['artifactType'] = type.toUpperCase());
  }),
  manifest('Notation with an empty config', (json) => {
    const { digest, mediaType } = json['config'] as { digest: string; mediaType: string };
    if (mediaType !== MediaType.notarySignature) return false;
    json['artifactType'] = MediaType.notarySignature;
    return (json['config'] = { ...EMPTY, digest });
  }),
  config('of something else', (found) => (found['mediaType'] = 'application/vnd.example')),
  config('of an image', (found) => (found['mediaType'] = MediaType.ociConfig)),
  config('of Notation', (found) => (found['mediaType'] = MediaType.notarySignature)),
  config('that is not there', (found) => (found['digest'] = NONE)),
  manifest('without config', (json) => delete json['config']),
  manifest('without layers', (json) => (json.layers = [])),
  manifest('layers left out', (json) => delete (json as Json)['layers']),
  manifest('the layer twice', (json) => json.layers.push(...json.layers.slice(0, 1))),
  manifest('something else before the layer', ({ layers }) => {
    const [first] = layers;
    return first && layers.unshift({ ...first, mediaType: 'application/vnd.example' });
  }),
  manifest('something else behind the layer', ({ layers }) => {
    const [first] = layers;
    return first && layers.push({ ...first, mediaType: 'application/vnd.example' });
  }),
  layer('of something else', (found) => (found.mediaType = 'application/vnd.example')),
  layer(
    'of JWS for COSE',
    (found) => found.mediaType === 'application/cose' && (found.mediaType = 'application/jose+json'),
  ),
  layer(
    'of COSE for JWS',
    (found) => found.mediaType === 'application/jose+json' && (found.mediaType = 'application/cose'),
  ),
  layer('of a bundle v0.1', (found) => bundleType(found, 'application/vnd.dev.sigstore.bundle+json;version=0.1')),
  layer('of a bundle v0.2', (found) => bundleType(found, 'application/vnd.dev.sigstore.bundle+json;version=0.2')),
  layer('of a bundle v0.9', (found) => bundleType(found, 'application/vnd.dev.sigstore.bundle.v0.9+json')),
  layer('in upper case', (found) => (found.mediaType = found.mediaType.toUpperCase())),
  layer('that is not there', (found) => (found.digest = NONE)),
  layer('size one less', (found) => found.size--),
  layer('size one more', (found) => found.size++),
  layer('size zero', (found) => (found.size = 0)),
  layer('size below zero', (found) => (found.size = -1)),
  layer('digest in upper case', (found) => (found.digest = `sha256:${found.digest.slice(7).toUpperCase()}`)),
  subject('size one more', (found) => (found['size'] = Number(found['size']) + 1)),
  subject('size zero', (found) => (found['size'] = 0)),
  subject('without size', (found) => delete found['size']),
  subject('of another media type', (found) => (found['mediaType'] = MediaType.dockerManifest)),
  subject('without media type', (found) => delete found['mediaType']),
  subject('of another digest', (found) => (found['digest'] = NONE)),
  subject('with annotations', (found) => (found['annotations'] = { example: 'example' })),
  manifest('subject left out', (json) => json['subject'] !== undefined && delete json['subject']),
  manifest('annotations left out', (json) => json['annotations'] !== undefined && delete json['annotations']),
  manifest('annotations that lie', (json) => {
    const annotations = json['annotations'] as Record<string, string> | undefined;
    if (annotations === undefined) return false;
    for (const name of Object.keys(annotations)) annotations[name] = 'lie';
    return true;
  }),
  manifest('unknown member', (json) => (json['example'] = true)),
  manifest('schemaVersion 1', (json) => (json['schemaVersion'] = 1)),
  manifest('media type of Docker', (json) => (json['mediaType'] = MediaType.dockerManifest)),
  manifest('without media type', (json) => delete json['mediaType']),
  { name: 'manifest: bytes behind it', apply: (layout) => editManifestText(layout, (text) => `${text}{}`) },
  { name: 'manifest: spaces behind it', apply: (layout) => editManifestText(layout, (text) => `${text}  \n`) },
  { name: 'manifest: cut short', apply: (layout) => editManifestText(layout, (text) => text.slice(0, -2)) },
  {
    name: 'manifest: layers twice, the second empty',
    apply: (layout) => editManifestText(layout, (text) => text.replace(/}$/, ',"layers":[]}')),
  },
  { name: 'blob: not what its digest says', apply: lieAboutBlobs },
  { name: 'manifest: not what its digest says', apply: lieAboutManifests },
];

function bundleType(layer: LayerJson, type: string): boolean {
  if (!layer.mediaType.startsWith('application/vnd.dev.sigstore.bundle')) return false;
  layer.mediaType = type;
  return true;
}

/** A registry that gives other bytes than those it was asked for. */
function lieAboutBlobs(layout: StoredLayout): StoredLayout {
  return { ...layout, blobs: new Map([...layout.blobs].map(([digest, bytes]) => [digest, flip(Buffer.from(bytes))])) };
}

function lieAboutManifests(layout: StoredLayout): StoredLayout {
  const manifests = layout.manifests.map((each) =>
    isSignature(each) ? { ...each, bytes: Buffer.concat([each.bytes, Buffer.from(' ')]) } : each,
  );
  return { ...layout, manifests };
}
