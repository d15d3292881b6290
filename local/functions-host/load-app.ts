import { glob, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { z } from 'zod';
import type { Registrations } from './core-module.js';

const queueSchema = z.object({
  batchSize: z.number().int().min(1).max(32).default(16),
  newBatchThreshold: z.number().int().default(-1),
  maxDequeueCount: z.number().int().min(1).default(5),
  visibilityTimeout: z.string().default('00:00:00'),
  maxPollingInterval: z.string().default('00:01:00'),
  messageEncoding: z.enum(['base64', 'none']).default('base64'),
});

const hostSchema = z.object({
  version: z.literal('2.0'),
  extensions: z
    .object({
      http: z.object({ routePrefix: z.string().default('api') }).prefault({}),
      queues: queueSchema.prefault({}),
    })
    .prefault({}),
});

/** `host.json`, as far as the local host keeps it. */
export type HostSettings = z.infer<typeof hostSchema>['extensions'];

const OVERRIDE = 'AzureFunctionsJobHost__';

/**
 * Reads `host.json` of the app at `root`. As in the real host, an app setting `AzureFunctionsJobHost__a__b__c` stands
 * above the member `a.b.c`. https://learn.microsoft.com/azure/azure-functions/functions-host-json#override-hostjson-values
 */
export async function readHostSettings(
  root: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<HostSettings> {
  const json = JSON.parse(await readFile(join(root, 'host.json'), 'utf8')) as Record<string, unknown>;
  for (const [name, value] of Object.entries(env)) {
    if (!name.startsWith(OVERRIDE) || value === undefined) continue;
    const path = name.slice(OVERRIDE.length).split('__');
    const last = path.pop() ?? '';
    let place = json;
    for (const part of path) place = (place[part] ??= {}) as Record<string, unknown>;
    place[last] = /^-?\d+$/.test(value) ? Number(value) : value;
  }
  return hostSchema.parse(json).extensions;
}

/** Milliseconds of `hh:mm:ss`. */
export function parseTimeSpan(text: string): number {
  const [hours = 0, minutes = 0, seconds = 0] = text.split(':').map(Number);
  const milliseconds = ((hours * 60 + minutes) * 60 + seconds) * 1000;
  if (!Number.isFinite(milliseconds)) throw new Error(`not a time span: ${text}`);
  return milliseconds;
}

const KNOWN_TRIGGERS = ['queueTrigger', 'eventGridTrigger', 'httpTrigger'];

/**
 * Loads every file that `main` in the app's `package.json` matches, as the worker does. Unlike the worker it fails where
 * a file throws, nothing registers, or a binding is of a kind that is not served here.
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
  for (const { name, bindings } of registrations.functions) {
    for (const { type, direction } of Object.values(bindings)) {
      const served = direction === 'out' ? type === 'http' : KNOWN_TRIGGERS.includes(type);
      if (!served)
        throw new Error(`function ${name} has a binding that the local host does not serve: ${direction} ${type}`);
    }
  }
}
