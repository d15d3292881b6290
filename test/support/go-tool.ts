import { GO_TOOLS, getGoTool } from '../../local/go-tool/go-tool.js';
import { moduleDirectory } from '../../local/go-tool/module-directory.js';
import { ROOT } from './process.js';

const deps = { root: ROOT, env: process.env, progress: (line: string) => process.stderr.write(`${line}\n`) };

/** The path of an official tool, which is built where it is not there yet. */
export const tool = (name: keyof typeof GO_TOOLS): Promise<string> => getGoTool(GO_TOOLS[name], deps);

/** Where the source of a module is that a tool is built from. */
export const sourceOf = (name: keyof typeof GO_TOOLS, module: string): Promise<string> =>
  moduleDirectory(GO_TOOLS[name], module, deps);
