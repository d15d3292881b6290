import { z } from 'zod';
import type { Happening } from './event.js';
import type { Repositories, Transaction } from './repositories.js';
import { snapshot } from './state.js';

/** Other regions that a registry is replicated to. */
export const replicaSchema = z.strictObject({
  name: z.string().min(1),
  /** How long a change takes from region to region, in milliseconds. */
  lagMilliseconds: z.number().nonnegative(),
});
export type Replica = z.infer<typeof replicaSchema>;

/** One region and what it knows. */
export interface Region {
  readonly name: string;
  readonly lagMilliseconds: number;
  readonly repositories: Repositories;
  /** Called for what has arrived. */
  readonly arrived: (happened: readonly Happening[]) => Promise<void>;
}

interface Parcel {
  readonly due: number;
  readonly to: Region;
  readonly repository: string;
  readonly transaction: Transaction;
}

/**
 * Carries whole records from region to region after their lag. The last one to arrive stands, whatever it overwrites:
 * so a lock set in one region is undone by an older record of the same manifest that arrives from another, which real
 * registries do (https://github.com/Azure/acr/issues/592). That this is how, is an inference.
 */
export function createReplication(clock: () => Date) {
  const regions: Region[] = [];
  let parcels: Parcel[] = [];
  return {
    add: async (region: Region): Promise<void> => {
      const [first] = regions;
      regions.push(region);
      // A new replica begins with what the first region holds.
      for (const name of first?.repositories.names() ?? []) {
        const state = first?.repositories.find(name);
        if (state !== undefined)
          await region.repositories.change(name, () => ({ changes: snapshot(state), replicated: true }));
      }
    },
    /** What a region has committed sets out for the others. */
    send: (from: string, repository: string, transaction: Transaction): void => {
      const now = clock().getTime();
      const lag = regions.find(({ name }) => name === from)?.lagMilliseconds ?? 0;
      for (const to of regions.filter(({ name }) => name !== from)) {
        parcels.push({ due: now + Math.max(lag, to.lagMilliseconds), to, repository, transaction });
      }
    },
    /** Delivers what is due. */
    run: async (): Promise<void> => {
      const now = clock().getTime();
      const due = parcels.filter((parcel) => parcel.due <= now).sort((a, b) => a.due - b.due);
      parcels = parcels.filter((parcel) => parcel.due > now);
      for (const { to, repository, transaction } of due) {
        const happened = await to.repositories.change(repository, () => ({ ...transaction, replicated: true }));
        await to.arrived(happened);
      }
    },
  };
}

/** What carries changes between regions. */
export type Replication = ReturnType<typeof createReplication>;
