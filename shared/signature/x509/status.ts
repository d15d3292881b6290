import type { RevocationAnswer, RevocationAnswers, RevocationRequest } from '../revocation.js';
import { crlRequest, ocspRequestTo } from './ask.js';
import { type CrlContext, type CrlEntry, type CrlReading, readCrl } from './crl.js';
import { type DistributionPoint, distributionPointsOf, responderUrls } from './extensions.js';
import { CLOCK_SKEW, type Issued, readOcsp } from './ocsp.js';

const OID = { access: '1.3.6.1.5.5.7.1.1', points: '2.5.29.31', freshest: '2.5.29.46' } as const;

/** What is known of one certificate. `needs` is what has to be asked next; it is empty where that would change nothing. */
export interface CertificateStatus {
  readonly outcome: 'ok' | 'revoked' | 'unknown';
  readonly reason: string;
  readonly needs: readonly RevocationRequest[];
}

/** What revocation is judged with. */
export interface StatusContext {
  readonly answers: RevocationAnswers;
  readonly now: Date;
  /** When it was certainly used. */
  readonly at?: Date | undefined;
}

const ok = (reason: string): CertificateStatus => ({ outcome: 'ok', reason, needs: [] });
const revoked = (): CertificateStatus => ({ outcome: 'revoked', reason: 'it is revoked', needs: [] });
const unknown = (reason: string, needs: readonly RevocationRequest[] = []): CertificateStatus => ({
  outcome: 'unknown',
  reason,
  needs,
});
const pending = (needs: readonly RevocationRequest[]) => unknown('its authority was not asked yet', needs);

/** Judges one certificate: by OCSP, and where that decides nothing, by the lists of its issuer. Asks for one step at a time. */
export function statusOf(issued: Issued, context: StatusContext): CertificateStatus {
  const { extensions } = issued.certificate;
  const [access, points] = [extensions.get(OID.access), extensions.get(OID.points)];
  let urls: readonly string[];
  let lists: readonly DistributionPoint[];
  try {
    urls = access === undefined ? [] : responderUrls(access.value);
    lists = points === undefined ? [] : distributionPointsOf(points.value);
  } catch {
    return unknown('where to ask cannot be read');
  }
  if (urls.length === 0 && lists.length === 0) {
    return points === undefined ? ok('it cannot be revoked') : unknown('it names no list');
  }
  const first = urls.length === 0 ? undefined : byOcsp(urls, issued, context);
  const decided = first !== undefined && (first.outcome !== 'unknown' || first.needs.length > 0);
  return decided || lists.length === 0 ? (first ?? unknown('nobody is to be asked')) : byLists(lists, issued, context);
}

/** The answer with its time, unless it failed or is of the future. */
function received(answer: RevocationAnswer, now: Date): { readonly bytes: Uint8Array; readonly at: Date } | string {
  if (answer.outcome === 'failed') return `its authority did not answer (${answer.code.slice(0, 64)})`;
  const at = new Date(answer.at);
  // Also where it is no time.
  if (!(at.getTime() <= now.getTime() + CLOCK_SKEW)) return 'its authority answered in the future';
  return { bytes: answer.bytes, at };
}

/** The first responder that says something decides, also if that is that it does not know. */
function byOcsp(urls: readonly string[], issued: Issued, { answers, now, at }: StatusContext): CertificateStatus {
  let reason = 'it has no responder that can be reached';
  for (const url of urls.filter(isHttp)) {
    const request = ocspRequestTo(url, issued);
    const answer = answers.get(request.id);
    if (answer === undefined) return pending([request]);
    const came = received(answer, now);
    if (typeof came === 'string') {
      reason = came;
      continue;
    }
    const status = readOcsp(came.bytes, issued, came.at);
    if (status.status === 'good') return ok('its authority vouches for it');
    if (status.status === 'unknown') return unknown('its authority does not know it');
    if (status.status === 'revoked') return isLater(status.invalidFrom, at) ? ok('it was revoked later') : revoked();
    reason = `the answer of its authority is not used: ${status.reason}`;
  }
  return unknown(reason);
}

/** Notation judges by the invalidity date only where the time of signing is certain. RFC 5280 §5.3.2. */
const isLater = (invalidFrom: Date | undefined, at: Date | undefined) =>
  invalidFrom !== undefined && at !== undefined && at < invalidFrom;

