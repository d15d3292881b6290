import { z } from 'zod';
import { AppError } from '../../shared/error/app-error.js';
import { runCommand } from '../../shared/trivy/run/run-command.js';
import { type GoToolDeps, type GoTool, goEnvironment, pinsOf } from './go-tool.js';

const answerSchema = z.object({ Dir: z.string().min(1) });
const TIMEOUT_MILLISECONDS = 5 * 60_000;

/**
 * Where the source of a module is that a tool is built from, in the version that its pins name; it is fetched where the machine
 * does not have it. Throws `GO_UNAVAILABLE` where there is no Go, and `GO_BUILD_FAILED` where the module is none of the tool's.
 */
export async function moduleDirectory(tool: GoTool, module: string, deps: GoToolDeps): Promise<string> {
  const result = await runCommand('go', ['mod', 'download', '-json', module], {
    cwd: pinsOf(tool, deps.root),
    env: goEnvironment(deps.env),
    timeoutMilliseconds: TIMEOUT_MILLISECONDS,
    killAfterMilliseconds: 5000,
    maxOutputBytes: 1024 * 1024,
  }).catch((cause: unknown) => {
    throw new AppError('GO_UNAVAILABLE', 'there is no Go to fetch it with', { cause });
  });
  if (result.exitCode !== 0) throw new AppError('GO_BUILD_FAILED', result.stderr.trim().slice(-500));
  return answerSchema.parse(JSON.parse(result.stdout.toString('utf8'))).Dir;
}
