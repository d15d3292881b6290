import { join, resolve } from 'node:path';
import { GO_TOOLS, getGoTool } from '../go-tool/go-tool.js';
import { packageRoot } from '../environment.js';
import { NOT_OFFERED, complaints, runConformance } from './conformance.js';

// `npm run test:conformance [DIRECTORY]`: exit 0 only if no group of the suite fails. The suite's own reports
// (`report.html`, `junit.xml`, `results.yaml`) are left in the directory, by default `.lazaret/conformance`.

const say = (line: string) => process.stdout.write(`${line}\n`);

async function main(): Promise<number> {
  const suite = await getGoTool(GO_TOOLS.conformance, {
    root: packageRoot(),
    env: process.env,
    progress: (line) => process.stderr.write(`${line}\n`),
  });
  const results = resolve(process.argv[2] ?? join('.lazaret', 'conformance'));
  const result = await runConformance(suite, results);
  const wrong = complaints(result);
  const tables = result.output.slice(result.output.indexOf('OCI Conformance Result'));
  say(wrong.length === 0 ? tables : result.output);
  for (const { name, result: outcome } of result.groups) {
    const reason = NOT_OFFERED[name];
    if (outcome !== 'Pass' && reason !== undefined) say(`${name} (${outcome}): ${reason}`);
  }
  for (const complaint of wrong) say(`NOT CONFORMING: ${complaint}`);
  say(`reports: ${results}`);
  return wrong.length === 0 ? 0 : 1;
}

main().then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  },
);
