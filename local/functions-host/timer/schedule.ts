import { Cron } from 'croner';

/** A timer's schedule. */
export interface Schedule {
  readonly text: string;
  /** The first occurrence after a time, itself excluded. */
  readonly nextAfter: (time: Date) => Date;
  /** Whether it occurs more than once in the minute after a time: such a schedule is not remembered. */
  readonly isSubMinute: (time: Date) => boolean;
}

const MONTHS = 'jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec';
const DAYS = 'sun|mon|tue|wed|thu|fri|sat';
/** Least and greatest number of each field, and its names. */
const FIELDS: readonly (readonly [name: string, least: number, most: number, names?: string])[] = [
  ['second', 0, 59],
  ['minute', 0, 59],
  ['hour', 0, 23],
  ['day', 1, 31],
  ['month', 1, 12, MONTHS],
  ['day of the week', 0, 6, DAYS],
];

/**
 * Reads an NCRONTAB expression, in UTC: `{second} {minute} {hour} {day} {month} {day of the week}`, or five fields without
 * the seconds. A day has to match both its fields. Throws at anything else, time spans (which only an App Service plan
 * serves) and the extensions of other dialects among it.
 * https://learn.microsoft.com/azure/azure-functions/functions-bindings-timer#ncrontab-expressions
 */
export function parseSchedule(text: string): Schedule {
  const fields = text.trim().split(/\s+/);
  const six = fields.length === 5 ? ['0', ...fields] : fields;
  if (six.length !== FIELDS.length) throw new Error(`not an NCRONTAB expression of 5 or 6 fields: ${text}`);
  for (const [index, field] of six.entries()) checkField(field, index, text);
  const cron = new Cron(six.join(' '), {
    mode: '6-part',
    timezone: 'UTC',
    domAndDow: true,
    sloppyRanges: true,
    paused: true,
  });
  const nextAfter = (time: Date): Date => {
    const next = cron.nextRun(time);
    if (next === null) throw new Error(`the schedule ${text} never occurs`);
    return next;
  };
  nextAfter(new Date(0));
  return {
    text,
    nextAfter,
    isSubMinute: (time) =>
      six.slice(1).every((field) => field === '*') && nextAfter(nextAfter(time)).getTime() < time.getTime() + 60_000,
  };
}

function checkField(field: string, index: number, text: string): void {
  const [name, least, most, names] = FIELDS[index] ?? ['field', 0, 0];
  const value = names === undefined ? String.raw`\d{1,2}` : String.raw`\d{1,2}|${names}`;
  const item = new RegExp(String.raw`^(?:\*|(${value})(?:-(${value}))?)(?:/(\d{1,2}))?$`, 'i');
  for (const part of field.split(',')) {
    const match = item.exec(part);
    const numbers = [match?.[1], match?.[2]].filter((found) => found !== undefined && /^\d/.test(found)).map(Number);
    const fits = numbers.every((number) => number >= least && number <= most) && match?.[3] !== '0';
    if (match === null || !fits) throw new Error(`not a ${name} of an NCRONTAB expression: ${part} in ${text}`);
  }
}
