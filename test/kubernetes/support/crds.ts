import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv, type ValidateFunction } from 'ajv';
import { z } from 'zod';
import { type Resource, readDocuments } from './resource.js';

type Schema = Readonly<Record<string, unknown>>;

const crdSchema = z.looseObject({
  kind: z.literal('CustomResourceDefinition'),
  spec: z.looseObject({
    group: z.string(),
    names: z.looseObject({ kind: z.string() }),
    versions: z.array(
      z.looseObject({
        name: z.string(),
        schema: z.looseObject({ openAPIV3Schema: z.record(z.string(), z.unknown()) }),
      }),
    ),
  }),
});

/** The schemas of custom resources, as their owners publish them. */
export interface Crds {
  /** By `group/version/kind`. */
  readonly schemas: ReadonlyMap<string, Schema>;
}

/** Reads every definition below the directories. */
export function readCrds(directories: readonly string[]): Crds {
  const schemas = new Map<string, Schema>();
  for (const directory of directories) {
    for (const file of readdirSync(directory).filter((name) => name.endsWith('.yaml'))) {
      for (const document of readDocuments(readFileSync(join(directory, file), 'utf8'))) {
        const crd = crdSchema.safeParse(document);
        if (!crd.success) continue;
        const { group, names, versions } = crd.data.spec;
        for (const { name, schema } of versions) schemas.set(`${group}/${name}/${names.kind}`, schema.openAPIV3Schema);
      }
    }
  }
  return { schemas };
}

/**
 * What is wrong with a resource by the schema of its kind, members that the schema does not name among it, as an API server
 * that validates strictly finds it. A kind without a schema is wrong.
 */
export function mistakesOf(resource: Resource, { schemas }: Crds): readonly string[] {
  const name = `${resource.apiVersion}/${resource.kind}`;
  const schema = schemas.get(name);
  if (schema === undefined) return [`${name}: no schema`];
  return mistakesBy(schema, resource).map((each) => `${resource.kind} ${resource.metadata.name} ${each}`);
}

const ajv = new Ajv({ strict: false, allErrors: true, validateFormats: false });
const compiled = new WeakMap<Schema, ValidateFunction>();

/** What is wrong with a value by a structural schema (Kubernetes, "Specifying a structural schema"). */
export function mistakesBy(schema: Schema, value: unknown): readonly string[] {
  let validate = compiled.get(schema);
  if (validate === undefined) {
    validate = ajv.compile(closed(schema, 'resource'));
    compiled.set(schema, validate);
  }
  if (validate(value)) return [];
  return (validate.errors ?? []).map(
    ({ instancePath, message, params }) => `${instancePath}: ${message ?? ''} ${JSON.stringify(params)}`,
  );
}

/** Kubernetes drops what a schema does not name, or refuses it; JSON Schema lets it be. */
function closed(schema: unknown, level: 'resource' | 'below'): Schema {
  const from = z.record(z.string(), z.unknown()).parse(schema);
  if (from['x-kubernetes-int-or-string'] === true) return { type: ['integer', 'string'] };
  const to: Record<string, unknown> = { ...from };
  delete to['default'];
  const properties = z.record(z.string(), z.unknown()).safeParse(from['properties']);
  if (properties.success) {
    const names = Object.entries(properties.data);
    to['properties'] = Object.fromEntries(
      // What every resource has is not written out in a definition.
      names.map(([name, each]) => [
        name,
        level === 'resource' && name === 'metadata' ? { type: 'object' } : closed(each, 'below'),
      ]),
    );
  }
  for (const name of ['items', 'additionalProperties', 'not']) {
    if (typeof from[name] === 'object') to[name] = closed(from[name], 'below');
  }
  const isOpen = from['x-kubernetes-preserve-unknown-fields'] === true;
  if (from['type'] === 'object' && properties.success && from['additionalProperties'] === undefined && !isOpen) {
    to['additionalProperties'] = false;
  }
  if (from['nullable'] === true && typeof from['type'] === 'string') {
    to['type'] = [from['type'], 'null'];
    delete to['nullable'];
  }
  return to;
}
