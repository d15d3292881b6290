import { bundleFromJSON } from '@sigstore/bundle';
import { TrustedRoot } from '@sigstore/protobuf-specs';
import { Verifier, toSignedEntity, toTrustMaterial } from '@sigstore/verify';
import { AppError } from '../../error/app-error.js';

/** Who must have signed a release. Both are compared as they are: no pattern, no prefix. */
export interface ReleaseIdentity {
  readonly workflow: string;
  readonly issuer: string;
}

/** The workflow that releases Trivy. https://trivy.dev/latest/getting-started/signature-verification/ */
export function trivyIdentity(version: string): ReleaseIdentity {
  return {
    workflow: `https://github.com/aquasecurity/trivy/.github/workflows/reusable-release.yaml@refs/tags/v${version}`,
    issuer: 'https://token.actions.githubusercontent.com',
  };
}

/** How much has to vouch for a signature. Production asks for one of each. */
export interface Thresholds {
  readonly tlogThreshold: number;
  readonly ctlogThreshold: number;
  readonly timestampThreshold: number;
}

const ALL: Thresholds = { tlogThreshold: 1, ctlogThreshold: 1, timestampThreshold: 1 };

/**
 * Verifies a release archive against its Sigstore bundle, offline, under a pinned trusted root. Throws
 * `TRIVY_VERIFICATION_FAILED`; resolves to nothing.
 */
export function verifyArchive(
  archive: Uint8Array,
  bundle: unknown,
  trust: { readonly root: unknown; readonly identity: ReleaseIdentity; readonly thresholds?: Thresholds },
): void {
  let signer: ReturnType<Verifier['verify']>;
  try {
    const parsed = bundleFromJSON(bundle);
    // A bundle may carry an envelope about other bytes; only a signature over this very archive counts.
    if (parsed.content.$case !== 'messageSignature') throw new Error('not a signature over a file');
    const verifier = new Verifier(toTrustMaterial(TrustedRoot.fromJSON(trust.root)), trust.thresholds ?? ALL);
    signer = verifier.verify(toSignedEntity(parsed, Buffer.from(archive)));
  } catch (cause) {
    throw new AppError('TRIVY_VERIFICATION_FAILED', 'the signature of the Trivy release does not hold', { cause });
  }
  const { subjectAlternativeName: workflow, extensions } = signer.identity ?? {};
  // The library's own identity check is a search by pattern, which a longer name passes.
  if (workflow !== trust.identity.workflow || extensions?.issuer !== trust.identity.issuer) {
    throw new AppError('TRIVY_VERIFICATION_FAILED', 'the Trivy release was signed by somebody else');
  }
}
