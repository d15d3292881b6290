import type { Digest } from '../artifact/digest.js';
import type { ArtifactKey } from '../artifact/reference.js';
import type { ScanReport } from '../vulnerability/report.js';

/** How far the scan of a digest has come. */
export type ScanEvidence =
  | { readonly state: 'pending' }
  | { readonly state: 'done'; readonly report: ScanReport }
  /** The scanner gave up or the image cannot be read; `code` says why. */
  | { readonly state: 'failed'; readonly code: string; readonly message: string };

/** How far the verification of a digest has come. */
export type SignatureEvidence =
  | { readonly state: 'pending' }
  | {
      readonly state: 'done';
      readonly outcome: 'verified' | 'missing' | 'untrusted' | 'inconclusive' | 'not-required';
      readonly code: string;
      readonly message: string;
    };

/** A platform of an index, with its own last verdict. */
export interface ChildEvidence {
  readonly digest: Digest;
  readonly platform: string;
  readonly verdict: Verdict;
}

/** Everything that a decision about one digest stands on. */
export interface Evidence {
  readonly key: ArtifactKey;
  readonly kind: 'image' | 'index';
  /** When Lazaret first heard of the digest; graces and deadlines run from here. */
  readonly firstSeenAt: Date;
  /** Absent for an index, which has no layers of its own. */
  readonly scan?: ScanEvidence;
  readonly signature: SignatureEvidence;
  /** Whether an index that holds this digest has a verified signature of its own. */
  readonly coveredByIndex: boolean;
  readonly children: readonly ChildEvidence[];
  /** Whether this digest has passed at least once. */
  readonly hasPassed: boolean;
  /** Since when a digest that has passed fails; absent where it does not, or is found to only now. */
  readonly failingSince?: Date;
  /** Whether it was in the registry before this installation. */
  readonly existing: boolean;
  /** Whether Lazaret itself, or the cluster's admission, lives on it: never enforced beyond marks. */
  readonly reserved: boolean;
}

/** `pending` until the evidence is in; anything but `pass` denies. */
export type Verdict = 'pass' | 'fail' | 'inconclusive' | 'pending';
