import { createApp } from './app.js';
import type { DoorRequest } from './pipeline/http-doors.js';
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

/** The handler of the HTTP function that opens onto this door. What it answers is for the caller alone: never cached. */
export function serve(
  door: keyof Pick<
    App,
    | 'brake'
    | 'coverage'
    | 'explain'
    | 'verifyNow'
    | 'insist'
    | 'letGo'
    | 'policyDiff'
    | 'rebuildLedger'
    | 'reconcileNow'
    | 'release'
    | 'verdict'
  >,
) {
  return async (request: DoorRequest) => {
    const { headers, query } = request;
    const { status, body } = await (await startedApp())[door]({ headers, query, text: () => request.text() });
    return { status, jsonBody: body, headers: { 'cache-control': 'no-store' } };
  };
}
