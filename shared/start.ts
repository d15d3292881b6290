import { createApp } from './app.js';
import type { App } from './steps.js';

let started: Promise<App> | undefined;

/**
 * The one app of this process. It is built at the first invocation and shared by all functions; a start that fails is
 * tried again at the next one, so that the host counts the failure and a repaired setting takes effect.
 */
export function startedApp(): Promise<App> {
  started ??= createApp(process.env, {
    fetch,
    clock: () => new Date(),
    write: (line) => process.stdout.write(`${line}\n`),
  }).catch((error: unknown) => {
    started = undefined;
    throw error;
  });
  return started;
}
