import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { z } from 'zod';
import { runCommand } from '../../../shared/trivy/run/run-command.js';
import { type AdmissionCase, GROUP } from './cases.js';
import { copyOfKubernetes, render } from './render.js';
import { tool } from '../../support/go-tool.js';
import type { Resource } from './resource.js';

type Json = Readonly<Record<string, unknown>>;

/** What Kyverno's own tool says of an object by one policy. */
export interface Judgement {
  readonly policy: string;
  readonly result: 'pass' | 'fail' | 'error' | 'skip' | 'warn';
  readonly message: string;
}

/** What comes of an object: what each policy says that concerns it. */
export interface Asked {
  readonly object: Json;
  readonly oldObject?: Json;
  readonly operation?: 'CREATE' | 'UPDATE' | 'DELETE';
  readonly groups?: readonly string[];
  /** The namespace that the object is in. Default: nothing is known of it. */
  readonly namespace?: Json;
}

const reportSchema = z.object({
  results: z
    .array(
      z.object({
        policy: z.string(),
        result: z.enum(['pass', 'fail', 'error', 'skip', 'warn']),
        message: z.string().default(''),
        resources: z.tuple([z.object({ name: z.string() })]),
      }),
    )
    .nullish()
    .transform((results) => results ?? []),
});

const API = 'cli.kyverno.io/v1alpha1';
/** Where the tool finds what an object was before: it knows no update by which anything changes. */
const BEFORE = 'objectBefore';

/**
 * The policies as the tool takes them. For an update `oldObject` is looked for in the object itself, since the tool has nowhere
 * to say it: the same engine then evaluates the same expressions, but for this one name.
 */
function policyText(policies: readonly Resource[], update: boolean): string {
  const text = policies.map((each) => stringify(each, { lineWidth: 0 })).join('---\n');
  return update ? text.replace(/\boldObject\b/g, `object.${BEFORE}`) : text;
}

