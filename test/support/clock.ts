/** A clock that stands still until it is moved. */
export function createClock(start = '2026-06-01T12:00:00.000Z') {
  let now = new Date(start).getTime();
  return {
    now: () => new Date(now),
    advance: (milliseconds: number) => {
      now += milliseconds;
    },
  };
}

export type TestClock = ReturnType<typeof createClock>;
