import { AppError } from '../../shared/error/app-error.js';
import { QUEUES, type QueueName } from '../../shared/message/queue-name.js';
import { registryError } from '../../shared/registry/errors.js';
import { StorageRefusal } from './refusal.js';

/** Everything that a process does to the world, by name; the part before the dot is the service. */
export const EFFECTS = [
  'table.get',
  'table.list',
  'table.create',
  'table.update',
  'table.delete',
  'blob.upload',
  'blob.download',
  'queue.send',
  'queue.length',
  'queue.peek',
  'queue.receive',
  'queue.update',
  'queue.delete',
  'registry.read',
  'registry.write',
  'registry.list',
  'registry.observe',
  'registry.resolveTag',
  'registry.untag',
  'registry.lock',
  'registry.unlock',
  'registry.delete',
  'teams.card',
  'scanner.scan',
] as const;
export type EffectName = (typeof EFFECTS)[number];

/** What changes a registry. It matters most that none of it fails unnoticed. */
export const CHANGES: readonly EffectName[] = [
  'registry.write',
  'registry.untag',
  'registry.lock',
  'registry.unlock',
  'registry.delete',
];

/** What happens a few times only where something is quarantined, and would seldom be met by chance. */
export const SELDOM: readonly EffectName[] = [
  'registry.observe',
  'registry.resolveTag',
  'registry.untag',
  'registry.lock',
  'registry.unlock',
];

/** What only a sweep does. */
export const OF_SWEEPS: readonly EffectName[] = ['registry.list', 'table.list', 'queue.length', 'queue.peek'];

/** The services that can be away as a whole. */
export const SERVICES = ['table', 'blob', 'queue', 'registry', 'teams'] as const;

/**
 * What may go wrong at one effect. `die`: the process ends; `machine`: and its host with it. `fail`: an error is
 * answered. `stall`: the machine stands still, and goes on later as if nothing had been. `again`: the request is
 * repeated, as clients do after an answer that was lost. `throttle`: 429. `before` and `after`: whether it took effect.
 */
export const FAULT_KINDS = [
  'die-before',
  'die-after',
  'machine-before',
  'machine-after',
  'fail-before',
  'fail-after',
  'stall-before',
  'stall-after',
  'again',
  'throttle',
] as const;

/** A moment: the `nth` effect of this name, counted from 0, in the work for the repository of a push. */
export interface Moment {
  readonly on: EffectName;
  /** Position in the list of pushes; -1 for work that concerns no repository. */
  readonly push: number;
  readonly nth: number;
}

/**
 * What people do with a pushed artifact. `twin` pushes the same digest to the same repository of the other registry;
 * `again` pushes it again; `retag` under the next tag; `move` pushes another image under the same tag. Operators open it
 * by hand (`unlock`), take its tag away (`untag`), and delete a mark of ours (`unmark`).
 */
export const DEEDS = [
  'sign',
  'sign-legacy',
  'sign-stranger',
  'release',
  'delete',
  'again',
  'retag',
  'twin',
  'move',
  'database',
  'unlock',
  'untag',
  'unmark',
] as const;
export type DeedKind = (typeof DEEDS)[number];

/** One scripted fault. */
export interface Fault extends Moment {
  readonly kind: (typeof FAULT_KINDS)[number];
  /** How long a stall lasts, in seconds, and what somebody does meanwhile. */
  readonly seconds: number;
  readonly meanwhile: DeedKind;
}

/** A time in which a service answers nothing but errors. Seconds since the beginning. */
export interface Outage {
  readonly service: (typeof SERVICES)[number] | 'scanner';
  readonly at: number;
  readonly seconds: number;
}

/** What can be lost: the event of a push or of a delete, or a message on its way into a queue. */
export const LOSABLE = ['push', 'delete', ...Object.values(QUEUES).filter((queue) => queue !== QUEUES.alert)] as const;

/** The `nth` event or message of its kind that concerns the repository of a push never arrives. */
export interface Loss {
  readonly what: (typeof LOSABLE)[number];
  readonly push: number;
  readonly nth: number;
}

/** Queues whose messages the host gives up after five tries. The scan job has rules of its own. */
export const POISONABLE = Object.values(QUEUES).filter(
  (queue) => queue !== QUEUES.scan && queue !== QUEUES.scanSweep && queue !== QUEUES.alert,
);

/** Whoever works on the `nth` message of a queue that concerns a repository crashes, every time, at the same effect. */
export interface Poisoning {
  readonly queue: QueueName;
  readonly push: number;
  readonly nth: number;
  /** The effect of the step, counted from 0. */
  readonly step: number;
}

/** The trouble of one history, met one effect after the other. */
export interface Trouble {
  /** The fault that meets this effect, if any, and whether its service is away. `place`: `registry/repository`, or `-`. */
  readonly meet: (name: EffectName, place: string) => { readonly fault: Fault | undefined; readonly away: boolean };
}

/** What {@link createTrouble} needs. */
export interface TroubleOptions {
  readonly faults: readonly Fault[];
  readonly outages: readonly Outage[];
  /** What users do just before an effect takes place. */
  readonly ambushes: readonly (Moment & { readonly act: () => void })[];
  readonly secondsSinceStart: () => number;
  /** The place of a push, as effects name it; undefined where shrinking has taken the push out. */
  readonly placeOf: (push: number) => string | undefined;
}

/** Counts effects, and says which of them fail. */
export function createTrouble(options: TroubleOptions): Trouble {
  const counts = new Map<string, number>();
  const name = ({ on, push, nth }: Moment) => `${on} ${options.placeOf(push) ?? 'nowhere'} ${nth}`;
  const faults = new Map(options.faults.map((fault) => [name(fault), fault]));
  // One deed a moment: events tell no shorter times apart than milliseconds.
  const ambushes = new Map(options.ambushes.map((ambush) => [name(ambush), ambush]));
  return {
    meet: (effect, place) => {
      const counted = `${effect} ${place}`;
      const count = counts.get(counted) ?? 0;
      counts.set(counted, count + 1);
      const moment = `${counted} ${count}`;
      ambushes.get(moment)?.act();
      const now = options.secondsSinceStart();
      const away = options.outages.some(
        ({ service, at, seconds }) => effect.startsWith(`${service}.`) && now >= at && now < at + seconds,
      );
      return { fault: faults.get(moment), away };
    },
  };
}

/** What the caller of a service sees when it is away, or throttles. */
export function serviceFault(name: EffectName, kind: 'away' | 'throttle'): Error {
  const status = kind === 'throttle' ? 429 : 503;
  if (name.startsWith('registry.')) {
    const headers = new Headers(kind === 'throttle' ? { 'retry-after': '30' } : {});
    return registryError(name, status, { status, headers, body: new Uint8Array() });
  }
  if (name === 'teams.card') return new AppError('TEAMS_UNAVAILABLE', 'simulated', { retryable: true });
  if (name === 'scanner.scan') return new AppError('SCAN_FAILED', 'simulated', { retryable: true });
  return new StorageRefusal(status);
}
