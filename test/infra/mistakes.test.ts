import { readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { azureNameFindings } from './checks/azure-names.js';
import { bodyFindings } from './checks/bodies.js';
import { exposureFindings } from './checks/exposure.js';
import { nameFindings, roleFindings } from './checks/names.js';
import { privilegeFindings } from './checks/privileges.js';
import { queryFindings } from './checks/queries.js';
import { runTests } from './harness/plan.js';
import { type Workspace, createWorkspace, findTerraform } from './harness/terraform.js';
import { MISTAKES, STOPPED, WEAKENED } from './mistakes.js';

const MINUTES = 60_000;
const terraform = findTerraform();

const RESOURCE = /^resource "/m;
const textOf = ({ directory }: Workspace, file: string) => readFileSync(join(directory, file), 'utf8');

/**
 * Changes a file of a copy; how it is aligned does not matter. Throws where what is to be changed is not there, or not once.
 */
function change(workspace: Workspace, { file, from, to }: { file: string; from: string; to: string }): void {
  const text = textOf(workspace, file);
  const wanted = new RegExp(from.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&').replaceAll(/ +/g, ' +'), 'g');
  const times = text.match(wanted)?.length ?? 0;
  if (times !== 1) throw new Error(`${file} holds this ${times} times: ${from}`);
  writeFileSync(
    join(workspace.directory, file),
    text.replace(wanted, () => to),
  );
}

/** What `terraform validate` says, as `file: what`, in the order of the files. */
function validate(workspace: Workspace): readonly string[] {
  const { text } = workspace.run('validate', '-json');
  const { diagnostics } = JSON.parse(text.slice(text.indexOf('{'))) as {
    diagnostics: { summary: string; range?: { filename: string } }[];
  };
  return diagnostics.map(({ summary, range }) => `${range?.filename ?? ''}: ${summary}`).sort();
}

/** Leaves one run of the tests, as `one`, with what all of its file have in common. */
function onlyRun({ directory }: Workspace, file: string, name: string, change = (run: string) => run): void {
  const tests = join(directory, 'tests');
  const all = readFileSync(join(tests, `${file}.tftest.hcl`), 'utf8');
  const head = all.slice(0, all.search(/^run "/m));
  const run = new RegExp(`^run "${name}" \\{[\\s\\S]*?\\n\\}\\n`, 'm').exec(all)?.[0];
  if (run === undefined) throw new Error(`${file} has no run ${name}`);
  for (const each of readdirSync(tests).filter((entry) => entry.endsWith('.hcl'))) rmSync(join(tests, each));
  writeFileSync(join(tests, 'one.tftest.hcl'), head + change(run));
}

/** The run in which everything is switched on, without what it asserts itself. */
const onlyComplete = (workspace: Workspace) =>
  onlyRun(workspace, 'shapes', 'complete', (run) => run.replaceAll(/\n {2}assert \{[\s\S]*?\n {2}\}/g, ''));

describe.skipIf(terraform === undefined)('a deliberate mistake', () => {
  let workspace: Workspace;
  beforeAll(() => {
    workspace = createWorkspace(terraform!);
  }, 10 * MINUTES);
  afterAll(() => workspace.remove());

  it(
    'in any file, a wrong argument or a name that does not exist, is found without Azure',
    () => {
      const files = readdirSync(workspace.directory).filter((name) => name.endsWith('.tf'));
      expect(files.length).toBeGreaterThan(25);
      const making = files.filter((file) => RESOURCE.test(textOf(workspace, file)));
      // What depends on a mistake is not looked at, so a round finds some, and the next one the rest.
      for (let left = making; left.length > 0;) {
        const copy = workspace.fork();
        for (const file of left) {
          const text = textOf(copy, file);
          const line = text.indexOf('\n', text.lastIndexOf('\nresource "') + 1);
          writeFileSync(
            join(copy.directory, file),
            `${text.slice(0, line)}\n  wrong_argument = true${text.slice(line)}`,
          );
        }
        const found = validate(copy);
        const expected = left.map((file) => `${file}: Unsupported argument`);
        expect(found.length).toBeGreaterThan(0);
        expect(found.filter((each) => !expected.includes(each))).toEqual([]);
        left = left.filter((file) => !found.includes(`${file}: Unsupported argument`));
      }
      const copy = workspace.fork();
      const others = files.filter((file) => !making.includes(file));
      for (const [index, file] of others.entries()) {
        writeFileSync(
          join(copy.directory, file),
          `${textOf(copy, file)}\nlocals {\n  mistake_${index} = local.nowhere\n}\n`,
        );
      }
      expect(validate(copy)).toEqual(others.map((file) => `${file}: Reference to undeclared local value`));
    },
    30 * MINUTES,
  );

  it(
    'that Terraform and Azure would both take is found by looking at what would be made',
    () => {
      const copy = workspace.fork();
      onlyComplete(copy);
      for (const mistake of MISTAKES) change(copy, mistake);
      // A tag where a digest should be: the rule against it is one of the mistakes.
      const tests = join(copy.directory, 'tests', 'one.tftest.hcl');
      writeFileSync(tests, readFileSync(tests, 'utf8').replace(/scan@sha256:[0-9a-f]{64}/, 'scan:latest'));
      const report = runTests(copy, 'one', { made: true });
      expect(report.errors).toEqual([]);
      const made = report.made.get('complete') ?? [];
      const findings = [
        ...privilegeFindings(made),
        ...exposureFindings(made, true),
        ...nameFindings(made),
        ...roleFindings(report.outputs.get('complete')),
        ...bodyFindings(made),
        ...azureNameFindings(made),
        ...queryFindings(made),
      ];
      const missed = MISTAKES.filter(
        ({ found: [code, place] }) => !findings.some((each) => each.startsWith(`${code} `) && each.includes(place)),
      );
      expect(missed).toEqual([]);
    },
    10 * MINUTES,
  );

  it.each(STOPPED)(
    'in $file stops Terraform: $says',
    ({ says, ...mistake }) => {
      const copy = workspace.fork();
      onlyComplete(copy);
      change(copy, mistake);
      const { code, errors } = runTests(copy, 'one', { made: true });
      expect([code, errors.join('\n')]).toEqual([1, expect.stringContaining(says)]);
    },
    10 * MINUTES,
  );

  it.each([...new Set(WEAKENED.map(({ run }) => run))])(
    'in a rule is found by the value that it then lets through (%s)',
    (run) => {
      const copy = workspace.fork();
      const weakened = WEAKENED.filter((each) => each.run === run);
      for (const each of weakened) change(copy, each);
      onlyRun(copy, 'refusals', run);
      const said = runTests(copy, 'one', { made: false }).errors.join('\n');
      expect(weakened.filter(({ lets }) => !said.includes(`${lets}, was expected`))).toEqual([]);
    },
    10 * MINUTES,
  );

  it('covers every file that makes, names or asks for something', () => {
    const making = readdirSync(workspace.directory)
      .filter((name) => name.endsWith('.tf'))
      .filter((name) =>
        /^(?:resource|locals|output|variable)\b/m.test(readFileSync(join(workspace.directory, name), 'utf8')),
      );
    const covered = new Set([...MISTAKES, ...WEAKENED, ...STOPPED].map(({ file }) => file));
    expect(making.filter((name) => !covered.has(name))).toEqual([]);
  });
});
