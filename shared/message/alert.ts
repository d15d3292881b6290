import type { ArtifactKey } from '../artifact/reference.js';
import type { Finding, SecretFinding } from '../vulnerability/finding.js';
import type { Reason } from '../vulnerability/reason.js';
import type { SeverityCounts } from '../vulnerability/severity.js';

/** What was done to an artifact, or would have been. */
export interface AlertOperation {
  readonly kind: 'lock' | 'untag' | 'unlock' | 'retag';
  /** The tag of an `untag` or `retag`. */
  readonly tag?: string | undefined;
  /** `withheld`: decided but not done, for the alert's reason. `refused`: the registry said no. */
  readonly outcome: 'done' | 'refused' | 'withheld';
}

/** News about one image: its verdict flipped, or new findings crossed the policy's threshold. */
export interface ImageAlert {
  readonly kind: 'image';
  readonly key: ArtifactKey;
  readonly tags: readonly string[];
  readonly platform?: string;
  readonly verdict: 'pass' | 'fail' | 'inconclusive';
  readonly previous?: 'pass' | 'fail' | 'inconclusive';
  /** Why the card is sent: a new push was judged, a known image changed, or a person released it. */
  readonly cause: 'push' | 'change' | 'release';
  /** What was different, where a known image changed: `policy`, `database`, … */
  readonly changed?: string;
  readonly reasons: readonly Reason[];
  readonly counts: SeverityCounts;
  /** The worst findings, at most twenty. */
  readonly findings: readonly Finding[];
  readonly secrets: readonly SecretFinding[];
  /** Why what would be done is not done; `until`: when it will be (RFC 3339). */
  readonly withheld?: {
    readonly because: 'observe' | 'existing' | 'reserved' | 'change' | 'brake';
    readonly until?: string;
  };
  /** Somebody else has taken our lock off again and again, and it is left off. */
  readonly contested?: boolean;
  readonly operations: readonly AlertOperation[];
  readonly pushedBy?: string;
  /** RFC 3339. */
  /** When the scan that this rests on ended, and how new its vulnerability data was (RFC 3339). */
  readonly scannedAt?: string;
  readonly databaseAt?: string;
  readonly pushedAt?: string;
  /** RFC 3339. */
  readonly decidedAt: string;
  readonly links: readonly { readonly title: string; readonly url: string }[];
}

/** News about Lazaret itself: a refused event, a poisoned message, a registry that refused an operation. */
export interface SystemAlert {
  readonly kind: 'system';
  readonly code: string;
  readonly title: string;
  readonly message: string;
  readonly facts: readonly { readonly name: string; readonly value: string }[];
  readonly links?: readonly { readonly title: string; readonly url: string }[];
  /** The channel that it is for; the common one where it is absent. */
  readonly channel?: string;
  /** RFC 3339. */
  readonly at: string;
}

/** What a Teams card tells. All text in it comes from outside and is escaped by the card. */
export type Alert = ImageAlert | SystemAlert;
