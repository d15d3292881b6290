import { z } from 'zod';
import { AppError, ProblemsError } from '../error/app-error.js';
import { keySchema } from '../message/key-schema.js';
import { ROLES, requireRole } from '../message/principal.js';
import { completePolicy, keyNames } from '../policy/complete.js';
import { KEY_FILE_NAME, MAX_POLICY_BYTES, parsePolicy } from '../policy/parse-policy.js';
import { parsePublicKey } from '../signature/trust.js';
import { type ExplainDeps, explain } from './explain.js';
import { type DoorDeps, type DoorRequest, type DoorResponse, answer, resolveKnown } from './http-doors.js';
import { MAX_COMPARED, type PolicyDiffDeps, policyDiff } from './policy-diff.js';
import type { Side } from './recall.js';

/** What the doors about the policy need. */
export interface PolicyDoorDeps extends DoorDeps, ExplainDeps, PolicyDiffDeps {
  readonly ledger: DoorDeps['ledger'] & PolicyDiffDeps['ledger'];
}

/** `GET explain?reference=…`: how the deployed policy comes to what it says of one artifact. */
export function explainDoor(request: DoorRequest, deps: PolicyDoorDeps): Promise<DoorResponse> {
  return answer(deps, async () => {
    requireRole(request.headers, ROLES.read, deps.signIn);
    const { key } = await resolveKnown((request.query.get('reference') ?? '').slice(0, 1000), deps);
    return { status: 200, body: await explain(key, deps) };
  });
}

/** How many key files one policy may come with, and how long each may be, in characters. */
const MAX_SENT_KEYS = 50;
const MAX_SENT_KEY_LENGTH = 8192;
/** The longest body, in characters: two policies with all of their keys, and as much again for what JSON escapes. */
export const MAX_DIFF_BODY = 2 * 2 * (MAX_POLICY_BYTES + MAX_SENT_KEYS * MAX_SENT_KEY_LENGTH);

const sourceSchema = z.strictObject({
  policy: z.string().max(MAX_POLICY_BYTES),
  keys: z
    .record(z.string().regex(KEY_FILE_NAME), z.string().max(MAX_SENT_KEY_LENGTH))
    .refine((keys) => Object.keys(keys).length <= MAX_SENT_KEYS, `at most ${MAX_SENT_KEYS} keys`),
});
const diffSchema = z.strictObject({
  /** The policy to compare with; the deployed one where it is absent. */
  old: sourceSchema.optional(),
  new: sourceSchema,
  /** `at` and `after` of the page before. */
  at: z.iso.datetime().optional(),
  after: z.strictObject(keySchema.shape).optional(),
  /** How many digests the page compares at most. */
  count: z.number().int().min(1).max(MAX_COMPARED).optional(),
});

/**
 * `POST policyDiff` with `{old?, new, at?, after?, count?}`: which digests of the ledger stand otherwise under another policy.
 * One page, of about twenty seconds; where there is more, ask again with its `at` and `after`.
 */
export function policyDiffDoor(request: DoorRequest, deps: PolicyDoorDeps): Promise<DoorResponse> {
  return answer(deps, async () => {
    requireRole(request.headers, ROLES.read, deps.signIn);
    const body = await readBody(request);
    const now = deps.clock();
    const at = body.at === undefined ? now : new Date(body.at);
    if (at > now) throw new AppError('REQUEST_MALFORMED', 'at is that of an earlier page');
    const { policy, keys } = deps;
    const before = body.old === undefined ? { policy, keys } : parseSource(body.old, 'old');
    const after = parseSource(body.new, 'new');
    const { after: from, count: maxCompared } = body;
    const page = { before, after, at, from, ...(maxCompared !== undefined && { maxCompared }) };
    return { status: 200, body: await policyDiff(page, deps) };
  });
}

async function readBody(request: DoorRequest): Promise<z.infer<typeof diffSchema>> {
  const tooLarge = new AppError('REQUEST_TOO_LARGE', `the body has more than ${MAX_DIFF_BODY} characters`);
  // What says that it is too large is not even read.
  if (Number(request.headers.get('content-length') ?? '0') > MAX_DIFF_BODY) throw tooLarge;
  const text = await request.text();
  if (text.length > MAX_DIFF_BODY) throw tooLarge;
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new AppError('REQUEST_MALFORMED', 'the body is not JSON', { cause });
  }
  const parsed = diffSchema.safeParse(json);
  if (parsed.success) return parsed.data;
  const where = parsed.error.issues.slice(0, 5).map(({ path }) => path.map(String).join('.').slice(0, 100) || '(body)');
  throw new AppError('REQUEST_MALFORMED', `the body is {"old"?, "new", "at"?, "after"?}; wrong: ${where.join(', ')}`, {
    cause: parsed.error,
  });
}

/** Parses as strictly as a start does. Throws `POLICY_INVALID`; every problem's path begins with `name`. */
function parseSource({ policy: text, keys: texts }: z.infer<typeof sourceSchema>, name: 'old' | 'new'): Side {
  try {
    const document = parsePolicy(text);
    const extra = Object.keys(texts).filter((file) => !keyNames(document).includes(file));
    if (extra.length > 0) {
      const problems = extra.map((file) => ({ path: 'keys', message: `${file} is not named by the policy` }));
      throw new ProblemsError('POLICY_INVALID', 'the policy cannot be used:', problems);
    }
    return completePolicy(document, (file) => {
      const pem = Object.hasOwn(texts, file) ? texts[file] : undefined;
      if (pem === undefined) throw new AppError('KEY_MISSING', `${file} is not beside the policy`);
      return parsePublicKey(file, pem);
    });
  } catch (error) {
    if (!(error instanceof ProblemsError)) throw error;
    const problems = error.problems.map(({ path, message }) => ({ path: `${name} ${path}`.trim(), message }));
    throw new ProblemsError(error.code, 'the policy cannot be used:', problems);
  }
}
