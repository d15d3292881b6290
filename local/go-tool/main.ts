import { packageRoot } from '../environment.js';
import { GO_TOOLS, getGoTool } from './go-tool.js';

// `npm run tools`: builds every program that the longer checks need and that is not there yet, one after the other. Some take
// minutes, which no test should have to wait for.
const progress = (line: string) => process.stderr.write(`tools: ${line}\n`);
for (const tool of Object.values(GO_TOOLS)) {
  const began = performance.now();
  const path = await getGoTool(tool, { root: packageRoot(), env: process.env, progress });
  progress(`${tool.name}: ${path} (${Math.round((performance.now() - began) / 1000)} s)`);
}