/** Asks Kyverno's own tool, once for all objects, which are alike but for themselves. In the order of the objects. */
export async function judge(
  policies: readonly Resource[],
  asked: readonly Asked[],
): Promise<readonly (readonly Judgement[])[]> {
  const directory = mkdtempSync(join(tmpdir(), 'lazaret-kyverno-'));
  try {
    const [{ operation = 'CREATE', groups = [], namespace } = {}] = asked;
    const write = (name: string, text: string) => {
      writeFileSync(join(directory, name), text);
      return join(directory, name);
    };
    const name = (index: number) => `case-${index}`;
    const objects = asked.map(({ object, oldObject }, index) => ({
      ...object,
      metadata: { ...(object['metadata'] as Json), name: name(index) },
      ...(operation === 'UPDATE' && { [BEFORE]: oldObject }),
    }));
    const values = {
      apiVersion: API,
      kind: 'Values',
      globalValues: { 'request.operation': operation },
      ...(namespace !== undefined && { namespaces: [namespace] }),
    };
    const user = { username: 'somebody@contoso.example', groups };
    const args = [
      ...['apply', write('policies.yaml', policyText(policies, operation === 'UPDATE'))],
      ...['--resource', write('objects.yaml', objects.map((each) => stringify(each, { lineWidth: 0 })).join('---\n'))],
      ...['--values-file', write('values.yaml', stringify(values))],
      ...['--userinfo', write('user.yaml', stringify({ apiVersion: API, kind: 'UserInfo', userInfo: user }))],
      ...['--registry', '--policy-report', '--output-format', 'json'],
    ];
    const { exitCode, stdout, stderr } = await runCommand(await tool('kyverno'), args, {
      cwd: directory,
      env: { HOME: directory },
      timeoutMilliseconds: 120_000,
      killAfterMilliseconds: 1000,
      maxOutputBytes: 16 * 1024 * 1024,
    });
    const text = stdout.toString('utf8');
    const at = text.indexOf('{"kind":"ClusterReport"');
    // Where no policy concerns any object there is no report, and no complaint.
    if (at < 0 && exitCode !== 0) throw new Error(`kyverno: ${stderr}${text}`);
    const { results } = reportSchema.parse(at < 0 ? { results: [] } : JSON.parse(text.slice(at)));
    return asked.map((_, index) =>
      results
        .filter(({ resources }) => resources[0].name === name(index))
        .map(({ policy, result, message }) => ({ policy, result, message })),
    );
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

const reviewSchema = z.object({
  kind: z.literal('AdmissionReview'),
  request: z.object({
    operation: z.enum(['CREATE', 'UPDATE', 'DELETE']),
    userInfo: z.object({ groups: z.array(z.string()) }),
    object: z.record(z.string(), z.unknown()).optional(),
    oldObject: z.record(z.string(), z.unknown()).optional(),
  }),
});

/** A case as it is put to the tool. */
export function askedOf({ object }: AdmissionCase): Asked {
  const review = reviewSchema.safeParse(object);
  if (!review.success) return { object };
  const { operation, userInfo, object: now, oldObject } = review.data.request;
  return {
    // For what goes away the tool takes the object itself as the old one.
    object: now ?? oldObject ?? {},
    ...(oldObject !== undefined && { oldObject }),
    operation,
    groups: userInfo.groups,
  };
}

/** The cases of which one policy says something else than they do, with what it says. */
export async function mistakesBy(
  policies: readonly Resource[],
  policy: string,
  cases: readonly AdmissionCase[],
): Promise<readonly string[]> {
  // One run for all that are asked alike.
  const groups = Map.groupBy(cases, (each) => {
    const { operation, groups: members } = askedOf(each);
    return JSON.stringify([operation, members]);
  });
  const mistakes: string[] = [];
  for (const alike of groups.values()) {
    const judged = await judge(policies, alike.map(askedOf));
    for (const [index, each] of alike.entries()) {
      const said = judged[index]!.filter((judgement) => judgement.policy === policy);
      if (!isAsExpected(each, said)) mistakes.push(`${each.name}: ${JSON.stringify(said)}`);
    }
  }
  return mistakes;
}

function isAsExpected(each: AdmissionCase, said: readonly Judgement[]): boolean {
  // What goes away concerns no policy; of everything else one has to say something.
  if (askedOf(each).operation === 'DELETE') return each.refused === undefined && said.length === 0;
  const [only] = said;
  if (only === undefined || said.length > 1) return false;
  if (each.refused === undefined) return only.result === 'pass';
  return only.result === 'fail' && only.message.includes(each.refused);
}

/** Where the policies are, with settings of their own. */
export interface Policies {
  readonly directory: string;
  readonly read: (overlay?: string) => Promise<readonly Resource[]>;
  readonly remove: () => void;
}

/** A copy of the policies in which `from` is `to`, in a file of `kyverno/`. */
export function policiesWith({
  settings = {},
  trust = {},
  file = 'base/allowed-images.yaml',
  from = '',
  to = '',
  edits = [],
}: {
  readonly settings?: Readonly<Record<string, string>>;
  readonly trust?: Readonly<Record<string, string>>;
  readonly file?: string;
  readonly from?: string;
  readonly to?: string;
  /** More of the same. */
  readonly edits?: readonly (readonly [string, string])[];
} = {}): Policies {
  const directory = copyOfKubernetes({ breakGlassGroup: GROUP, ...settings }, trust);
  const path = join(directory, 'kyverno', file);
  let text = readFileSync(path, 'utf8');
  for (const [before, after] of from === '' ? edits : [[from, to] as const, ...edits]) {
    if (!text.includes(before)) throw new Error(`${file} does not say ${before}`);
    text = text.replaceAll(before, after);
  }
  writeFileSync(path, text);
  return {
    directory,
    read: (overlay = 'production') => render(join(directory, 'kyverno', overlay)),
    remove: () => rmSync(directory, { recursive: true, force: true }),
  };
}
