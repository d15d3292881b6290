import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../../support/process.js';

/** Where the policies are. */
export const KUBERNETES = join(ROOT, 'infra', 'kubernetes');

/** What judges in a cluster. */
export const ENGINES = ['gatekeeper', 'kyverno', 'ratify'] as const;
export type Engine = (typeof ENGINES)[number];

/** The two that are the same but for what they do with what they refuse. */
export const OVERLAYS = ['staging', 'production'] as const;

/** The policies of an engine, and its variants: folders that Kustomize reads. */
export function foldersOf(engine: Engine): readonly string[] {
  return readdirSync(join(KUBERNETES, engine)).filter((name) =>
    existsSync(join(KUBERNETES, engine, name, 'kustomization.yaml')),
  );
}
