import type { QueueName } from '../message/queue-name.js';

/** The time, injected. */
export type Clock = () => Date;

/** Puts a message on a queue, to be seen after `delaySeconds`. Resolves when it is durable. */
export type Send = (queue: QueueName, message: object, options?: { readonly delaySeconds?: number }) => Promise<void>;

/** Writes one structured line. Values are data, never parts of a format. */
export type Log = (
  level: 'info' | 'warn' | 'error',
  event: string,
  fields?: Readonly<Record<string, string | number | boolean | undefined>>,
) => void;

/** One line of the journal: who did what to which artifact, and why. */
export interface JournalEvent {
  readonly key?: { readonly registry: string; readonly repository: string; readonly digest: string };
  readonly what: string;
  readonly who: string;
  readonly why?: string;
  readonly detail?: Readonly<Record<string, unknown>>;
  /** The same identifier twice is one line. */
  readonly id?: string;
}

/** Appends to the journal. */
export type Journal = (event: JournalEvent) => Promise<void>;

/** Who the journal names where no person acted. */
export const LAZARET = 'lazaret';
