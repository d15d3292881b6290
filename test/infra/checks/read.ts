import type { Resource } from '../harness/plan.js';

/** Something that must not be so: a code, and where. */
export type Finding = `${string} ${string}`;

/** A value at a path, through lists of one as blocks are; undefined where the path ends. */
export function at(value: unknown, ...path: readonly (string | number)[]): unknown {
  let here = value;
  for (const step of path) {
    if (Array.isArray(here) && typeof step === 'string') here = (here as readonly unknown[])[0];
    if (here === null || typeof here !== 'object') return undefined;
    here = (here as Readonly<Record<string | number, unknown>>)[step];
  }
  return here;
}

/** A text at a path; empty where there is none. */
export function textAt(value: unknown, ...path: readonly (string | number)[]): string {
  const found = at(value, ...path);
  return typeof found === 'string' ? found : '';
}

/** A list at a path; empty where there is none. */
export function listAt(value: unknown, ...path: readonly (string | number)[]): readonly unknown[] {
  const found = at(value, ...path);
  return Array.isArray(found) ? found : [];
}

/** All of a type. */
export function ofType(resources: readonly Resource[], type: string): readonly Resource[] {
  return resources.filter((each) => each.type === type);
}

/** All of azapi's of a type of Azure's, whatever the version. */
export function ofAzureType(resources: readonly Resource[], type: string): readonly Resource[] {
  return resources.filter(
    (each) => /^azapi_(?:update_)?resource$/.test(each.type) && textAt(each.values, 'type').split('@')[0] === type,
  );
}

/** What is expected of each resource of a type: a path, and the value that has to stand there. */
export type Rule = readonly [code: string, path: readonly (string | number)[], expected: unknown];

/** What does not stand as it has to. */
export function broken(resources: readonly Resource[], rules: readonly Rule[]): readonly Finding[] {
  return resources.flatMap(({ address, values }) =>
    rules
      .filter(([, path, expected]) => JSON.stringify(at(values, ...path)) !== JSON.stringify(expected))
      .map(([code]): Finding => `${code} ${address}`),
  );
}
