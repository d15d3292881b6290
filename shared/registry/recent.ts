/** A map that forgets what was used least recently once it holds `max` values. */
export function createRecent<V>(max: number) {
  const values = new Map<string, V>();
  const set = (name: string, value: V): void => {
    values.delete(name);
    values.set(name, value);
    const [oldest] = values.keys();
    if (values.size > max && oldest !== undefined) values.delete(oldest);
  };
  return {
    get: (name: string): V | undefined => {
      const value = values.get(name);
      if (value !== undefined) set(name, value);
      return value;
    },
    set,
    delete: (name: string): void => void values.delete(name),
  };
}
