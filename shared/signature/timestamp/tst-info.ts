import { type StrongHash, hashOf } from '../x509/algorithm.js';
import { type Der, TAG, booleanOf, fieldsOf, integerOf, listOf, oidOf, readDer } from '../x509/der.js';
import { fineTimeOf } from '../x509/time.js';
import { malformed, weak } from './token.js';

/** What a timestamping authority states. RFC 3161 §2.4.2. */
export interface TstInfo {
  readonly imprint: { readonly hash: StrongHash; readonly digest: Buffer };
  /** `genTime`, to the millisecond. */
  readonly at: Date;
  /** `genTime` less and plus its accuracy, rounded outwards to the millisecond. */
  readonly from: Date;
  readonly to: Date;
}

/** The baseline policy of ETSI EN 319 421 §5.2: the accuracy is a second or better. */
const BASELINE_POLICY = '0.4.0.2023.1.1';
const SECOND = 1_000_000n;
/** An authority that is off by more than an hour tells no time. */
const MAX_ACCURACY = 3600n * SECOND;
const MAX_EXTENSIONS = 32;

/**
 * Reads a `TSTInfo`. Where it states no accuracy, or none but zero, it is taken for exact; under the baseline policy for exact
 * to a second (Notation's trust policy specification, "Timestamp verification"). An extension that is critical is not known
 * here, and refused. Throws `TIMESTAMP_MALFORMED`, `TIMESTAMP_WEAK`, `DER_MALFORMED`.
 */
export function readTstInfo(bytes: Uint8Array): TstInfo {
  const fields = fieldsOf(readDer(bytes));
  if (integerOf(fields.take(TAG.integer)) !== 1n) throw malformed('another version of its statement');
  const policy = oidOf(fields.take(TAG.oid));
  const imprint = fieldsOf(fields.take(TAG.sequence));
  const hash = hashOf(imprint.take(TAG.sequence));
  if (hash === undefined) throw weak('the imprint');
  const digest = imprint.take(TAG.octets).value;
  imprint.done();
  fields.take(TAG.integer);
  const time = fineTimeOf(fields.take(TAG.generalizedTime));
  const stated = accuracyOf(fields.maybe(TAG.sequence));
  const ordering = fields.maybe(TAG.boolean);
  if (ordering !== undefined) booleanOf(ordering);
  fields.maybe(TAG.integer);
  fields.maybe(0xa0);
  checkExtensions(fields.maybe(0xa1));
  fields.done();
  const accuracy = stated === 0n && policy === BASELINE_POLICY ? SECOND : stated;
  return {
    imprint: { hash, digest },
    at: time.at,
    from: new Date(Math.floor((time.microseconds.from - Number(accuracy)) / 1000)),
    to: new Date(Math.ceil((time.microseconds.to + Number(accuracy)) / 1000)),
  };
}

/** Microseconds. */
function accuracyOf(element: Der | undefined): bigint {
  if (element === undefined) return 0n;
  const fields = fieldsOf(element);
  const [seconds, millis, micros] = [fields.maybe(TAG.integer), fields.maybe(0x80), fields.maybe(0x81)].map((field) =>
    field === undefined ? 0n : integerOf(field),
  ) as [bigint, bigint, bigint];
  fields.done();
  const sum = seconds * SECOND + millis * 1000n + micros;
  if (seconds < 0n || millis < 0n || millis > 999n || micros < 0n || micros > 999n || sum > MAX_ACCURACY) {
    throw malformed('its accuracy is none');
  }
  return sum;
}

function checkExtensions(element: Der | undefined): void {
  if (element === undefined) return;
  for (const extension of listOf(element, { most: MAX_EXTENSIONS })) {
    const fields = fieldsOf(extension);
    fields.take(TAG.oid);
    const critical = fields.maybe(TAG.boolean);
    if (critical !== undefined && booleanOf(critical)) throw malformed('a critical extension is not known');
  }
}
