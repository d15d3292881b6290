/** What a {@link createRecent} holds at most. */
export interface RecentBounds<V> {
  readonly max: number;
  /** Of all values together, as `bytesOf` counts them. A larger one is not kept at all. */
  readonly maxBytes?: number;
  readonly bytesOf?: (value: V) => number;
}

/** A map that forgets what was used least recently once it holds more than its bounds. */
export function createRecent<V>({ max, maxBytes = Infinity, bytesOf = () => 0 }: RecentBounds<V>) {
  const values = new Map<string, V>();
  let bytes = 0;
  const remove = (name: string): void => {
    const value = values.get(name);
    if (value !== undefined && values.delete(name)) bytes -= bytesOf(value);
  };
  return {
    get: (name: string): V | undefined => {
      const value = values.get(name);
      if (value !== undefined) {
        values.delete(name);
        values.set(name, value);
      }
      return value;
    },
    set: (name: string, value: V): void => {
      remove(name);
      if (bytesOf(value) > maxBytes) return;
      values.set(name, value);
      bytes += bytesOf(value);
      for (const oldest of values.keys()) {
        if (values.size <= max && bytes <= maxBytes) return;
        remove(oldest);
      }
    },
    delete: remove,
  };
}
