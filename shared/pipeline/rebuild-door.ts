import { z } from 'zod';
import { AppError } from '../error/app-error.js';
import { ROLES, type SignIn, requireRole } from '../message/principal.js';
import type { Log } from './effects.js';
import { type DoorRequest, type DoorResponse, answer, parseBody } from './http-doors.js';
import { discardRecords } from './loss.js';
import { type RebuildDeps, rebuild } from './rebuild.js';
import { MAX_REASON_LENGTH } from './release.js';

const rebuildSchema = z.strictObject({
  /** Where an earlier answer left off. */
  after: z.string().max(8000).optional(),
  /** Give up all records so far, rather than rebuild from them. */
  discard: z.literal(true).optional(),
  reason: z.string().trim().min(1).max(MAX_REASON_LENGTH).optional(),
});

/**
 * `POST rebuildLedger` with `{after?, reason?}`: rebuilds the ledger from the quarantine records, as far as twenty seconds go.
 * Where there is more (`next` is there), ask again with it as `after`. With `{discard: true, reason}`: gives the records up,
 * in the caller's name, and begins anew.
 */
export function rebuildDoor(
  request: DoorRequest,
  deps: RebuildDeps & { readonly signIn: SignIn; readonly log: Log },
): Promise<DoorResponse> {
  return answer(deps, async () => {
    const { name: by } = requireRole(request.headers, ROLES.operate, deps.signIn);
    const { discard, ...asked } = parseBody(await request.text(), rebuildSchema, '{"after": …, "reason": …}');
    if (discard === undefined) return { status: 200, body: await rebuild({ by, ...asked }, deps) };
    const { reason, after } = asked;
    if (after !== undefined) throw new AppError('REQUEST_MALFORMED', 'discard begins at the beginning');
    if (reason === undefined) throw new AppError('REASON_REQUIRED', 'to discard the records needs a reason');
    await discardRecords({ by, reason }, deps);
    return { status: 200, body: { discarded: true, by } };
  });
}
