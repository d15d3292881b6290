import { type Der, TAG, malformedDer } from './der.js';

/** A point in time, and what of it is finer than `Date` can tell. */
export interface FineTime {
  /** To the millisecond, cut. */
  readonly at: Date;
  /** Microseconds since 1970 that it is not before, and not after. */
  readonly microseconds: { readonly from: number; readonly to: number };
}

/** UTCTime or GeneralizedTime in UTC to the second: what RFC 5280 §4.1.2.5 allows. Throws `DER_MALFORMED`. */
export function timeOf(element: Der): Date {
  const fine = fineTimeOf(element);
  if (element.value.includes('.')) throw malformedDer('a time with a fraction');
  return fine.at;
}

/** The same with up to nine digits of a fraction, as RFC 3161 §2.4.2 allows it. Throws `DER_MALFORMED`. */
export function fineTimeOf({ tag, value }: Der): FineTime {
  if (value.byteLength > 32) throw malformedDer('no time');
  const text = value.toString('latin1');
  const form =
    tag === TAG.utcTime
      ? /^(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})Z$/
      : /^(\d{4})(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})(?:\.(\d{1,9}))?Z$/;
  const match = tag === TAG.utcTime || tag === TAG.generalizedTime ? form.exec(text) : null;
  if (match === null) throw malformedDer('no time');
  const [, first = '', month, day, hour, minute, second, fraction = ''] = match;
  const year = tag === TAG.utcTime ? `${Number(first) < 50 ? '20' : '19'}${first}` : first;
  const nanoseconds = Number(fraction.padEnd(9, '0'));
  const iso = `${year}-${month ?? ''}-${day ?? ''}T${hour ?? ''}:${minute ?? ''}:${second ?? ''}.000Z`;
  const whole = new Date(iso);
  // The thirtieth of February is taken for the second of March, or for nothing at all.
  if (Number.isNaN(whole.getTime()) || whole.toISOString() !== iso) throw malformedDer('a time that never is');
  const base = whole.getTime() * 1000;
  return {
    at: new Date(whole.getTime() + Math.floor(nanoseconds / 1e6)),
    microseconds: { from: base + Math.floor(nanoseconds / 1000), to: base + Math.ceil(nanoseconds / 1000) },
  };
}