const isHttp = (url: string) => url.slice(0, 7).toLowerCase() === 'http://';

/** All points have to clear it, for each may have other reasons. */
function byLists(points: readonly DistributionPoint[], issued: Issued, context: StatusContext): CertificateStatus {
  const all = points.map((point) =>
    point.foreign ? unknown('its list is not of its issuer') : byList(point, issued, context),
  );
  const found = all.find(({ outcome }) => outcome === 'revoked');
  if (found !== undefined) return found;
  const open = all.find(({ outcome }) => outcome === 'unknown');
  // Where a point can never be told, nothing need be asked of the others but whether they revoke it.
  return open === undefined
    ? ok('no list names it')
    : unknown(
        open.reason,
        all.flatMap(({ needs }) => needs),
      );
}

function byList(point: DistributionPoint, issued: Issued, context: StatusContext): CertificateStatus {
  const base = firstUsable(point.urls, { ...issued, point }, context);
  if ('outcome' in base) return base;
  if (base.deltaOf !== undefined) return unknown('its list tells only of changes');
  // An entry of a list of changes in a whole one.
  if (base.entries.some(({ state }) => state === 'removed')) return unknown('its list contradicts itself');
  if (base.entries.some((entry) => isPermanent(entry, context))) return revoked();
  const own = issued.certificate.extensions.get(OID.freshest);
  let changes: readonly DistributionPoint[];
  try {
    changes = [...base.freshest, ...(own === undefined ? [] : distributionPointsOf(own.value))];
  } catch {
    return unknown('where to ask cannot be read');
  }
  if (changes.length === 0) return verdictOf(base.entries, base, context);
  const urls = [...new Set(changes.flatMap((each) => each.urls))].slice(0, 8);
  const delta = firstUsable(urls, { ...issued, point }, context);
  if ('outcome' in delta) return delta;
  return deltaFault(base, delta) ?? verdictOf([...base.entries, ...delta.entries], base, context);
}

/**
 * RFC 5280 §5.2.4. Numbers may be the same, as where an authority makes both at once, which `notation` takes for a fault; and the
 * scopes have to be, which it does not look at.
 */
function deltaFault(base: CrlReading, delta: CrlReading): CertificateStatus | undefined {
  const sameScope = Buffer.compare(base.scope ?? Buffer.alloc(0), delta.scope ?? Buffer.alloc(0)) === 0;
  const fits =
    base.number !== undefined &&
    delta.number !== undefined &&
    delta.deltaOf !== undefined &&
    delta.number >= base.number &&
    delta.deltaOf <= base.number;
  return sameScope && fits ? undefined : unknown('the changes of its list are of another list');
}

const isPermanent = ({ state, invalidFrom }: CrlEntry, { at }: StatusContext) =>
  state === 'revoked' && !isLater(invalidFrom, at);

/** The latest of what can be taken back decides; of two at the same time, the hold. */
function verdictOf(entries: readonly CrlEntry[], base: CrlReading, context: StatusContext): CertificateStatus {
  if (entries.some((entry) => isPermanent(entry, context))) return revoked();
  const passing = entries.filter(({ state, invalidFrom }) => state !== 'revoked' && !isLater(invalidFrom, context.at));
  const last = Math.max(...passing.map((entry) => entry.at.getTime()));
  if (passing.some(({ state, at }) => state === 'held' && at.getTime() === last)) return revoked();
  return base.complete ? ok('no list names it') : unknown('its list does not tell of all reasons');
}

/** All addresses are of one list: the first that can be used decides. */
function firstUsable(
  urls: readonly string[],
  context: Omit<CrlContext, 'at'>,
  { answers, now }: StatusContext,
): CrlReading | CertificateStatus {
  let reason = 'its list is nowhere that can be reached';
  for (const url of urls.filter(isHttp)) {
    const request = crlRequest(url);
    const answer = answers.get(request.id);
    if (answer === undefined) return pending([request]);
    const came = received(answer, now);
    const reading = typeof came === 'string' ? came : readCrl(came.bytes, { ...context, at: came.at });
    if (typeof reading !== 'string') return reading;
    reason = typeof came === 'string' ? reading : `its list is not used: ${reading}`;
  }
  return unknown(reason);
}
