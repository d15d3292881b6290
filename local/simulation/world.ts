import { createLedger } from '../../shared/ledger/ledger.js';
import type { LoginServer } from '../../shared/artifact/login-server.js';
import type { Table } from '../../shared/ledger/table.js';
import { QUEUES } from '../../shared/message/queue-name.js';
import type { DrainDeps } from '../../shared/pipeline/drain.js';
import { INTERVAL_MILLISECONDS } from '../../shared/pipeline/reconcile.js';
import { createSend } from '../../shared/queue/queues.js';
import { createReportStore } from '../../shared/report/report-store.js';
import { type App, type Services, bindSteps } from '../../shared/steps.js';
import { createEventDelivery } from './event-delivery.js';
import { createFates } from './fate.js';
import { type History, SPAN, withoutLoss } from './history.js';
import { createMemoryBlobs } from './memory-blobs.js';
import { createMemoryClient } from './memory-client.js';
import { createMemoryQueues } from './memory-queues.js';
import { type MemoryRegistry, createMemoryRegistry } from './memory-registry.js';
import { createMemoryTable } from './memory-table.js';
import type { MetFault, Outcome, SentCard } from './outcome.js';
import { type Process, type ProcessHandlers, createProcess } from './process.js';
import { createLuck, subjectOf, within } from './context.js';
import { askForRelease, watchBrake } from './release-call.js';
import { currentDatabase, runScanJob } from './scan-job.js';
import { createSchedule } from './schedule.js';
import {
  type Surroundings,
  blobsThrough,
  createServices,
  openFor,
  createTraceLog,
  queueThrough,
  queuesThrough,
} from './services.js';
import { CALM_SECONDS, DAY, MONTH, POLICIES, REGISTRIES, REST_SECONDS, isBraked, limitOf } from './setting.js';
import { type EffectName, createTrouble } from './trouble.js';
import { performHistory, placeOf } from './users.js';
import { type Instance, LISTENED, createInstance } from './worker.js';

/** Breaks the pipeline on purpose, to show that the judge sees it. */
export interface Mutation {
  /**
   * Whether it breaks `reconcile`. Elsewhere a sweep would mend what is broken, and so hide it: there, no sweep runs, and
   * nothing happens that only a sweep can mend.
   */
  readonly swept?: boolean;
  readonly services?: (services: Services) => Services;
  readonly app?: (app: App) => App;
  readonly table?: (table: Table) => Table;
  readonly job?: (deps: DrainDeps) => DrainDeps;
}

const START = Date.parse(`${MONTH}-01T12:00:00.000Z`);
const TICK_SECONDS = 30;
/** How rarely `reconcile` runs once the world is calm: nearly all that a simulation does is to find nothing. */
const CALM_INTERVALS = 4;
const MAX_JOBS = 3;
const INSTANCES = 2;

/** What {@link live} is told besides the history. */
export interface LiveOptions {
  readonly mutation?: Mutation;
  /** Whether every effect is put down. */
  readonly traced?: boolean;
  /** Called when nothing is left to do but what waits for a deadline. */
  readonly onCalm?: (outcome: Outcome) => Promise<void>;
}

