import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { runCommand } from '../../../shared/trivy/run/run-command.js';
import type { Resource } from './crds.js';
import { tool } from './render.js';

const templateSchema = z.looseObject({
  targets: z.tuple([z.looseObject({ rego: z.string(), libs: z.array(z.string()) })]),
});
const answerSchema = z.object({
  result: z.tuple([z.object({ expressions: z.tuple([z.object({ value: z.array(z.object({ msg: z.string() })) })]) })]),
});

/** The Rego of a constraint template: what it says, and its libraries. */
export function regoOf(template: Resource): { readonly rego: string; readonly libs: readonly string[] } {
  return templateSchema.parse(template['spec']).targets[0];
}

/**
 * What a template says of a review, by OPA itself: with what Gatekeeper's own tool does not give to a template, the namespace
 * that an object is in.
 */
export async function violationsOf(
  template: Resource,
  input: { readonly review: unknown; readonly parameters: unknown },
): Promise<readonly string[]> {
  const { rego, libs } = regoOf(template);
  const directory = mkdtempSync(join(tmpdir(), 'lazaret-rego-'));
  try {
    const files = [rego, ...libs].map((text, index) => {
      const file = join(directory, `${index}.rego`);
      writeFileSync(file, text);
      return ['--data', file];
    });
    const asked = join(directory, 'input.json');
    writeFileSync(asked, JSON.stringify(input));
    const args = ['eval', '--v0-compatible', '--strict-builtin-errors=false', '--input', asked, ...files.flat()];
    const { exitCode, stdout, stderr } = await runCommand(
      await tool('opa'),
      [...args, `data.${template.metadata.name}.violation`],
      {
        cwd: directory,
        env: { HOME: directory },
        timeoutMilliseconds: 60_000,
        killAfterMilliseconds: 1000,
        maxOutputBytes: 4 * 1024 * 1024,
      },
    );
    if (exitCode !== 0) throw new Error(`opa: ${stderr}${stdout.toString('utf8')}`);
    return answerSchema.parse(JSON.parse(stdout.toString('utf8'))).result[0].expressions[0].value.map(({ msg }) => msg);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
