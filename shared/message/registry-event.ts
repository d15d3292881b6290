import { z } from 'zod';
import { AppError } from '../error/app-error.js';
import { type Digest, parseDigest } from '../artifact/digest.js';
import { type Repository, parseRepository } from '../artifact/repository.js';
import { type Tag, isTag } from '../artifact/tag.js';

/**
 * The largest event that is read, in bytes of JSON: what fits into a queue message with its wrapping. Those of a registry
 * have about one kilobyte.
 */
export const MAX_EVENT_BYTES = 40 * 1024;

/** Something happened in a registry. The registry is named by its resource id; nothing is derived from a host name. */
export interface RegistryEvent {
  readonly action: 'push' | 'delete';
  /** Lower-cased Azure resource id of the registry, without a trailing `/connectedRegistries/<name>`. */
  readonly resourceId: string;
  readonly repository: Repository;
  readonly digest: Digest;
  /** Absent for a push by digest, and for every delete. */
  readonly tag?: Tag;
  /** Who pushed, where the event says so: untrusted text, at most 256 characters. */
  readonly by?: string;
  /** When it happened (RFC 3339). */
  readonly at: string;
}

/** An event that is well-formed but nothing to us: a chart of the legacy kind, a handshake, another source. */
export interface IgnoredEvent {
  readonly action: 'ignore';
  readonly type: string;
}

const text = z.string().max(2048);
const data = z.object({
  timestamp: text.optional(),
  target: z.object({ digest: text, repository: text, tag: text.nullish(), mediaType: text.nullish() }),
  request: z.object({ host: text.nullish(), useragent: text.nullish() }).nullish(),
  actor: z.object({ name: text.nullish() }).nullish(),
});

// Every field besides these is optional in what registries really send, whatever the published types say:
// https://learn.microsoft.com/azure/event-grid/event-schema-container-registry
const eventGridEnvelope = z.object({
  topic: text,
  eventType: text,
  eventTime: text.optional(),
  data: z.unknown(),
});
const cloudEnvelope = z.object({
  specversion: z.literal('1.0'),
  source: text,
  type: text,
  time: text.optional(),
  data: z.unknown(),
});

const ACTIONS: Readonly<Record<string, 'push' | 'delete' | 'ignore'>> = {
  'microsoft.containerregistry.imagepushed': 'push',
  'microsoft.containerregistry.imagedeleted': 'delete',
  'microsoft.containerregistry.chartpushed': 'ignore',
  'microsoft.containerregistry.chartdeleted': 'ignore',
};

/**
 * Parses one event in the Event Grid or in the CloudEvents 1.0 envelope. `now` stands in where the event tells no time.
 * Throws `EVENT_TOO_LARGE` or `EVENT_MALFORMED`; neither is retryable.
 */
export function parseRegistryEvent(event: unknown, now: Date): RegistryEvent | IgnoredEvent {
  if (Buffer.byteLength(JSON.stringify(event ?? null)) > MAX_EVENT_BYTES) {
    throw new AppError('EVENT_TOO_LARGE', 'an event of more than 40 KiB');
  }
  const { source, type, time, payload } = readEnvelope(event);
  const action = ACTIONS[type.toLowerCase()];
  if (action === undefined || action === 'ignore') return { action: 'ignore', type };
  const parsed = data.safeParse(payload);
  if (!parsed.success) throw malformed(z.prettifyError(parsed.error));
  const { target, actor, timestamp } = parsed.data;
  const tag = target.tag ?? undefined;
  if (tag !== undefined && !isTag(tag)) throw malformed('data.target.tag is not a tag');
  const by = actor?.name?.slice(0, 256);
  return {
    action,
    resourceId: source.replace(/\/connectedRegistries\/[^/]+$/i, '').toLowerCase(),
    repository: parsePart(() => parseRepository(target.repository)),
    digest: parsePart(() => parseDigest(target.digest)),
    ...(tag !== undefined && { tag }),
    ...(by !== undefined && by !== '' && { by }),
    at: toTime(timestamp ?? time, now),
  };
}

function readEnvelope(event: unknown) {
  const cloud = cloudEnvelope.safeParse(event);
  if (cloud.success) {
    const { source, type, time, data: payload } = cloud.data;
    return { source, type, time, payload };
  }
  const grid = eventGridEnvelope.safeParse(event);
  if (!grid.success) throw malformed(z.prettifyError(grid.error));
  return { source: grid.data.topic, type: grid.data.eventType, time: grid.data.eventTime, payload: grid.data.data };
}

/** ACR writes seven to nine fractional digits, which `Date` reads; what it cannot read becomes `now`. */
function toTime(value: string | undefined, now: Date): string {
  const parsed = new Date(value ?? Number.NaN);
  const usable = !Number.isNaN(parsed.getTime()) && parsed.getTime() <= now.getTime() + 300_000;
  return (usable ? parsed : now).toISOString();
}

function parsePart<T>(parse: () => T): T {
  try {
    return parse();
  } catch (cause) {
    throw new AppError('EVENT_MALFORMED', 'the event names an artifact that cannot exist', { cause });
  }
}

function malformed(detail: string): AppError {
  return new AppError('EVENT_MALFORMED', `a malformed registry event: ${detail.slice(0, 500)}`);
}