/** Lives through one history and returns what it led to. Throws only where the simulation itself is wrong. */
export async function live(told: History, options: LiveOptions = {}): Promise<Outcome> {
  const { mutation = {}, traced = false } = options;
  const swept = mutation.swept ?? Object.keys(mutation).length === 0;
  const history = swept ? told : withoutLoss(told);
  const quarantinesPerHour = limitOf(history.seed, { swept });
  const schedule = createSchedule(START);
  const luck = createLuck(history.seed);
  const random = luck('world');
  const seconds = () => (schedule.now() - START) / 1000;
  const clock = () => new Date(schedule.now());
  const cards: SentCard[] = [];
  const met: MetFault[] = [];
  const effects = new Map<EffectName, number>();
  const trace: string[] = [];
  const note = (line: string): void => {
    if (traced) trace.push(`${seconds().toFixed(3).padStart(10)} ${line}`);
  };
  const nameOf = (index: number): string | undefined => {
    const push = history.pushes[index];
    if (!push) return index === -1 ? '-' : undefined;
    const { registry, repository } = placeOf(push);
    return `${registry}/${repository}`;
  };
  const fates = createFates(history, nameOf);
  const instances: Instance[] = [];
  const queues = createMemoryQueues({
    now: schedule.now,
    lag: (queue, text) => {
      const { label } = subjectOf(JSON.parse(Buffer.from(text, 'base64').toString('utf8')));
      const order = luck(`order ${queue} ${label}`);
      return order.chance(0.8) ? 0 : order.below(60_000);
    },
    fateOf: fates.fateOf,
    onVisible: (queue, at) => {
      if (!LISTENED.includes(queue)) return;
      for (const instance of instances) schedule.at(at, () => instance.wake(queue));
    },
  });
  const events = createEventDelivery({
    schedule,
    luck,
    deliver: (event) => {
      const up = instances.filter((instance) => instance.alive() && !instance.frozen());
      const { place, label } = subjectOf(event);
      const context = { place, label, random: luck(`receive ${label}`) };
      const instance = up[context.random.below(up.length)];
      if (instance === undefined) return Promise.reject(new Error('nobody answers'));
      return within(context, () => instance.call((app) => app.accept(event)));
    },
  });
  let installed = false;
  const publish: typeof events.publish = (event) => {
    if (!installed) return;
    const lost = fates.losesEvent(event.eventType.endsWith('Deleted') ? 'delete' : 'push', event);
    note(`${lost ? 'LOST ' : ''}event ${event.eventType.slice(28)} ${JSON.stringify(event.data)}`);
    if (!lost) events.publish(event);
  };
  const registryClock = () => (installed ? clock() : new Date(START - DAY * 1000));
  const registries = new Map<LoginServer, MemoryRegistry>(
    REGISTRIES.map((place) => [place.loginServer, createMemoryRegistry({ ...place, clock: registryClock, publish })]),
  );
  const table = mutation.table?.(createMemoryTable()) ?? createMemoryTable();
  const world: Surroundings = {
    clock,
    policy: POLICIES[history.scannerless > 0 ? 'short' : 'long'],
    table,
    journalTable: createMemoryTable(),
    blobs: createMemoryBlobs(),
    queues,
    registries,
    quarantinesPerHour,
    sendCard: (alert, { process, alertId }) => cards.push({ at: seconds(), alert, process, alertId }),
    note,
  };
  const anyInstance = () => instances[random.below(INSTANCES)];
  const { deeds, perform } = performHistory(history, {
    registries,
    now: schedule.now,
    at: (at, work) => schedule.at(START + at * 1000, work),
    release: (reference) => askForRelease(reference, { schedule, instance: anyInstance }),
  });
  if (isBraked(quarantinesPerHour)) watchBrake({ schedule, instance: anyInstance });
  installed = true;
  const trouble = createTrouble({
    ...history,
    outages: [...history.outages, { service: 'scanner', at: 0, seconds: history.scannerless }],
    ambushes: history.ambushes.map((ambush) => ({
      ...ambush,
      act: () => {
        // Afterwards people leave the world alone, so that it comes to rest.
        if (seconds() < SPAN) perform(ambush);
      },
    })),
    secondsSinceStart: seconds,
    placeOf: nameOf,
  });
  const startProcess = (name: string, handlers: ProcessHandlers): Process =>
    createProcess({
      ...handlers,
      name,
      schedule,
      luck,
      note,
      trouble: {
        meet: (effect, place) => {
          effects.set(effect, (effects.get(effect) ?? 0) + 1);
          return trouble.meet(effect, place);
        },
      },
      onFault: (fault, label) => {
        note(`${name}: FAULT ${fault.kind} on ${fault.on}`);
        met.push({ at: seconds(), fault, process: name, label });
        if (!fault.kind.startsWith('stall')) return;
        // Who stands still finds another world.
        schedule.after(fault.seconds * 500, () => {
          if (seconds() < SPAN) perform({ push: fault.push, kind: fault.meanwhile });
        });
      },
    });
  const bind = (process: Process): App => {
    const services = createServices(process, world);
    const app = bindSteps(mutation.services?.(services) ?? services);
    return mutation.app?.(app) ?? app;
  };
  const startInstance = (number: number): void => {
    instances[number] = createInstance({
      name: `app ${number}`,
      schedule,
      luck,
      queues,
      start: startProcess,
      bind,
      onGone: () => schedule.after(5000 + random.below(60_000), () => startInstance(number)),
    });
  };
  for (let number = 0; number < INSTANCES; number++) startInstance(number);

  const jobs = new Set<Process>();
  const startJob = (): void => {
    let most = 0;
    const process = startProcess('job', {
      mayFail: () => most <= 3,
      die: () => {
        process.kill();
        jobs.delete(process);
      },
      stall: (milliseconds) => process.freeze(milliseconds),
    });
    jobs.add(process);
    const over = () => void jobs.delete(process);
    runScanJob({
      process,
      luck,
      clock,
      log: createTraceLog('job', note),
      send: createSend(queuesThrough(process, queues)),
      queues: [QUEUES.scan, QUEUES.scanSweep].map((queue) => queueThrough(process, queues.getQueueClient(queue))),
      registry: createMemoryClient(registries, process.effect),
      reports: createReportStore(blobsThrough(process, world.blobs)),
      database: () => currentDatabase(deeds.databases, { now: schedule.now(), first: START - 3_600_000 }),
      onTaken: (deliveries) => {
        most = Math.max(most, deliveries);
      },
      mutate: mutation.job ?? ((deps) => deps),
    }).then(over, over);
  };
  const reconcile = (): void => {
    // A failing timer is left for the next one.
    anyInstance()
      ?.call((app) => app.reconcile())
      .catch(() => undefined);
    const calm = seconds() > SPAN + CALM_SECONDS;
    schedule.after(calm ? CALM_INTERVALS * INTERVAL_MILLISECONDS : INTERVAL_MILLISECONDS, reconcile);
  };
  const tick = (): void => {
    for (const instance of instances) for (const queue of LISTENED) instance.wake(queue);
    const both = [QUEUES.scan, QUEUES.scanSweep];
    const waiting = both.reduce((sum, queue) => sum + queues.contents(queue).length, 0);
    if (both.some((queue) => queues.visible(queue) > 0) && jobs.size < Math.min(MAX_JOBS, waiting)) startJob();
    schedule.after(TICK_SECONDS * 1000, tick);
  };
  await openFor(world, new Date(START));
  tick();
  if (swept) schedule.after(INTERVAL_MILLISECONDS, reconcile);
  const outcome = (): Outcome => ({
    ...{
      history,
      deeds,
      registries,
      ledger: createLedger(table),
      journal: world.journalTable,
      queues,
      cards,
      met,
      fates,
      effects,
      trace,
    },
    pendingEvents: events.pending(),
  });
  await schedule.runUntil(START + (SPAN + CALM_SECONDS) * 1000);
  await options.onCalm?.(outcome());
  await schedule.runUntil(START + (SPAN + REST_SECONDS) * 1000);
  return outcome();
}
