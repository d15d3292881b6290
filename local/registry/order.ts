import type { Attributes } from './state.js';

/** The orders in which lists are asked for; the empty one is by name. */
export type Order = '' | 'timeasc' | 'timedesc';

interface Listed {
  readonly lastUpdateTime: string;
  readonly attributes: Attributes;
}

/** Sorted once and kept until the next change, so that a walk through ten thousand items sorts them once. */
const kept = new WeakMap<ReadonlyMap<string, unknown>, Map<Order, readonly string[]>>();

/** Forgets the orders of a map that has changed. */
export function changed(map: ReadonlyMap<string, unknown>): void {
  kept.delete(map);
}

/** The names that may be listed, in order. */
export function listedNames(map: ReadonlyMap<string, Listed>, order: Order = ''): readonly string[] {
  const orders = kept.get(map) ?? new Map<Order, readonly string[]>();
  kept.set(map, orders);
  const known = orders.get(order);
  if (known !== undefined) return known;
  const names = sort(
    [...map].filter(([, { attributes }]) => attributes.listEnabled),
    order,
  );
  orders.set(order, names);
  return names;
}

function sort(entries: readonly (readonly [string, Listed])[], order: Order): readonly string[] {
  const sign = order === 'timedesc' ? -1 : 1;
  return entries
    .toSorted(([a, first], [b, second]) => {
      const time = order === '' ? 0 : compare(first.lastUpdateTime, second.lastUpdateTime) * sign;
      return time === 0 ? compare(a, b) : time;
    })
    .map(([name]) => name);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
