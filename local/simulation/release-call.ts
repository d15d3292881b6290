import type { DoorResponse } from '../../shared/pipeline/http-doors.js';
import type { Schedule } from './schedule.js';
import type { Instance } from './worker.js';

/** What came of asking for a release. */
export type ReleaseAnswer = 'released' | 'refused' | 'unclear';

const TRIES = 30;
const AGAIN_MILLISECONDS = 60_000;
/** As long as a person's browser waits for an answer. */
const PATIENCE_MILLISECONDS = 120_000;

/**
 * A person asks the app to release a digest, again and again until it says yes or no. `unclear` where an
 * attempt without an answer may still have been the one that did it.
 */
export async function askForRelease(
  reference: string,
  { schedule, instance }: { readonly schedule: Schedule; readonly instance: () => Instance | undefined },
): Promise<ReleaseAnswer> {
  const request = {
    headers: new Headers({ 'x-lazaret-caller': 'somebody' }),
    query: new URLSearchParams(),
    text: () => Promise.resolve(JSON.stringify({ reference, reason: 'simulated' })),
  };
  for (let tries = 0; tries < TRIES; tries++) {
    const { status } = await Promise.race([
      instance()
        ?.call((app) => app.release(request))
        .catch(() => NO_ANSWER) ?? NO_ANSWER,
      new Promise<DoorResponse>((resolve) => schedule.after(PATIENCE_MILLISECONDS, () => resolve(NO_ANSWER))),
    ]);
    if (status === 202) return 'released';
    if (status < 500) return tries === 0 ? 'refused' : 'unclear';
    await new Promise<void>((resolve) => schedule.after(AGAIN_MILLISECONDS, resolve));
  }
  return 'unclear';
}

const NO_ANSWER: DoorResponse = { status: 503, body: undefined };

/** How often somebody looks at the brake. */
const LOOK_MILLISECONDS = 30 * 60_000;

/** A person who looks at the brake again and again, and lets go of it where it is on. */
export function watchBrake({
  schedule,
  instance,
}: {
  readonly schedule: Schedule;
  readonly instance: () => Instance | undefined;
}): void {
  const request = (body: object) => ({
    headers: new Headers({ 'x-lazaret-caller': 'somebody' }),
    query: new URLSearchParams(),
    text: () => Promise.resolve(JSON.stringify(body)),
  });
  const look = async (): Promise<void> => {
    const answer = await instance()?.call((app) => app.brake(request({})));
    const isOn = (answer?.body as { readonly on?: boolean } | undefined)?.on === true;
    if (isOn) await instance()?.call((app) => app.letGo(request({ reason: 'simulated' })));
  };
  schedule.after(LOOK_MILLISECONDS, () => {
    // Who gets no answer looks again.
    look().catch(() => undefined);
    watchBrake({ schedule, instance });
  });
}
