import { z } from 'zod';
import { type ArtifactKey, parseReference } from '../artifact/reference.js';
import { AppError, ProblemsError } from '../error/app-error.js';
import { ROLES, type SignIn, requireRole } from '../message/principal.js';
import { parseDuration } from '../policy/duration.js';
import { type BrakeDeps, letGoOfBrake, readBrake } from './brake.js';
import { type CoverageDeps, coverage } from './coverage.js';
import type { Log } from './effects.js';
import type { EpochDeps } from './epoch.js';
import { insist } from './insist.js';
import { type LookUpDeps, MAX_WAIT_SECONDS, lookUp, resolve } from './lookup.js';
import { reconcile } from './reconcile.js';
import { MAX_REASON_LENGTH, type ReleaseDeps, release } from './release.js';

/** The parts of a request that the doors read. */
export interface DoorRequest {
  readonly headers: { get: (name: string) => string | null };
  readonly query: { get: (name: string) => string | null };
  readonly text: () => Promise<string>;
}

/** A JSON answer. */
export interface DoorResponse {
  readonly status: number;
  readonly body: unknown;
}

/** What the doors need. */
export interface DoorDeps extends LookUpDeps {
  readonly signIn: SignIn;
  readonly log: Log;
  readonly ledger: LookUpDeps['ledger'] & ReleaseDeps['ledger'] & BrakeDeps['ledger'] & EpochDeps['ledger'];
  readonly send: ReleaseDeps['send'];
  readonly journal: ReleaseDeps['journal'];
  readonly store: ReleaseDeps['store'];
  readonly reconcile: CoverageDeps;
  /** New quarantines an hour; undefined for the default. */
  readonly limit: number | undefined;
}

const STATUS_OF: Readonly<Record<string, number>> = {
  NOT_SIGNED_IN: 401,
  NOT_ALLOWED: 403,
  UNKNOWN_ARTIFACT: 404,
  REGISTRY_NOT_CONFIGURED: 404,
  INVALID_REFERENCE: 400,
  INVALID_LOGIN_SERVER: 400,
  INVALID_REPOSITORY: 400,
  INVALID_TAG: 400,
  INVALID_DIGEST: 400,
  REQUEST_MALFORMED: 400,
  REQUEST_TOO_LARGE: 413,
  POLICY_INVALID: 400,
  REASON_REQUIRED: 400,
  NOT_CONTESTED: 409,
  LEDGER_LOST: 409,
};

/** `GET verdict?reference=…&wait=seconds`: the status of one artifact. */
export function verdictDoor(request: DoorRequest, deps: DoorDeps): Promise<DoorResponse> {
  return answer(deps, async () => {
    requireRole(request.headers, ROLES.read, deps.signIn);
    const reference = parseReference((request.query.get('reference') ?? '').slice(0, 1000));
    const wait = Number(request.query.get('wait') ?? '0');
    if (!Number.isFinite(wait) || wait < 0) throw new AppError('REQUEST_MALFORMED', 'wait is a number of seconds');
    return { status: 200, body: await lookUp(reference, Math.min(wait, MAX_WAIT_SECONDS), deps) };
  });
}

const releaseSchema = z.strictObject({
  reference: z.string().max(1000),
  reason: z.string().min(1).max(MAX_REASON_LENGTH),
  /** For how long, as the policy writes durations. */
  for: z.string().max(20).optional(),
});
const MAX_BODY = 16_384;

/** `POST release` with `{reference, reason, for?}`: takes a digest out of quarantine in the caller's name. */
export function releaseDoor(request: DoorRequest, deps: DoorDeps): Promise<DoorResponse> {
  return answer(deps, async () => {
    const { name } = requireRole(request.headers, ROLES.release, deps.signIn);
    const body = parseBody(await request.text(), releaseSchema, '{"reference": …, "reason": …, "for": …}');
    const resolved = await resolveKnown(body.reference, deps);
    const { reason } = body;
    const { release: given } = await release(resolved.key, { by: name, reason, milliseconds: spanOf(body) }, deps);
    return { status: 202, body: { digest: resolved.key.digest, by: name, until: given?.until ?? null } };
  });
}

const insistSchema = releaseSchema.omit({ for: true });

/** `POST insist` with `{reference, reason}`: locks a contested digest again, in the caller's name. */
export function insistDoor(request: DoorRequest, deps: DoorDeps): Promise<DoorResponse> {
  return answer(deps, async () => {
    const { name } = requireRole(request.headers, ROLES.release, deps.signIn);
    const { reference, reason } = parseBody(await request.text(), insistSchema, '{"reference": …, "reason": …}');
    const { key } = await resolveKnown(reference, deps);
    await insist(key, { by: name, reason }, deps);
    return { status: 202, body: { digest: key.digest, by: name } };
  });
}

