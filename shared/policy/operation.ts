import type { Tag } from '../artifact/tag.js';

/** The four switches that ACR keeps per manifest and per tag. */
export interface Attributes {
  readonly readEnabled: boolean;
  readonly writeEnabled: boolean;
  readonly deleteEnabled: boolean;
  readonly listEnabled: boolean;
}

/** What the registry says of a digest right now. */
export interface ObservedArtifact {
  readonly attributes: Attributes;
  /** The tags that point to this digest. */
  readonly tags: readonly Tag[];
}

/** What stood before our first change of a digest. It exists nowhere else once the change is made. */
export interface QuarantineRecord {
  readonly attributes: Attributes;
  readonly tags: readonly Tag[];
}

/** One change in the registry. */
export type Operation =
  | { readonly kind: 'untag'; readonly tag: Tag }
  /** On the manifest: `readEnabled` and `deleteEnabled` off, `writeEnabled` untouched. */
  | { readonly kind: 'lock' }
  | { readonly kind: 'unlock'; readonly attributes: Attributes }
  /** Restores a tag that is absent; never moves one that exists. */
  | { readonly kind: 'retag'; readonly tag: Tag };

/** How the registry took an operation. */
export interface AppliedOperation {
  readonly kind: Operation['kind'];
  readonly tag?: Tag | undefined;
  readonly outcome: 'done' | 'refused' | 'withheld';
  /** RFC 3339. */
  readonly at: string;
}

/** Whether operations are carried out, or only written down. */
export type EnforcementMode = 'observe' | 'enforce';
