import type { Client } from '../client.js';
import type { Status } from '../../shared/pipeline/lookup.js';
import type { Artifact } from '../../local/sample/image.js';
import type { PushOptions } from '../../local/sample/push.js';
import type { KeyPair } from '../../local/signer/signer.js';

/** What a scenario works with. */
export interface Stage {
  readonly registry: string;
  readonly client: Client;
  /** A key that the demo's policy trusts, and one that it does not. */
  readonly keys: { readonly trusted: KeyPair; readonly stranger: KeyPair };
  readonly push: (artifact: Artifact, repository: string, options?: PushOptions) => Promise<void>;
  readonly pull: (repository: string, reference: string) => Promise<number>;
  readonly status: (reference: string) => Promise<Status>;
  readonly say: (line: string) => void;
}

/** What has to come out. Every member that is given is compared. */
export interface Expected {
  readonly verdict: Status['verdict'];
  /** The codes of the reasons, in order. */
  readonly reasons: readonly string[];
  readonly state: Status['enforcement']['state'];
  /** `lock`, `untag v1`, …, each with its outcome done. */
  readonly operations: readonly string[];
  /** The statuses that a pull by digest and by tag gets. */
  readonly pull: { readonly digest: number; readonly tag: number };
  readonly marks: number;
  /** Findings as `id package installed`, in the order of the report. */
  readonly findings?: readonly string[];
  readonly platforms?: readonly string[];
}

/** One image and its way. */
export interface Scenario {
  readonly name: string;
  readonly repository: string;
  readonly tag: string;
  readonly run: (stage: Stage) => Promise<Artifact>;
  readonly expected: Expected;
  /** How many cards the scenario brings. */
  readonly cards: number;
}
