/**
 * `registry:team:app`. Table keys may not hold `/`; a colon occurs in no repository name, and the registry's own port is
 * set apart by `!`, which occurs in neither, so two repositories never share a partition.
 */
export function partitionKey({
  registry,
  repository,
}: {
  readonly registry: string;
  readonly repository: string;
}): string {
  return `${registry.replace(':', '!')}:${repository.replaceAll('/', ':')}`;
}

/** The row of a tag. No digest begins like it. */
export function tagRowKey(tag: string): string {
  return `tag:${tag}`;
}

/** The row of a manifest that gets no verdict. */
export function excludedRowKey(digest: string): string {
  return `excluded:${digest}`;
}

/** The partition of what was found when whole repositories were looked at; no registry is named like it. */
export function surveyPartition(registry: string): string {
  return `survey-${registry.replace(':', '!')}`;
}

/** The row of a registry's search for news. */
export function sweepRowKey(registry: string): string {
  return `sweep-${registry.replace(':', '!')}`;
}

/** Largest string that one table property holds, in UTF-16 code units (64 KiB). */
const CHUNK = 32_000;
const MAX_CHUNKS = 12;

/**
 * JSON in ASCII alone: a property ends anywhere, and half a surrogate pair is no text. Also, what counts bytes and what
 * counts characters then agree.
 */
export function toAsciiJson(value: unknown): string {
  return JSON.stringify(value).replaceAll(
    /[\u007f-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** Splits JSON over properties `json0`, `json1`, …; undefined where it is too large for one row. */
export function toChunks(json: string): Record<string, string> | undefined {
  const count = Math.ceil(json.length / CHUNK);
  if (count > MAX_CHUNKS) return undefined;
  return Object.fromEntries(
    Array.from({ length: count }, (_, i) => [`json${i}`, json.slice(i * CHUNK, (i + 1) * CHUNK)]),
  );
}

/** Puts the properties of {@link toChunks} together again. */
export function fromChunks(row: Readonly<Record<string, unknown>>): string {
  let json = '';
  for (let i = 0; i < MAX_CHUNKS; i++) {
    const chunk = row[`json${i}`];
    if (typeof chunk !== 'string') break;
    json += chunk;
  }
  return json;
}
