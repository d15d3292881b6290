/** Who is killed. A host takes its worker with it, as a machine does; a job takes its Trivy. */
export type Victim = 'host' | 'worker' | 'job' | 'registry';

/** What happens at a moment. Storage is never killed: it stands for what is durable. */
export type Deed = `kill ${Victim}` | 'storage unreachable' | 'storage stopped';

/** One entry of the script: at the `nth` moment of that name, counted from one, and again after every so many. */
export interface Scripted {
  readonly at: string;
  readonly nth: number;
  readonly every: number;
  readonly deed: Deed;
}

/** A deed that was carried out. Times are milliseconds since 1970; an outage lasts. */
export interface Done {
  readonly deed: Deed;
  readonly moment: string;
  readonly from: number;
  readonly until: number;
}

/** What {@link createDirector} needs. */
export interface DirectorOptions {
  readonly script: readonly Scripted[];
  readonly now: () => number;
  /** Kills; false where the victim is not there at the moment. */
  readonly kill: (victim: Victim) => boolean;
  /** Begins an outage; the promise ends with it. Undefined where one is under way. */
  readonly interrupt: (how: 'unreachable' | 'stopped') => Promise<void> | undefined;
  readonly say: (line: string) => void;
}

/** Counts moments, and does what the script says at them. */
export interface Director {
  /** Called by whoever is at that moment, who goes on when it resolves: what had to happen has happened. */
  readonly reached: (moment: string) => Promise<void>;
  readonly done: () => readonly Done[];
  /** Entries that were never carried out. */
  readonly missed: () => readonly Scripted[];
  /** Nothing more happens. Resolves when every outage is over. */
  readonly disarm: () => Promise<void>;
}

/** Builds a director. A deed whose victim is away waits for the next moment of its name. */
export function createDirector({ script, now, kill, interrupt, say }: DirectorOptions): Director {
  const counts = new Map<string, number>();
  const entries = script.map((entry) => ({ ...entry, due: entry.nth, times: 0 }));
  const done: Done[] = [];
  const outages = new Set<Promise<void>>();
  let armed = true;
  const carryOut = (deed: Deed, moment: string): boolean => {
    const from = now();
    if (deed === 'storage unreachable' || deed === 'storage stopped') {
      const outage = interrupt(deed === 'storage stopped' ? 'stopped' : 'unreachable');
      if (outage === undefined) return false;
      const place = done.push({ deed, moment, from, until: Number.POSITIVE_INFINITY }) - 1;
      const over = outage.then(() => {
        outages.delete(over);
        done[place] = { deed, moment, from, until: now() };
        say(`storage is back after ${((now() - from) / 1000).toFixed(1)} s`);
      });
      outages.add(over);
      return true;
    }
    if (!kill(deed.slice('kill '.length) as Victim)) return false;
    done.push({ deed, moment, from, until: from });
    return true;
  };
  return {
    reached: (moment) => {
      const count = (counts.get(moment) ?? 0) + 1;
      counts.set(moment, count);
      const entry = armed ? entries.find(({ at, due }) => at === moment && count >= due) : undefined;
      if (entry !== undefined && carryOut(entry.deed, moment)) {
        entry.times += 1;
        entry.due = count + entry.every;
        say(`${entry.deed}: ${moment}, no. ${count}`);
      }
      return Promise.resolve();
    },
    done: () => done,
    missed: () => entries.flatMap(({ times, at, nth, every, deed }) => (times === 0 ? [{ at, nth, every, deed }] : [])),
    disarm: async () => {
      armed = false;
      await Promise.all(outages);
    },
  };
}
