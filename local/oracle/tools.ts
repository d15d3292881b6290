import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type CommandResult, runCommand } from '../../shared/trivy/run/run-command.js';
import { packageRoot } from '../environment.js';
import { GO_TOOLS, getGoTool } from '../go-tool/go-tool.js';

/** The official tools. */
export type ToolName = 'notation' | 'cosign' | 'cosign-2';

/** Runs an official tool with a home of its own: nothing of the user's is read, and no network but loopback is asked. */
export type RunTool = (
  tool: ToolName,
  args: readonly string[],
  options?: { readonly cwd?: string; readonly env?: Readonly<Record<string, string>> },
) => Promise<CommandResult>;

const TIMEOUT_MILLISECONDS = 30_000;

/** Builds the tools where they are not there yet. `home` is theirs; `root` is where this package is. */
export async function getTools(home: string, progress: (line: string) => void, root = packageRoot()): Promise<RunTool> {
  const deps = { root, env: process.env, progress };
  const paths = {
    notation: await getGoTool(GO_TOOLS.notation, deps),
    cosign: await getGoTool(GO_TOOLS.cosign, deps),
    'cosign-2': await getGoTool(GO_TOOLS['cosign-2'], deps),
  };
  await mkdir(home, { recursive: true });
  return (tool, args, { cwd = home, env = {} } = {}) =>
    runCommand(paths[tool], args, {
      cwd,
      env: {
        HOME: home,
        XDG_CONFIG_HOME: join(home, 'config'),
        XDG_CACHE_HOME: join(home, 'cache'),
        DOCKER_CONFIG: join(home, 'docker'),
        TUF_ROOT: join(home, 'tuf'),
        COSIGN_PASSWORD: '',
        NOTATION_EXPERIMENTAL: '1',
        ...env,
      },
      timeoutMilliseconds: TIMEOUT_MILLISECONDS,
      killAfterMilliseconds: 1000,
      maxOutputBytes: 1024 * 1024,
    });
}

/** Runs a tool that has to succeed; returns what it printed. */
export async function mustRun(result: Promise<CommandResult>, what: string): Promise<string> {
  const { exitCode, stdout, stderr } = await result;
  if (exitCode !== 0) throw new Error(`${what}: exit ${exitCode ?? 'by a signal'}\n${stderr}\n${stdout.toString()}`);
  return stdout.toString('utf8');
}
