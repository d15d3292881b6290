import { type KeyObject, createHash, createPrivateKey, createPublicKey, generateKeyPairSync, sign } from 'node:crypto';
import { hexOf } from '../../shared/artifact/digest.js';
import { MediaType } from '../../shared/artifact/media-type.js';
import { SIGNATURE_ANNOTATION } from '../../shared/signature/cosign/annotations.js';
import { preAuthEncoding } from '../../shared/signature/cosign/envelope.js';
import { SIMPLE_SIGNING_TYPE } from '../../shared/signature/cosign/legacy.js';
import { COSIGN_SIGN_PREDICATE } from '../../shared/signature/cosign/statement.js';
import { type Artifact, makeArtifact } from '../sample/image.js';
import { toBlob } from '../sample/layer.js';

/** A key pair for signing on this machine. PEM. */
export interface KeyPair {
  readonly publicKey: string;
  readonly privateKey: string;
}

/** A fresh P-256 key pair, of the kind that `cosign generate-key-pair` makes. */
export function generateKeyPair(): KeyPair {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return {
    publicKey: publicKey.export({ type: 'spki', format: 'pem' }).toString(),
    privateKey: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  };
}

/** What is signed. */
export type Subject = Pick<Artifact, 'digest' | 'mediaType' | 'bytes'>;

/** Overrides for attacks in tests: what the statement says instead. */
export interface StatementOptions {
  readonly predicateType?: string;
  readonly statementDigest?: string;
  readonly payloadType?: string;
}

/**
 * Signs as `cosign sign --key` of version 3 does: a Sigstore bundle v0.3 with an in-toto statement, hung onto its
 * subject as a referrer. https://github.com/sigstore/cosign/blob/main/specs/BUNDLE_SPEC.md
 */
export function signBundle(subject: Subject, keys: KeyPair, options: StatementOptions = {}): Artifact {
  const payloadType = options.payloadType ?? 'application/vnd.in-toto+json';
  const statement = Buffer.from(
    JSON.stringify({
      _type: 'https://in-toto.io/Statement/v1',
      subject: [{ digest: { sha256: options.statementDigest ?? hexOf(subject.digest) } }],
      predicateType: options.predicateType ?? COSIGN_SIGN_PREDICATE,
      predicate: {},
    }),
  );
  const key = createPrivateKey(keys.privateKey);
  const spki = createPublicKey(keys.publicKey).export({ type: 'spki', format: 'der' });
  const bundle = {
    mediaType: MediaType.sigstoreBundle,
    verificationMaterial: {
      publicKey: { hint: createHash('sha256').update(spki).digest('base64') },
      timestampVerificationData: {},
    },
    dsseEnvelope: {
      payload: statement.toString('base64'),
      payloadType,
      signatures: [{ sig: signBytes(preAuthEncoding(payloadType, statement), key) }],
    },
  };
  return attachBundle(subject, Buffer.from(JSON.stringify(bundle)));
}

/** The referrer manifest around a bundle. */
export function attachBundle(subject: Subject, bundle: Uint8Array): Artifact {
  return makeArtifact({
    configType: MediaType.ociEmpty,
    config: toBlob('{}'),
    layers: [{ type: MediaType.sigstoreBundle, blob: toBlob(bundle) }],
    extra: {
      artifactType: MediaType.sigstoreBundle,
      subject: { mediaType: subject.mediaType, digest: subject.digest, size: subject.bytes.byteLength },
      annotations: {
        'dev.sigstore.bundle.content': 'dsse-envelope',
        'dev.sigstore.bundle.predicateType': COSIGN_SIGN_PREDICATE,
      },
    },
  });
}

/**
 * Signs as Cosign did before: a manifest under the tag `sha256-<hex>.sig`, one layer a signature.
 * https://github.com/sigstore/cosign/blob/main/specs/SIGNATURE_SPEC.md
 */
export function signLegacy(
  subject: Pick<Subject, 'digest'>,
  keys: KeyPair,
  dockerReference: string,
): { readonly artifact: Artifact; readonly tag: string } {
  const payload = Buffer.from(
    JSON.stringify({
      critical: {
        identity: { 'docker-reference': dockerReference },
        image: { 'docker-manifest-digest': subject.digest },
        type: SIMPLE_SIGNING_TYPE,
      },
      optional: null,
    }),
  );
  const blob = toBlob(payload);
  const signature = signBytes(payload, createPrivateKey(keys.privateKey));
  const config = toBlob(
    JSON.stringify({
      architecture: '',
      os: '',
      config: {},
      rootfs: { type: 'layers', diff_ids: [blob.digest] },
      created: '1970-01-01T00:00:00Z',
    }),
  );
  return {
    tag: `sha256-${hexOf(subject.digest)}.sig`,
    artifact: makeArtifact({
      configType: MediaType.ociConfig,
      config,
      layers: [{ type: MediaType.simpleSigning, blob, annotations: { [SIGNATURE_ANNOTATION]: signature } }],
    }),
  };
}

/** Ed25519 hashes by itself; the others sign a SHA-256. Base64. */
function signBytes(bytes: Uint8Array, key: KeyObject): string {
  return sign(key.asymmetricKeyType === 'ed25519' ? null : 'sha256', bytes, key).toString('base64');
}
