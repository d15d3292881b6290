import { type Luck, contextOfThis } from './context.js';
import type { Schedule } from './schedule.js';
import { type EffectName, type Fault, type Trouble, serviceFault } from './trouble.js';

/** Does one thing to the world: later, perhaps not at all, and perhaps without the caller ever hearing of it. */
export type Effect = <T>(name: EffectName, apply: () => Promise<T>, milliseconds?: number) => Promise<T>;

/** Something that runs code of ours and can die, stand still, and be cut off. */
export interface Process {
  readonly name: string;
  readonly effect: Effect;
  /** Resolves later, unless the process has died by then; at once when `signal` aborts. */
  readonly sleep: (milliseconds: number, signal?: AbortSignal) => Promise<void>;
  readonly alive: () => boolean;
  readonly frozenUntil: () => number;
  readonly freeze: (milliseconds: number) => void;
  /** Nothing that it still waits for ever comes, and nothing that it has not sent yet is sent. */
  readonly kill: () => void;
}

/** What whoever starts a process decides about it. */
export interface ProcessHandlers {
  /** Whether it may die or fail now: what is being worked on must not be given up for having met too many faults. */
  readonly mayFail: () => boolean;
  /** It dies; `whole`: its machine goes with it. */
  readonly die: (whole: boolean) => void;
  readonly stall: (milliseconds: number) => void;
}

/** What {@link createProcess} needs. */
export interface ProcessOptions extends ProcessHandlers {
  readonly name: string;
  readonly schedule: Schedule;
  readonly luck: Luck;
  readonly trouble: Trouble;
  /** Told of a fault that comes about, and of what was being worked on. */
  readonly onFault: (fault: Fault, label: string) => void;
  /** Told of every effect that takes place. */
  readonly note: (line: string) => void;
}

interface Suffering<T> {
  readonly name: EffectName;
  readonly apply: () => Promise<T>;
  readonly answer: (result: Promise<T>) => void;
  readonly drop: (result: Promise<unknown>) => void;
  readonly reject: (error: Error) => void;
}

/** The longest that a request takes, in milliseconds. */
const MAX_LATENCY = 80;

/** Starts a process. Every effect is a point at which it may die, before or after the effect took place. */
export function createProcess(options: ProcessOptions): Process {
  const { schedule, trouble } = options;
  const own = options.luck(options.name);
  const place = () => contextOfThis()?.place ?? '-';
  const random = () => contextOfThis()?.random ?? own;
  let alive = true;
  let frozenUntil = 0;
  const whenThawed = (work: () => void): void => {
    if (schedule.now() < frozenUntil) schedule.at(frozenUntil + own.below(MAX_LATENCY), () => whenThawed(work));
    else work();
  };
  const suffer = <T>(fault: Fault, { name, apply, answer, drop, reject }: Suffering<T>): void => {
    const milliseconds = fault.seconds * 1000;
    // What was asked for happens, and nobody hears of it.
    if (fault.kind.endsWith('-after') && fault.kind !== 'stall-after') drop(apply());
    switch (fault.kind) {
      case 'die-before':
      case 'die-after':
        options.die(false);
        break;
      case 'machine-before':
      case 'machine-after':
        options.die(true);
        break;
      case 'fail-before':
      case 'fail-after':
        reject(serviceFault(name, 'away'));
        break;
      case 'throttle':
        reject(serviceFault(name, 'throttle'));
        break;
      case 'again':
        drop(apply());
        answer(apply());
        break;
      case 'stall-before':
        options.stall(milliseconds);
        whenThawed(() => {
          if (alive) answer(apply());
        });
        break;
      case 'stall-after': {
        const result = apply();
        options.stall(milliseconds);
        answer(result);
        break;
      }
    }
  };
  const effect: Effect = (name, work, milliseconds = 1 + random().below(MAX_LATENCY)) =>
    new Promise((resolve, reject) => {
      const crash = contextOfThis()?.crash;
      if (crash !== undefined && crash.left-- <= 0) {
        options.note(`${options.name}: crash on ${name}`);
        schedule.after(milliseconds, () => {
          if (alive) reject(new Error('a crash, always at the same step'));
        });
        return;
      }
      const here = place();
      const label = contextOfThis()?.label ?? '-';
      const apply = (): ReturnType<typeof work> => {
        options.note(`${options.name}: ${name} (${label})`);
        return work();
      };
      const drop = (result: Promise<unknown>): void => void result.catch(() => undefined);
      const answer = (result: ReturnType<typeof work>): void => {
        // It may be refused before anybody waits for it.
        drop(result);
        whenThawed(() => {
          if (alive) resolve(result);
        });
      };
      schedule.after(milliseconds, () =>
        whenThawed(() => {
          if (!alive) {
            // What a dead process had sent may still arrive.
            if (name !== 'scanner.scan' && own.chance(0.3)) drop(apply());
            return;
          }
          const { fault, away } = trouble.meet(name, here);
          if (away) reject(serviceFault(name, 'away'));
          else if (fault === undefined || !options.mayFail()) answer(apply());
          else {
            options.onFault(fault, label);
            suffer(fault, { name, apply, answer, drop, reject });
          }
        }),
      );
    });
  return {
    name: options.name,
    effect,
    sleep: (milliseconds, signal) =>
      new Promise((resolve) => {
        const end = (): void => {
          signal?.removeEventListener('abort', end);
          whenThawed(() => {
            if (alive) resolve();
          });
        };
        schedule.after(milliseconds, end);
        signal?.addEventListener('abort', end);
        if (signal?.aborted === true) end();
      }),
    alive: () => alive,
    frozenUntil: () => frozenUntil,
    freeze: (milliseconds) => {
      frozenUntil = Math.max(frozenUntil, schedule.now() + milliseconds);
    },
    kill: () => {
      alive = false;
    },
  };
}
