import type { LoginServer } from '../../shared/artifact/login-server.js';
import type { Ledger } from '../../shared/ledger/ledger.js';
import type { Table } from '../../shared/ledger/table.js';
import type { Alert } from '../../shared/message/alert.js';
import type { Fates } from './fate.js';
import type { History } from './history.js';
import type { MemoryQueues } from './memory-queues.js';
import type { MemoryRegistry } from './memory-registry.js';
import type { EffectName, Fault } from './trouble.js';
import type { Deeds } from './users.js';

/** A card that reached the channel. */
export interface SentCard {
  /** Seconds since the beginning. */
  readonly at: number;
  readonly alert: Alert;
  /** The stored alert that it was made from, and the process that sent it. */
  readonly alertId: string;
  readonly process: string;
}

/** A fault that came about, where and when. */
export interface MetFault {
  /** Seconds since the beginning. */
  readonly at: number;
  readonly fault: Fault;
  readonly process: string;
  /** What was being worked on: an artifact, an alert. */
  readonly label: string;
}

/** A world that has come to rest, for the judge. */
export interface Outcome {
  readonly history: History;
  readonly deeds: Deeds;
  readonly registries: ReadonlyMap<LoginServer, MemoryRegistry>;
  /** Read from outside, by nobody who could fail. */
  readonly ledger: Ledger;
  readonly journal: Table;
  readonly queues: MemoryQueues;
  readonly pendingEvents: number;
  readonly cards: readonly SentCard[];
  readonly met: readonly MetFault[];
  readonly fates: Pick<Fates, 'stricken' | 'untold'>;
  /** How many effects there were, by name. */
  readonly effects: ReadonlyMap<EffectName, number>;
  readonly trace: readonly string[];
}
