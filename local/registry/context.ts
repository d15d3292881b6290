import type { Auth } from './auth.js';
import type { RegistryEvent } from './event.js';
import type { Repositories } from './repositories.js';
import type { RegistryStore } from './store.js';

/** What every route works with. */
export interface Context {
  readonly loginServer: string;
  readonly resourceId: string;
  readonly location: string;
  readonly clock: () => Date;
  readonly store: RegistryStore;
  readonly repositories: Repositories;
  readonly auth: Auth;
  /** Durable before it resolves: an answered push whose event is lost would never be scanned. */
  readonly publish: (event: RegistryEvent) => Promise<void>;
}

/** One page of a sorted list, after the item `last`. */
export function page(
  items: readonly string[],
  url: URL,
  defaultSize: number,
): { readonly items: readonly string[]; readonly more: boolean; readonly size: number } {
  const asked = Number(url.searchParams.get('n') ?? defaultSize);
  const size = Number.isInteger(asked) && asked > 0 ? Math.min(asked, 1000) : defaultSize;
  const last = url.searchParams.get('last');
  const rest = last === null || last === '' ? items : items.slice(items.indexOf(last) + 1);
  return { items: rest.slice(0, size), more: rest.length > size, size };
}
