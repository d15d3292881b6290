import { parseAllDocuments } from 'yaml';
import { z } from 'zod';

/** What every resource has. */
const resourceSchema = z.looseObject({
  apiVersion: z.string(),
  kind: z.string(),
  metadata: z.looseObject({
    name: z.string(),
    labels: z.record(z.string(), z.string()).default({}),
    annotations: z.record(z.string(), z.string()).default({}),
  }),
  spec: z.record(z.string(), z.unknown()).default({}),
});

/** A Kubernetes resource, as far as these tests look into it. */
export type Resource = z.infer<typeof resourceSchema>;

/** Reads the resources of a YAML text. */
export function readResources(text: string): readonly Resource[] {
  return readDocuments(text).map((each) => resourceSchema.parse(each));
}

/** Reads the documents of a YAML text; throws where it is none. */
export function readDocuments(text: string): readonly unknown[] {
  const documents = parseAllDocuments(text);
  if (!Array.isArray(documents)) return [];
  for (const { errors } of documents) if (errors[0] !== undefined) throw errors[0];
  return documents.map((each) => each.toJS() as unknown).filter((each) => each !== null);
}

/** The one resource of a kind, or of a kind and a name. */
export function only(resources: readonly Resource[], kind: string, name?: string): Resource {
  const found = resources.filter((each) => each.kind === kind && (name === undefined || each.metadata.name === name));
  if (found.length !== 1) throw new Error(`${found.length} of ${kind} ${name ?? ''}`);
  return found[0]!;
}
