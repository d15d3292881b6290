import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { tool } from '../../support/go-tool.js';
import { type Resource } from './resource.js';

/** What a provider says: of each image its value or its error; or nothing, since it could not be asked. */
export interface Provider {
  readonly values?: Readonly<Record<string, unknown>>;
  readonly errors?: Readonly<Record<string, string>>;
  readonly systemError?: string;
  /** Being asked at all is an error that ends the evaluation. */
  readonly mustNotBeAsked?: boolean;
}

// What Gatekeeper's own function makes of a provider's answer. gator has no such function, and http.send is not one.
const STUB = `package stub

import rego.v1

external_data(request) := {
  "responses": [[key, data.provider.values[key]] | some key in request.keys],
  "errors": [[key, data.provider.errors[key]] | some key in request.keys],
  "status_code": 200,
  "system_error": data.provider.systemError,
} if {
  request.provider == "ratify-provider"
  to_number(data.provider.toll) == 1
}
`;

const modulesSchema = z.looseObject({ rego: z.string(), libs: z.array(z.string()) });
const sourceSchema = modulesSchema.extend({ version: z.literal('v1') });
const codeSchema = z.object({
  targets: z.tuple([z.object({ code: z.tuple([z.object({ engine: z.literal('Rego'), source: sourceSchema })]) })]),
});
const oldSchema = z.object({ targets: z.tuple([modulesSchema]) });

/** The Rego of a template, in whichever of its two fields, and whether it is of the older form. */
function modulesOf({ spec }: Resource): {
  readonly rego: string;
  readonly libs: readonly string[];
  readonly isOld: boolean;
} {
  const code = codeSchema.safeParse(spec);
  return code.success
    ? { ...code.data.targets[0].code[0].source, isOld: false }
    : { ...oldSchema.parse(spec).targets[0], isOld: true };
}

/**
 * Judges admission reviews as Gatekeeper would, by the template and the constraint that are installed, with the real OPA. The
 * function `external_data`, which only Gatekeeper has, is declared to the compiler and answered by a stub.
 */
export async function reviewer(
  template: Resource,
  constraint: Pick<Resource, 'spec'>,
): Promise<(review: unknown, provider?: Provider) => readonly string[]> {
  const opa = await tool('opa');
  const { rego, libs, isOld } = modulesOf(template);
  const entry = /^package (\w+)/m.exec(rego)?.[1] ?? '';
  const capabilities = JSON.parse(execFileSync(opa, ['capabilities', '--current'], { encoding: 'utf8' })) as {
    readonly builtins: readonly unknown[];
  };
  const declared = {
    name: 'external_data',
    decl: { type: 'function', args: [{ type: 'any' }], result: { type: 'any' } },
  };
  return (review, { values = {}, errors = {}, systemError = '', mustNotBeAsked = false } = {}) => {
    const directory = mkdtempSync(join(tmpdir(), 'lazaret-opa-'));
    try {
      const write = (name: string, content: unknown) =>
        writeFileSync(join(directory, name), typeof content === 'string' ? content : JSON.stringify(content));
      const bundle = ['rego', 'stub', ...libs.map((_, at) => `lib-${at}`)].map((name) => `${name}.rego`);
      [rego, STUB, ...libs].forEach((text, at) => write(bundle[at]!, text));
      write('data.json', { provider: { values, errors, systemError, toll: mustNotBeAsked ? 'none' : '1' } });
      write('input.json', { review, parameters: constraint.spec['parameters'] });
      write('capabilities.json', { ...capabilities, builtins: [...capabilities.builtins, declared] });
      const args = ['eval', '--format', 'json', '--capabilities', 'capabilities.json', '--input', 'input.json'];
      const query = `x := data.${entry}.violation with external_data as data.stub.external_data`;
      const files = ['data.json', ...bundle].flatMap((file) => ['--data', file]);
      const strict = mustNotBeAsked ? ['--strict-builtin-errors'] : [];
      if (isOld) strict.push('--v0-compatible');
      const out = execFileSync(opa, [...args, ...strict, ...files, query], {
        cwd: directory,
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      const { result } = JSON.parse(out) as { result: [{ bindings: { x: readonly { readonly msg: string }[] } }] };
      return result[0].bindings.x.map(({ msg }) => msg).toSorted();
    } finally {
      rmSync(directory, { recursive: true });
    }
  };
}
