import { LineCounter, type Document, isCollection, isNode, parseDocument, visit } from 'yaml';
import { z } from 'zod';
import { parseLoginServer } from '../artifact/login-server.js';
import { type Problem, ProblemsError } from '../error/app-error.js';
import { SEVERITIES } from '../vulnerability/severity.js';
import { CHANNEL_NAME } from './channel.js';
import { parseDuration } from './duration.js';
import { patternProblem } from './pattern.js';
import { ACTIONS, BASELINES, type Policy, type PolicyRule } from './policy.js';
import { signatureSchema } from './signature-schema.js';

/** The largest policy file that is read, in bytes. */
export const MAX_POLICY_BYTES = 256 * 1024;
const duration = z.string().transform((text, context) => {
  const milliseconds = parseDuration(text);
  if (milliseconds !== undefined) return milliseconds;
  context.addIssue({ code: 'custom', message: `${JSON.stringify(text)} is not a duration such as 15m, 72h or 1h30m` });
  return z.NEVER;
});

const registry = z.string().transform((text, context) => {
  try {
    return parseLoginServer(text);
  } catch {
    context.addIssue({ code: 'custom', message: `${JSON.stringify(text)} is not a login server` });
    return z.NEVER;
  }
});

const repository = z.string().superRefine((text, context) => {
  const message = patternProblem(text);
  if (message !== undefined) context.addIssue({ code: 'custom', message });
});

const action = z.enum(ACTIONS);
const unjudged = z.enum(['fail', 'inconclusive', 'accept']);
const severity = z.enum(SEVERITIES);

const ruleSchema = z.strictObject({
  registry: registry.optional(),
  repository,
  vulnerabilities: z.strictObject({ fail: severity.optional(), failFixable: severity.optional() }).default({}),
  secrets: z.enum(['fail', 'accept']).default('fail'),
  signature: signatureSchema(duration).optional(),
  channel: z.string().regex(CHANNEL_NAME, 'a channel is a name of lower-case letters, digits and "-"').optional(),
  onPush: action.default('mark'),
  onChange: z
    .strictObject({ enforce: action.default('mark'), after: duration.default(259_200_000) })
    .default({ enforce: 'mark', after: 259_200_000 }),
  unrecognised: unjudged.default('inconclusive'),
  endOfLife: unjudged.default('fail'),
  unscannable: z.enum(['fail', 'inconclusive']).default('inconclusive'),
});

const policySchema = z.strictObject({
  version: z.literal(1),
  deadline: duration.default(1_800_000),
  maxAge: duration.default(604_800_000),
  existing: z.enum(BASELINES).default('observe'),
  rules: z.array(ruleSchema).min(1).max(500),
});

/** A policy without its digests, which cover the key files too. */
export type PolicyDocument = Omit<Policy, 'digest' | 'trust'>;

/**
 * Parses `policy.yaml`. Throws {@link ProblemsError} `POLICY_INVALID` with every mistake at once, each with its path and
 * line; a missing catch-all is among them even where other fields are wrong.
 */
export function parsePolicy(text: string): PolicyDocument {
  if (Buffer.byteLength(text) > MAX_POLICY_BYTES) {
    throw new ProblemsError('POLICY_INVALID', 'the policy cannot be used:', [
      { path: '', message: 'more than 256 KiB' },
    ]);
  }
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, strict: true, uniqueKeys: true });
  visit(document, {
    Alias: () => {
      throw new ProblemsError('POLICY_INVALID', 'the policy cannot be used:', [
        { path: '', message: 'anchors and aliases are not read' },
      ]);
    },
  });
  const problems: Problem[] = document.errors.map(({ code, linePos }) => ({
    path: `line ${linePos?.[0].line ?? 1}`,
    message: `not YAML (${code})`,
  }));
  const json: unknown = problems.length === 0 ? document.toJS() : undefined;
  const result = policySchema.safeParse(json);
  if (problems.length === 0) {
    for (const issue of result.error?.issues ?? []) {
      problems.push({ path: formatPath(issue.path) + lineOf(document, issue.path, lines), message: issue.message });
    }
    for (const { path, message } of orderProblems(json)) {
      problems.push({ path: formatPath(path) + lineOf(document, path, lines), message });
    }
  }
  if (problems.length > 0 || !result.success) {
    throw new ProblemsError('POLICY_INVALID', 'the policy cannot be used:', problems);
  }
  const { version, deadline, maxAge, existing, rules } = result.data;
  return {
    ...{ version, existing, deadlineMilliseconds: deadline, maxAgeMilliseconds: maxAge },
    rules: rules.map(toRule),
  };
}

function toRule(rule: z.infer<typeof ruleSchema>): PolicyRule {
  const { registry: host, signature, onChange, vulnerabilities, channel, ...rest } = rule;
  const { fail, failFixable } = vulnerabilities;
  return {
    ...rest,
    ...(host !== undefined && { registry: host }),
    ...(channel !== undefined && { channel }),
    vulnerabilities: { ...(fail && { fail }), ...(failFixable && { failFixable }) },
    ...(signature && { signature }),
    onChange: { enforce: onChange.enforce, afterMilliseconds: onChange.after },
  };
}

const shape = z.object({
  rules: z.array(z.object({ repository: z.unknown().optional(), registry: z.unknown().optional() })),
});

/** First match wins, so the catch-all must be there and be last: anything after it can never match. */
function orderProblems(json: unknown): { readonly path: readonly PropertyKey[]; readonly message: string }[] {
  const parsed = shape.safeParse(json);
  if (!parsed.success) return [];
  const { rules } = parsed.data;
  const catchAll = rules.findIndex((rule) => rule.repository === '**' && rule.registry === undefined);
  if (catchAll === -1) {
    return [{ path: ['rules'], message: 'there is no catch-all; end with a rule for repository "**" and no registry' }];
  }
  if (catchAll === rules.length - 1) return [];
  return [{ path: ['rules', catchAll + 1], message: `can never match: rules[${catchAll}] already takes everything` }];
}

function formatPath(path: readonly PropertyKey[]): string {
  return path
    .map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`))
    .join('')
    .replace(/^\./, '');
}

/** The line of the deepest part of `path` that the document holds, as ` (line 7)`. */
function lineOf(document: Document, path: readonly PropertyKey[], lines: LineCounter): string {
  for (let length = path.length; length >= 0; length--) {
    const node: unknown = length === 0 ? document.contents : document.getIn(path.slice(0, length), true);
    if (isNode(node) && node.range) return ` (line ${lines.linePos(node.range[0]).line})`;
    if (isCollection(node)) return '';
  }
  return '';
}
