import { cpSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { z } from 'zod';
import { GO_TOOLS, getGoTool } from '../../../local/go-tool/go-tool.js';
import { ROOT, run } from '../../support/process.js';

const resourceSchema = z.object({
  apiVersion: z.string(),
  kind: z.string(),
  metadata: z.object({
    name: z.string(),
    labels: z.record(z.string(), z.string()).optional(),
    annotations: z.record(z.string(), z.string()).optional(),
  }),
  spec: z.record(z.string(), z.unknown()),
});

/** A Kubernetes resource, as far as these tests look into it. */
export type Resource = z.infer<typeof resourceSchema>;

/** Builds a tool where it is not there yet. */
export const tool = (name: keyof typeof GO_TOOLS): Promise<string> =>
  getGoTool(GO_TOOLS[name], { root: ROOT, env: process.env, progress: (line) => process.stderr.write(`${line}\n`) });

/** A copy of `infra/kubernetes` with settings of its own: lines of `settings.env`, and trust files by their names. */
export function copyOfKubernetes(
  settings: Readonly<Record<string, string>> = {},
  trust: Readonly<Record<string, string>> = {},
): string {
  const directory = mkdtempSync(join(tmpdir(), 'lazaret-kubernetes-'));
  cpSync(join(ROOT, 'infra', 'kubernetes'), directory, { recursive: true });
  // The last of two lines of one name would be an error: the file is written anew.
  const defaults = {
    registry: 'contoso.azurecr.io',
    reportMaximumAge: '192h',
    signatures: 'any',
    notationIdentity: 'x509.subject: C=US, ST=WA, O=Example, CN=signer',
    breakGlassMaximum: '4h',
    ratifyClientId: '00000000-0000-0000-0000-000000000000',
  };
  const lines = Object.entries({ ...defaults, ...settings }).map(([name, value]) => `${name}=${value}\n`);
  writeFileSync(join(directory, 'settings', 'settings.env'), lines.join(''));
  for (const [name, text] of Object.entries(trust)) writeFileSync(join(directory, 'settings', name), text);
  return directory;
}

/** What Kustomize makes of a folder. */
export async function render(folder: string): Promise<readonly Resource[]> {
  return parseResources(run(await tool('kustomize'), ['build', folder]));
}

/** The resources of a file of YAML. */
export const parseResources = (text: string): readonly Resource[] =>
  parseAllDocuments(text).map((document) => resourceSchema.parse(document.toJS()));

/** The one resource of a kind, or of a kind and a name. */
export function only(resources: readonly Resource[], kind: string, name?: string): Resource {
  const found = resources.filter((each) => each.kind === kind && (name === undefined || each.metadata.name === name));
  if (found.length !== 1) throw new Error(`${found.length} of ${kind} ${name ?? ''}`);
  return found[0]!;
}
