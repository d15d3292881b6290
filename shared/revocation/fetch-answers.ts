import { lookup as systemLookup } from 'node:dns/promises';
import { isAppError } from '../error/app-error.js';
import type { RevocationAnswer, RevocationRequest } from '../signature/revocation.js';
import { MAX_CRL_BYTES, crlEnd } from '../signature/x509/crl.js';
import { MAX_OCSP_BYTES, ocspEnd } from '../signature/x509/ocsp.js';
import { type CacheLimits, createCache } from './cache.js';
import { type ExchangeDeps, type Lookup, exchange } from './exchange.js';

/** How long a question may take, by its kind, in milliseconds. */
export interface TimeLimits {
  readonly ocsp: number;
  readonly crl: number;
}

/** The effects and bounds of {@link createRevocationFetcher}. */
export interface RevocationFetcherDeps extends Omit<ExchangeDeps, 'lookup'> {
  /** Default: the system's. */
  readonly lookup?: Lookup;
  readonly clock: () => Date;
  /** Default: 2 and 5 seconds, as `notation` has them. */
  readonly milliseconds?: TimeLimits;
  /** Questions at once. Default: 8. */
  readonly atOnce?: number;
  /** Default: 256 answers of 32 MiB together. */
  readonly cache?: CacheLimits;
}

/** Asks certificate authorities. Every request gets an answer; it never rejects. */
export type FetchRevocation = (requests: readonly RevocationRequest[]) => Promise<readonly RevocationAnswer[]>;

const MAX_KEPT_MILLISECONDS = 3_600_000;
const FAILURE_KEPT_MILLISECONDS = 10_000;
const DEFAULT_CACHE = { count: 256, bytes: 32 * 1024 * 1024 };

const lookupAll: Lookup = async (host) => (await systemLookup(host, { all: true })).map(({ address }) => address);

/**
 * Creates what asks responders and reads lists. An answer is kept in memory until it is over, an hour at most, with the time at
 * which it came: by that time it is judged. It is not verified here, so only what has an end is kept; faults are kept for ten
 * seconds, lest every image of a push waits for the same silent host.
 *
 * A fault is an answer too: `URL_REFUSED`, `HOST_REFUSED`, `TIMEOUT`, `TOO_LARGE`, `BAD_STATUS`, `NETWORK`.
 */
export function createRevocationFetcher(deps: RevocationFetcherDeps): FetchRevocation {
  const { clock, milliseconds = { ocsp: 2000, crl: 5000 }, atOnce = 8 } = deps;
  const cache = createCache(deps.cache ?? DEFAULT_CACHE);
  const underway = new Map<string, Promise<RevocationAnswer>>();
  const slot = createSlots(atOnce);
  const exchangeDeps = { ...deps, lookup: deps.lookup ?? lookupAll };

  const ask = async (request: RevocationRequest): Promise<RevocationAnswer> => {
    const limits = { maxBytes: request.kind === 'ocsp' ? MAX_OCSP_BYTES : MAX_CRL_BYTES };
    const body = request.kind === 'ocsp' ? { body: request.body } : {};
    const question = { url: request.url, ...body, ...limits, milliseconds: milliseconds[request.kind] };
    try {
      const bytes = await exchange(question, exchangeDeps);
      const now = clock();
      const answer = { id: request.id, at: now.toISOString(), outcome: 'answered', bytes } as const;
      const end = (request.kind === 'ocsp' ? ocspEnd(bytes) : crlEnd(bytes))?.getTime() ?? 0;
      // What is over already, or no answer at all, is asked for again as soon as what failed.
      const latest = now.getTime() + (end > now.getTime() ? MAX_KEPT_MILLISECONDS : FAILURE_KEPT_MILLISECONDS);
      cache.set(answer, new Date(end > now.getTime() ? Math.min(end, latest) : latest));
      return answer;
    } catch (error) {
      const now = clock();
      const code = isAppError(error) ? error.code : 'NETWORK';
      const answer = { id: request.id, at: now.toISOString(), outcome: 'failed', code } as const;
      cache.set(answer, new Date(now.getTime() + FAILURE_KEPT_MILLISECONDS));
      return answer;
    }
  };

  const answerTo = async (request: RevocationRequest): Promise<RevocationAnswer> => {
    const known = cache.get(request.id, clock()) ?? underway.get(request.id);
    if (known !== undefined) return known;
    const answer = slot(() => ask(request)).finally(() => underway.delete(request.id));
    underway.set(request.id, answer);
    return answer;
  };
  return (requests) => Promise.all(requests.map(answerTo));
}

/** Runs `count` at once; the others wait in their order. */
function createSlots(count: number): <T>(run: () => Promise<T>) => Promise<T> {
  let free = count;
  const waiting: (() => void)[] = [];
  return async (run) => {
    if (free > 0) free--;
    else await new Promise<void>((resolve) => waiting.push(resolve));
    try {
      return await run();
    } finally {
      const next = waiting.shift();
      if (next === undefined) free++;
      else next();
    }
  };
}
