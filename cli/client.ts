import { userInfo } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Reference } from '../shared/artifact/reference.js';
import { AppError, type Problem, ProblemsError } from '../shared/error/app-error.js';
import { clean } from './clean.js';
import { UsageError } from './usage.js';

/** Calls a running Lazaret's HTTP functions. */
export interface Client {
  readonly get: (path: string, query: Readonly<Record<string, string>>) => Promise<unknown>;
  readonly post: (path: string, body: unknown) => Promise<unknown>;
}

/** What a door answers where it refuses. */
interface Refusal {
  readonly code?: string;
  readonly message?: string;
  /** Of a document with several mistakes. */
  readonly problems?: readonly Problem[];
}

/** Where a local registry tells which environment it belongs to. */
const DISCOVERY_PATH = '/.well-known/lazaret';

const LOOPBACK = /^(?:127\.0\.0\.1|localhost)(?::\d+)?$/;
const TIMEOUT_MILLISECONDS = 60_000;

/** Does it again while the deployment is not to be reached or refuses it for the moment. Throws what the last try throws. */
export async function patiently<T>(
  work: () => Promise<T>,
  { tries, pauseOf }: { readonly tries: number; readonly pauseOf: (tried: number) => number },
): Promise<T> {
  for (let tried = 1; ; tried++) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof AppError) || !error.retryable || tried >= tries) throw error;
      // In milliseconds.
      await sleep(pauseOf(tried));
    }
  }
}

/** Finds the environment of a reference: `--endpoint`, or the local one behind the reference's own host and port. */
export function connect(reference: Reference, endpoint: string | undefined): Promise<Client> {
  return connectTo(reference.registry, endpoint);
}

/** Finds an environment: `--endpoint`, or the local one behind a registry's host and port. Throws {@link UsageError}. */
export async function connectTo(registry: string | undefined, endpoint: string | undefined): Promise<Client> {
  const base = endpoint ?? process.env['LAZARET_ENDPOINT'] ?? (await discover(registry));
  if (!URL.canParse(base)) throw new UsageError(`--endpoint is not a URL: ${base}`);
  const url = new URL(base);
  const local = LOOPBACK.test(url.host);
  if (url.protocol !== 'https:' && !local)
    throw new UsageError('an endpoint that is not on this machine has to be https');
  const token = process.env['LAZARET_TOKEN'];
  const headers: Record<string, string> = local
    ? { 'x-lazaret-caller': userInfo().username }
    : { ...(token !== undefined && { authorization: `Bearer ${token}` }) };
  const call = async (target: URL, init: RequestInit): Promise<unknown> => {
    let response: Response;
    try {
      response = await fetch(target, { ...init, signal: AbortSignal.timeout(TIMEOUT_MILLISECONDS), redirect: 'error' });
    } catch (cause) {
      throw new AppError('UNREACHABLE', `no Lazaret answers at ${target.origin}`, { retryable: true, cause });
    }
    const body: unknown = await response.json().catch(() => undefined);
    if (response.ok) return body;
    const error = (body as { readonly error?: Refusal } | undefined)?.error;
    if (error?.problems !== undefined)
      throw new ProblemsError(error.code ?? 'REFUSED', 'Lazaret refuses it:', error.problems);
    throw new AppError(
      clean(error?.code ?? 'REFUSED'),
      clean(error?.message ?? `Lazaret answered ${response.status}`),
      {
        retryable: response.status >= 500,
      },
    );
  };
  const at = (path: string) => new URL(`api/${path}`, base.endsWith('/') ? base : `${base}/`);
  return {
    get: (path, query) => {
      const target = at(path);
      for (const [name, value] of Object.entries(query)) target.searchParams.set(name, value);
      return call(target, { headers });
    },
    post: (path, body) =>
      call(at(path), {
        method: 'POST',
        headers: { ...headers, 'content-type': 'application/json' },
        body: JSON.stringify(body),
      }),
  };
}

async function discover(registry: string | undefined): Promise<string> {
  if (registry === undefined || !LOOPBACK.test(registry))
    throw new UsageError('name the deployment with --endpoint URL, or in LAZARET_ENDPOINT');
  try {
    const response = await fetch(`http://${registry}${DISCOVERY_PATH}`, { signal: AbortSignal.timeout(5000) });
    const { functions } = (await response.json()) as { readonly functions?: unknown };
    if (typeof functions === 'string') return functions;
  } catch {
    // Told below: whatever listens there is not ours.
  }
  throw new UsageError(`no local environment runs behind ${registry}; start one with: npx lazaret start`);
}
