import { AppError } from '../../shared/error/app-error.js';
import { registryError } from '../../shared/registry/errors.js';
import { StorageRefusal } from './refusal.js';

/** Everything that a process does to the world, by name; the part before the dot is the service. */
export const EFFECTS = [
  'table.get',
  'table.list',
  'table.create',
  'table.update',
  'blob.upload',
  'blob.download',
  'queue.send',
  'queue.length',
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
  'teams.card',
  'scanner.scan',
] as const;
export type EffectName = (typeof EFFECTS)[number];

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

/** One scripted fault: at the `nth` effect of this name, counted from 0, in the work for one repository. */
export interface Fault {
  readonly on: EffectName;
  /** `registry/repository`, or `-` for work that concerns none. */
  readonly place: string;
  readonly nth: number;
  readonly kind: (typeof FAULT_KINDS)[number];
  /** How long a stall lasts, in seconds. */
  readonly seconds: number;
}

/** A time in which a service answers nothing but errors. Seconds since the beginning. */
export interface Outage {
  readonly service: (typeof SERVICES)[number];
  readonly at: number;
  readonly seconds: number;
}

/** The faults of one history, met one by one. */
export interface Trouble {
  /** The fault that meets this effect, if any, and whether its service is away. */
  readonly meet: (name: EffectName, place: string) => { readonly fault: Fault | undefined; readonly away: boolean };
}

/** Counts effects, and says which of them fail. */
export function createTrouble(
  plan: { readonly faults: readonly Fault[]; readonly outages: readonly Outage[] },
  secondsSinceStart: () => number,
): Trouble {
  const counts = new Map<string, number>();
  const faults = new Map(plan.faults.map((fault) => [`${fault.on} ${fault.place} ${fault.nth}`, fault]));
  return {
    meet: (name, place) => {
      const counted = `${name} ${place}`;
      const count = counts.get(counted) ?? 0;
      counts.set(counted, count + 1);
      const now = secondsSinceStart();
      const away = plan.outages.some(
        ({ service, at, seconds }) => name.startsWith(`${service}.`) && now >= at && now < at + seconds,
      );
      return { fault: faults.get(`${counted} ${count}`), away };
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
