/** What a delivery came to: an HTTP status, or no answer at all. */
export type Answer = number | 'none';

/** The limits of a subscription; whichever is reached first ends the tries. */
export interface RetryPolicy {
  /** From 1 to 30. */
  readonly maxDeliveryAttempts: number;
  /** From 1 to 1440. */
  readonly eventTimeToLiveMinutes: number;
}

/** Event Grid's own limits, where a subscription names none. */
export const DEFAULT_RETRY_POLICY: RetryPolicy = { maxDeliveryAttempts: 30, eventTimeToLiveMinutes: 1440 };

// https://learn.microsoft.com/azure/event-grid/delivery-and-retry#retry-schedule: what follows is every twelve hours.
const SCHEDULE_SECONDS = [10, 30, 60, 300, 600, 1800, 3600, 10_800, 21_600];
const LAST_SECONDS = 43_200;
const DELIVERED: ReadonlySet<Answer> = new Set([200, 201, 202, 203, 204]);
// What an Azure resource answers and no repetition mends. A webhook elsewhere has 401 among it.
const NOT_RETRIED: ReadonlySet<Answer> = new Set([400, 403, 413]);
// The same page: the shortest pause after an answer of an Azure resource. All others: 10 seconds.
const SHORTEST_SECONDS: ReadonlyMap<Answer, number> = new Map([
  [401, 300],
  [404, 300],
  [408, 120],
  [503, 30],
]);

/** Throws where a limit is one that Event Grid refuses. */
export function checkRetryPolicy({ maxDeliveryAttempts, eventTimeToLiveMinutes }: RetryPolicy): void {
  const within = (value: number, most: number) => Number.isInteger(value) && value >= 1 && value <= most;
  if (!within(maxDeliveryAttempts, 30)) throw new Error('maxDeliveryAttempts is from 1 to 30');
  if (!within(eventTimeToLiveMinutes, 1440)) throw new Error('eventTimeToLive is from 1 to 1440 minutes');
}

/** Whether the event has arrived. */
export function isDelivered(answer: Answer): boolean {
  return DELIVERED.has(answer);
}

/** Whether another try may help. */
export function isRetried(answer: Answer): boolean {
  return !NOT_RETRIED.has(answer);
}

/** Seconds until the next try, after so many that failed (at least one). Without the service's jitter. */
export function pauseSeconds(attempts: number, answer: Answer): number {
  return Math.max(SCHEDULE_SECONDS[attempts - 1] ?? LAST_SECONDS, SHORTEST_SECONDS.get(answer) ?? 0);
}

// The names that have been seen: BadRequest, NotFound, TimedOut, Unauthorized, Forbidden, Busy. The others are inference.
const OUTCOMES: ReadonlyMap<Answer, string> = new Map<Answer, string>([
  [400, 'BadRequest'],
  [401, 'Unauthorized'],
  [403, 'Forbidden'],
  [404, 'NotFound'],
  [408, 'TimedOut'],
  [413, 'PayloadTooLarge'],
  [503, 'Busy'],
  ['none', 'TimedOut'],
]);

/** The service's word for an answer. */
export function outcomeOf(answer: Answer): string {
  return OUTCOMES.get(answer) ?? 'GenericError';
}
