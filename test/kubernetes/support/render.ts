import { cpSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { tool } from '../../support/go-tool.js';
import { ROOT, run } from '../../support/process.js';
import { type Resource, readResources } from './resource.js';

/** A copy of `infra/kubernetes` with settings of its own: lines of `settings.env`, and trust files by their names. */
export function copyOfKubernetes(
  settings: Readonly<Record<string, string>> = {},
  trust: Readonly<Record<string, string>> = {},
): string {
  const directory = mkdtempSync(join(tmpdir(), 'lazaret-kubernetes-'));
  cpSync(join(ROOT, 'infra', 'kubernetes'), directory, { recursive: true });
  const file = join(directory, 'settings', 'settings.env');
  const lines = readFileSync(file, 'utf8').split('\n');
  for (const [name, value] of Object.entries(settings)) {
    const at = lines.findIndex((line) => line.startsWith(`${name}=`));
    if (at === -1) throw new Error(`there is no setting ${name}`);
    lines[at] = `${name}=${value}`;
  }
  writeFileSync(file, lines.join('\n'));
  for (const [name, text] of Object.entries(trust)) writeFileSync(join(directory, 'settings', name), text);
  return directory;
}

/** What Kustomize makes of a folder. */
export async function render(folder: string): Promise<readonly Resource[]> {
  return readResources(run(await tool('kustomize'), ['build', folder]));
}
