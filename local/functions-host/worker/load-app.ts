import { glob, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Registrations } from './core-module.js';

/**
 * Loads every file that `main` in the app's `package.json` matches, as the worker does. Unlike the worker it fails where
 * a file throws, where nothing registers, and where the app asks for a capability (streams among them).
 * https://github.com/Azure/azure-functions-nodejs-worker/blob/v4.x/src/startApp.ts
 */
export async function loadApp(root: string, registrations: Registrations): Promise<void> {
  const { main } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { readonly main?: string };
  if (main === undefined) throw new Error('package.json names no main');
  let files = 0;
  for await (const file of glob(main, { cwd: root })) {
    if (!/\.[cm]?js$/.test(file)) continue;
    await import(pathToFileURL(join(root, file)).href);
    files += 1;
  }
  registrations.lock();
  if (registrations.functions.length === 0) throw new Error(`no function registered by ${files} files of ${main}`);
  const asked = Object.keys(await registrations.model().getCapabilities({}));
  if (asked.length > 0) throw new Error(`the local host does not serve the capability ${asked.join(', ')}`);
}
