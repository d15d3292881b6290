import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';

const SHORTEST_POLLING_MILLISECONDS = 100;
const DEFAULT_TIMEOUT = '00:30:00';

const timeSpan = z.string().transform((text, context) => {
  try {
    return parseTimeSpan(text);
  } catch {
    context.addIssue({ code: 'custom', message: `not a time span: ${text}` });
    return z.NEVER;
  }
});

// https://learn.microsoft.com/azure/azure-functions/functions-bindings-storage-queue#hostjson-settings
const queueSchema = z.object({
  batchSize: z.number().int().min(1).max(32).default(16),
  // -1 stands for half a batch for each processor.
  newBatchThreshold: z.number().int().min(-1).default(-1),
  maxDequeueCount: z.number().int().min(1).default(5),
  visibilityTimeout: timeSpan.prefault('00:00:00'),
  maxPollingInterval: timeSpan
    .refine((milliseconds) => milliseconds >= SHORTEST_POLLING_MILLISECONDS, 'maxPollingInterval is at least 100 ms')
    .prefault('00:01:00'),
  messageEncoding: z
    .string()
    .transform((text) => text.toLowerCase())
    .pipe(z.enum(['base64', 'none']))
    .prefault('base64'),
});

const hostSchema = z.object({
  version: z.literal('2.0'),
  functionTimeout: z.string().default(DEFAULT_TIMEOUT).transform(toTimeout),
  // Ours are the numbers of `extensions.queues`; a host that finds its own would be another host.
  concurrency: z.object({ dynamicConcurrencyEnabled: z.literal(false).optional() }).optional(),
  extensions: z
    .object({
      http: z.object({ routePrefix: z.string().default('api') }).prefault({}),
      queues: queueSchema.prefault({}),
    })
    .prefault({}),
});

/** `host.json`, as far as the local host keeps it. Times are milliseconds. */
export interface HostSettings {
  /** Undefined is for ever. */
  readonly functionTimeoutMilliseconds: number | undefined;
  readonly routePrefix: string;
  readonly queues: Readonly<z.infer<typeof queueSchema>>;
}

const OVERRIDE = 'AzureFunctionsJobHost__';

/**
 * Reads `host.json` of the app at `root`. As in the real host, an app setting `AzureFunctionsJobHost__a__b__c` stands
 * above the member `a.b.c`. https://learn.microsoft.com/azure/azure-functions/functions-host-json#override-hostjson-values
 */
export async function readHostSettings(
  root: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<HostSettings> {
  return parseHostSettings(JSON.parse(await readFile(join(root, 'host.json'), 'utf8')), env);
}

/** {@link readHostSettings}, of what has been read. Throws where a value is one that the real host refuses. */
export function parseHostSettings(
  value: unknown,
  env: Readonly<Record<string, string | undefined>> = {},
): HostSettings {
  const json = structuredClone(value) as Record<string, unknown>;
  for (const [name, text] of Object.entries(env)) {
    if (!name.startsWith(OVERRIDE) || text === undefined) continue;
    const path = name.slice(OVERRIDE.length).split('__');
    const last = path.pop() ?? '';
    let place = json;
    for (const part of path) place = (place[part] ??= {}) as Record<string, unknown>;
    place[last] = /^-?\d+$/.test(text) && last !== 'functionTimeout' ? Number(text) : text;
  }
  const { functionTimeout, extensions } = hostSchema.parse(json);
  return {
    functionTimeoutMilliseconds: functionTimeout,
    routePrefix: extensions.http.routePrefix.replaceAll(/^\/|\/$/g, ''),
    queues: extensions.queues,
  };
}

/** Milliseconds of a .NET time span: `[days.]hh:mm[:ss[.fraction]]`. Throws where it is none, or is negative. */
export function parseTimeSpan(text: string): number {
  const match = /^(?:(\d+)\.)?(\d{1,2}):(\d{1,2})(?::(\d{1,2})(\.\d{1,7})?)?$/.exec(text.trim());
  const at = (index: number) => Number(match?.[index] ?? 0);
  const [days, hours, minutes, seconds, fraction] = [at(1), at(2), at(3), at(4), at(5)];
  if (match === null || hours > 23 || minutes > 59 || seconds > 59) throw new Error(`not a time span: ${text}`);
  return Math.round((((days * 24 + hours) * 60 + minutes) * 60 + seconds + fraction) * 1000);
}

// https://github.com/Azure/azure-functions-host (ScriptJobHostOptionsSetup): one day back stands for no limit.
function toTimeout(text: string, context: z.RefinementCtx): number | undefined {
  if (text === '-1' || text === '-1.00:00:00') return undefined;
  try {
    const milliseconds = parseTimeSpan(text);
    if (milliseconds >= 1000) return milliseconds;
  } catch {
    // Told below.
  }
  context.addIssue({ code: 'custom', message: `functionTimeout is -1 or a time span of at least a second: ${text}` });
  return z.NEVER;
}
