import { type Artifact, makeArtifact } from '../../../local/sample/image.js';
import { toBlob } from '../../../local/sample/layer.js';
import { MediaType } from '../../../shared/artifact/media-type.js';

/** An image whose configuration names other layers than it has: no report is ever made of it. */
export function unscannable(): Artifact {
  const layer = toBlob('layer');
  const rootfs = { type: 'layers', diff_ids: [layer.digest, layer.digest] };
  return makeArtifact({
    configType: MediaType.ociConfig,
    config: toBlob(JSON.stringify({ os: 'linux', architecture: 'arm64', rootfs })),
    layers: [{ type: 'application/vnd.oci.image.layer.v1.tar', blob: layer }],
  });
}