/** What a reference stands for. Throws `UNKNOWN_ARTIFACT` or `REGISTRY_NOT_CONFIGURED`. */
export async function resolveKnown(reference: string, deps: DoorDeps): Promise<{ readonly key: ArtifactKey }> {
  const resolved = await resolve(parseReference(reference), deps);
  if (resolved === undefined)
    throw new AppError('UNKNOWN_ARTIFACT', 'neither the registry nor the ledger knows this reference');
  if (!deps.registries.has(resolved.key.registry)) {
    throw new AppError('REGISTRY_NOT_CONFIGURED', 'a registry that is not configured');
  }
  return resolved;
}

/** `GET coverage`: how much of the registries is accounted for. */
export function coverageDoor(request: DoorRequest, deps: DoorDeps): Promise<DoorResponse> {
  return answer(deps, async () => {
    requireRole(request.headers, ROLES.read, deps.signIn);
    return { status: 200, body: await coverage(deps.reconcile) };
  });
}

/** `GET brake`: whether the brake is on, what tripped it, and what the limit is. */
export function brakeDoor(request: DoorRequest, deps: DoorDeps): Promise<DoorResponse> {
  return answer(deps, async () => {
    requireRole(request.headers, ROLES.read, deps.signIn);
    return { status: 200, body: await readBrake(deps) };
  });
}

const letGoSchema = z.strictObject({
  reason: z.string().trim().min(1).max(MAX_REASON_LENGTH),
  /** Quarantines beyond the limit; absent for as many as are withheld. */
  allow: z.number().int().min(0).max(1_000_000).optional(),
});

/** `POST letGo` with `{reason, allow?}`: lets what the brake withholds go through, in the caller's name. */
export function letGoDoor(request: DoorRequest, deps: DoorDeps): Promise<DoorResponse> {
  return answer(deps, async () => {
    const { name } = requireRole(request.headers, ROLES.operate, deps.signIn);
    const { reason, allow } = parseBody(await request.text(), letGoSchema, '{"reason": …, "allow": …}');
    await letGoOfBrake({ by: name, reason, allowed: allow }, deps);
    return { status: 200, body: await readBrake(deps) };
  });
}

/** How long one answer may take, in milliseconds: whoever asks for more asks again. */
const RECONCILE_MILLISECONDS = 20_000;

/**
 * `POST reconcileNow[?since=TIME][&all=true]`: compares registries and ledger now, as far as twenty seconds go. Where there
 * is more (`complete` is false), ask again with `startedAt` as `since`. `all`: whole repositories, whenever they were last
 * looked at.
 */
export function reconcileDoor(request: DoorRequest, deps: DoorDeps): Promise<DoorResponse> {
  return answer(deps, async () => {
    const { name } = requireRole(request.headers, ROLES.operate, deps.signIn);
    const now = deps.clock();
    const asked = request.query.get('since');
    const since = asked === null ? now : new Date(asked);
    if (!(since <= now)) throw new AppError('REQUEST_MALFORMED', 'since is the startedAt of an earlier answer');
    const all = request.query.get('all') ?? 'false';
    if (all !== 'true' && all !== 'false') throw new AppError('REQUEST_MALFORMED', 'all is true or false');
    await deps.journal({ what: 'reconcile-asked', who: name });
    const options = { since, all: all === 'true', spanMilliseconds: RECONCILE_MILLISECONDS };
    return { status: 200, body: await reconcile(deps.reconcile, options) };
  });
}

/** The longest time that a release can be for: whoever needs more releases for good. */
const MAX_RELEASE_MILLISECONDS = 90 * 24 * 3_600_000;

function spanOf(body: z.infer<typeof releaseSchema>): number | undefined {
  if (body.for === undefined) return undefined;
  const milliseconds = parseDuration(body.for);
  if (milliseconds === undefined || milliseconds === 0 || milliseconds > MAX_RELEASE_MILLISECONDS) {
    throw new AppError('REQUEST_MALFORMED', 'for is a duration such as 2h or 1h30m, of 2160h at most');
  }
  return milliseconds;
}

/** Reads a JSON body. Throws `REQUEST_MALFORMED`, with the `shape` that is asked for. */
export function parseBody<T>(text: string, schema: z.ZodType<T>, shape: string): T {
  try {
    if (text.length > MAX_BODY) throw new Error('too large');
    return schema.parse(JSON.parse(text));
  } catch (cause) {
    throw new AppError('REQUEST_MALFORMED', `the body is ${shape}`, { cause });
  }
}

/** Answers a fault with its code and status, and with all problems where it has several. Rethrows what is unexpected. */
export async function answer(deps: Pick<DoorDeps, 'log'>, work: () => Promise<DoorResponse>): Promise<DoorResponse> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    const status = STATUS_OF[error.code] ?? (error.retryable ? 503 : 500);
    deps.log('warn', 'door-refused', { code: error.code, status });
    const problems = error instanceof ProblemsError ? { problems: error.problems } : {};
    return { status, body: { error: { code: error.code, message: error.message, ...problems } } };
  }
}
