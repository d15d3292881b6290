import { z } from 'zod';
import type { Workspace } from './terraform.js';

const resourceSchema = z.object({
  address: z.string(),
  mode: z.string(),
  type: z.string(),
  name: z.string(),
  index: z.union([z.string(), z.number()]).optional(),
  values: z.record(z.string(), z.unknown()),
});
/** What Terraform would make: its address, its type and what stands in it. */
export type Resource = z.infer<typeof resourceSchema>;

const lineSchema = z.object({
  type: z.string(),
  '@testfile': z.string().optional(),
  '@testrun': z.string().optional(),
  '@message': z.string().optional(),
  test_state: z
    .object({
      root_module: z.object({ resources: z.array(resourceSchema).optional() }),
      outputs: z.record(z.string(), z.object({ value: z.unknown() })).optional(),
    })
    .optional(),
  test_run: z.object({ progress: z.string().optional(), status: z.string().optional() }).optional(),
  diagnostic: z.object({ severity: z.string(), summary: z.string(), detail: z.string().optional() }).optional(),
});

/** What `terraform test` came to. */
export interface TestReport {
  readonly code: number;
  /** Run by run, in their order, as `file run: status`. */
  readonly results: readonly string[];
  /** What each run that applied has made, by the run's name. */
  readonly made: ReadonlyMap<string, readonly Resource[]>;
  /** The outputs that are texts, by the run's name. */
  readonly outputs: ReadonlyMap<string, Readonly<Record<string, string>>>;
  readonly errors: readonly string[];
}

/**
 * Runs the tests of one file, and reads what they tell; with `made` also what they would make, which with real providers comes
 * with all of their schemas each time.
 */
export function runTests(workspace: Workspace, file: string, { made: wanted }: { readonly made: boolean }): TestReport {
  const verbose = wanted ? ['-verbose'] : [];
  const { code, text } = workspace.run('test', '-json', ...verbose, `-filter=tests/${file}.tftest.hcl`);
  const results: string[] = [];
  const errors: string[] = [];
  const made = new Map<string, readonly Resource[]>();
  const outputs = new Map<string, Readonly<Record<string, string>>>();
  for (const line of text.split('\n').filter((each) => each.startsWith('{'))) {
    const { '@testfile': file = '', '@testrun': run = '', ...rest } = lineSchema.parse(JSON.parse(line));
    if (rest.test_run?.progress === 'complete') results.push(`${file} ${run}: ${rest.test_run.status ?? ''}`);
    if (rest.test_state !== undefined) {
      const { resources = [] } = rest.test_state.root_module;
      outputs.set(run, textsOf(rest.test_state.outputs ?? {}));
      made.set(
        run,
        resources.filter(({ mode }) => mode === 'managed'),
      );
    }
    if (rest.diagnostic?.severity === 'error')
      errors.push(`${rest.diagnostic.summary}: ${rest.diagnostic.detail ?? ''}`);
  }
  if (results.length === 0) errors.push(text.slice(0, 4000));
  return { code, results, made, outputs, errors };
}

function textsOf(outputs: Readonly<Record<string, { readonly value?: unknown }>>): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(outputs).flatMap(([name, { value }]) => (typeof value === 'string' ? [[name, value]] : [])),
  );
}
