import type { Descriptor } from '../../artifact/descriptor.js';
import { EMPTY_DIGEST, digestOf } from '../../artifact/digest.js';
import { MediaType } from '../../artifact/media-type.js';
import type { SignatureCandidate } from '../candidate.js';
import { fault } from './fault.js';

/** The envelope that a manifest carries, its media type, and what the manifest says that it is for. */
export interface CarriedEnvelope {
  readonly subject: Descriptor | undefined;
  readonly mediaType: string;
  readonly bytes: Uint8Array;
}

/**
 * Checks the manifest of a signature, and hands its envelope out: Notary Project, signature specification, "Storage". Throws
 * `SIGNATURE_WRONG_TYPE` or `SIGNATURE_MALFORMED`. Annotations are not signed; none is looked at.
 */
export function openManifest({ manifest, payloads }: SignatureCandidate): CarriedEnvelope {
  const { artifactType, config, layers } = manifest;
  const isNotation =
    artifactType === undefined
      ? config.mediaType === MediaType.notarySignature
      : artifactType === MediaType.notarySignature &&
        config.mediaType === MediaType.ociEmpty &&
        config.digest === EMPTY_DIGEST &&
        config.size === 2;
  if (manifest.mediaType !== MediaType.ociManifest || !isNotation) {
    throw fault('SIGNATURE_WRONG_TYPE', 'The manifest is not one of a Notation signature.');
  }
  const [layer] = layers;
  const [payload] = payloads;
  if (layers.length !== 1 || payloads.length !== 1 || layer === undefined || payload === undefined) {
    throw fault('SIGNATURE_MALFORMED', 'A Notation signature is one layer.');
  }
  const { bytes } = payload;
  if (bytes.byteLength !== layer.size || digestOf(bytes) !== layer.digest) {
    throw fault('SIGNATURE_MALFORMED', 'The envelope is not what its descriptor says.');
  }
  return { subject: manifest.subject, mediaType: layer.mediaType, bytes };
}
