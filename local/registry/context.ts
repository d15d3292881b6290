import type { Auth } from './auth.js';
import type { BlobHost } from './blob-host.js';
import type { BlobStore } from './blob-store.js';
import type { Happening } from './event.js';
import type { Repositories } from './repositories.js';
import type { Switches } from './switches.js';

/** What every route works with: the registry as one of its regions sees it. */
export interface Context {
  readonly loginServer: string;
  readonly clock: () => Date;
  readonly switches: Switches;
  readonly blobs: BlobStore;
  readonly repositories: Repositories;
  readonly auth: Auth;
  /** Where blobs are served from, if not from the registry itself. */
  readonly blobHost?: BlobHost;
  /** Durable before it resolves: an answered push whose event is lost would never be scanned. */
  readonly publish: (happened: readonly Happening[]) => Promise<void>;
}

/** One page of a list that is in order, after the item `last`. */
export interface Page {
  readonly items: readonly string[];
  readonly more: boolean;
  readonly size: number;
}

/** Azure Container Registry's page where the client asks for no size, and its largest. */
const DEFAULT_SIZE = 100;
const MAX_SIZE = 1000;

/** Cuts a page out of `items`, which are in the order of their names unless `byName` is false. */
export function page(items: readonly string[], url: URL, byName = true): Page {
  const asked = Number(url.searchParams.get('n') ?? DEFAULT_SIZE);
  const size = Number.isInteger(asked) && asked >= 0 ? Math.min(asked, MAX_SIZE) : DEFAULT_SIZE;
  const last = url.searchParams.get('last') ?? '';
  const start = last === '' ? 0 : byName ? firstAfter(items, last) : positionOf(items, last) + 1;
  return { items: items.slice(start, start + size), more: size > 0 && items.length - start > size, size };
}

/** The place of the first item whose name comes after `last`; found by halves, since a walk asks for every page. */
function firstAfter(items: readonly string[], last: string): number {
  let low = 0;
  let high = items.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((items[middle] ?? '') > last) high = middle;
    else low = middle + 1;
  }
  return low;
}

const positions = new WeakMap<readonly string[], ReadonlyMap<string, number>>();

/** The place of an item in a list that is in another order, or -1. Lists are kept between pages, so their places are too. */
function positionOf(items: readonly string[], item: string): number {
  const known = positions.get(items) ?? new Map(items.map((each, i) => [each, i]));
  positions.set(items, known);
  return known.get(item) ?? -1;
}

/** A `Link` header to the next page, relative, as the service writes it. */
export function nextLink({ items, more, size }: Page, path: string, tail = ''): Record<string, string> {
  if (!more) return {};
  return { link: `<${path}?last=${encodeURIComponent(items.at(-1) ?? '')}&n=${size}${tail}>; rel="next"` };
}

/** Seven fractional digits, as the service writes times. */
export function toTime(date: Date): string {
  return date.toISOString().replace(/Z$/, '0000Z');
}
