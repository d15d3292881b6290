import { z } from 'zod';
import { AppError, ProblemsError } from '../error/app-error.js';
import { keySchema } from '../message/key-schema.js';
import { ROLES, requireRole } from '../message/principal.js';
import { type TrustNames, completePolicy, trustNames } from '../policy/complete.js';
import { MAX_POLICY_BYTES, parsePolicy } from '../policy/parse-policy.js';
import { MAX_TRUST_BYTES, MAX_TRUST_FILES, readTrustMaterial } from '../signature/material.js';
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

/** The longest body, in characters: two policies, twice their length for what JSON escapes, and all that they trust in base64. */
export const MAX_DIFF_BODY = 2 * (2 * MAX_POLICY_BYTES + 2 * MAX_TRUST_BYTES);

/** `ci.pub`, an address in a Key Vault, or a path such as `notation/truststore/x509/ca/acme/root.pem`. */
const TRUST_PATH =
  /^(?:[A-Za-z0-9][A-Za-z0-9._-]{0,127}(?:\/[A-Za-z0-9][A-Za-z0-9._-]{0,127}){0,5}|https:\/\/[A-Za-z0-9./-]{1,290})$/;

const sourceSchema = z.strictObject({
  policy: z.string().max(MAX_POLICY_BYTES),
  /** In base64, by their paths beside the policy. */
  files: z
    .record(z.string().regex(TRUST_PATH), z.base64())
    .refine((files) => Object.keys(files).length <= MAX_TRUST_FILES, `at most ${MAX_TRUST_FILES} files`)
    .refine(
      (files) => Object.values(files).reduce((sum, { length }) => sum + length, 0) <= (MAX_TRUST_BYTES * 4) / 3 + 4,
      `at most ${MAX_TRUST_BYTES} bytes of files`,
    ),
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
    const { policy, material } = deps;
    const before = body.old === undefined ? { policy, material } : parseSource(body.old, 'old');
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
function parseSource({ policy: text, files }: z.infer<typeof sourceSchema>, name: 'old' | 'new'): Side {
  try {
    const document = parsePolicy(text);
    const wanted = trustNames(document);
    const decoded = new Map(Object.entries(files).map(([path, base64]) => [path, Buffer.from(base64, 'base64')]));
    const { material, digest, problems } = readTrustMaterial(wanted, decoded);
    const extra = [...decoded.keys()]
      .filter((path) => !isWanted(path, wanted))
      .map((path) => ({ path: 'files', message: `${path} is not named by the policy` }));
    const all = [...extra, ...problems];
    if (all.length > 0) throw new ProblemsError('POLICY_INVALID', 'the policy cannot be used:', all);
    return { policy: completePolicy(document, digest), material };
  } catch (error) {
    if (!(error instanceof ProblemsError)) throw error;
    const problems = error.problems.map(({ path, message }) => ({ path: `${name} ${path}`.trim(), message }));
    throw new ProblemsError(error.code, 'the policy cannot be used:', problems);
  }
}

function isWanted(path: string, { keys, roots, notation }: TrustNames): boolean {
  return keys.includes(path) || roots.includes(path) || notation.some((directory) => path.startsWith(`${directory}/`));
}
