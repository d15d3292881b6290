import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { sourceOf } from '../support/go-tool.js';
import { type Crds, mistakesBy, mistakesOf, readCrds } from './support/crds.js';
import type { Resource } from './support/resource.js';
import { ENGINES, type Engine, KUBERNETES, OVERLAYS, foldersOf } from './support/engines.js';
import { render } from './support/render.js';

type Json = Readonly<Record<string, unknown>>;
const jsonSchema = z.record(z.string(), z.unknown());
const at = (value: unknown, ...path: readonly (string | number)[]): unknown =>
  path.reduce<unknown>((inner, key) => (inner as Record<string | number, unknown> | undefined)?.[key], value);

const rendered = (engine: Engine, folder: string) => render(join(KUBERNETES, engine, folder));

/** What the folders that can be applied by themselves hold; a component is a part of others. */
const applicable = (engine: Engine) =>
  foldersOf(engine).filter((folder) =>
    readFileSync(join(KUBERNETES, engine, folder, 'kustomization.yaml'), 'utf8').includes('kind: Kustomization'),
  );

/** Without what Kustomize alone sees. */
const applied = (resources: readonly Resource[]) =>
  resources.filter(({ metadata }) => metadata.annotations['config.kubernetes.io/local-config'] !== 'true');

let crds: Crds;
let match: Json;
let charts: Readonly<Record<Engine, string>>;
beforeAll(async () => {
  const gatekeeper = await sourceOf('gator', 'github.com/open-policy-agent/gatekeeper/v3');
  const frameworks = await sourceOf('gator', 'github.com/open-policy-agent/frameworks/constraint');
  const ratify = await sourceOf('ratify', 'github.com/ratify-project/ratify');
  const kyverno = await sourceOf('kyverno', 'github.com/kyverno/kyverno');
  crds = readCrds([
    join(gatekeeper, 'config', 'crd', 'bases'),
    join(frameworks, 'config', 'crds'),
    join(ratify, 'config', 'crd', 'bases'),
    join(kyverno, 'config', 'crds', 'policies.kyverno.io'),
  ]);
  const dummy = crds.schemas.get('match.gatekeeper.sh/match/DummyCRD');
  match = jsonSchema.parse(at(dummy, 'properties', 'embeddedMatch'));
  charts = {
    gatekeeper: join(gatekeeper, 'charts', 'gatekeeper'),
    ratify: join(ratify, 'charts', 'ratify'),
    kyverno: join(kyverno, 'charts', 'kyverno'),
  };
});

/** Gatekeeper makes the kind of a constraint from its template: its parameters, and what every constraint may say. */
function mistakesOfConstraint(resource: Resource, all: readonly Resource[]): readonly string[] {
  const template = all.find(
    (each) => each.kind === 'ConstraintTemplate' && at(each, 'spec', 'crd', 'spec', 'names', 'kind') === resource.kind,
  );
  const parameters = at(template, 'spec', 'crd', 'spec', 'validation', 'openAPIV3Schema');
  const schema = {
    type: 'object',
    properties: {
      enforcementAction: { type: 'string', enum: ['deny', 'dryrun', 'warn'] },
      match,
      parameters: jsonSchema.parse(parameters),
    },
  };
  return mistakesBy(schema, resource['spec']);
}

describe.each(ENGINES)('%s', (engine) => {
  it('has resources that are right by the schemas of their owners', async () => {
    for (const folder of applicable(engine)) {
      const resources = applied(await rendered(engine, folder));
      expect(resources.length).toBeGreaterThan(2);
      for (const each of resources) {
        const isConstraint = each.apiVersion === 'constraints.gatekeeper.sh/v1beta1';
        expect(isConstraint ? mistakesOfConstraint(each, resources) : mistakesOf(each, crds), folder).toEqual([]);
      }
    }
  });

  it('says of each to whom it belongs, and of which version it is', async () => {
    for (const folder of applicable(engine)) {
      for (const { kind, metadata } of applied(await rendered(engine, folder))) {
        expect(metadata.labels['app.kubernetes.io/part-of'], kind).toBe('lazaret');
        expect(metadata.annotations['lazaret.io/policy-version'], kind).toMatch(/^\d+\.\d+\.\d+$/);
      }
    }
  });

  it('is the same in staging and in production, but for what is done with what is refused', async () => {
    const [staging = [], production = []] = await Promise.all(OVERLAYS.map((overlay) => rendered(engine, overlay)));
    const actions = (resources: readonly Resource[]) =>
      resources.map((each) => at(each, 'spec', 'enforcementAction') ?? at(each, 'spec', 'validationActions'));
    const without = (resources: readonly Resource[]) =>
      resources.map((each) => {
        const spec = { ...jsonSchema.safeParse(each['spec']).data };
        delete spec['enforcementAction'];
        delete spec['validationActions'];
        return { ...each, spec };
      });
    expect(without(staging)).toEqual(without(production));
    expect(actions(staging)).not.toEqual(actions(production));
    const refusing = actions(production).flat().map(String);
    expect(refusing.some((action) => /^deny$/i.test(action))).toBe(true);
  });

  it('leaves no namespace out by what its owner can write on it, nor staging by name', async () => {
    for (const overlay of OVERLAYS) {
      for (const each of applied(await rendered(engine, overlay))) {
        const text = JSON.stringify(each);
        expect(at(each, 'spec', 'match', 'namespaceSelector'), each.metadata.name).toBeUndefined();
        expect(at(each, 'spec', 'match', 'labelSelector'), each.metadata.name).toBeUndefined();
        expect(text).not.toMatch(/"(staging|stage|test|dev)[-"*]/);
      }
    }
  });

  it('asks of its chart nothing that the chart does not know', () => {
    const file = join(KUBERNETES, engine, 'values.yaml');
    expect(existsSync(file)).toBe(true);
    const known: unknown = parse(readFileSync(join(charts[engine], 'values.yaml'), 'utf8'));
    const unknown = (values: unknown, by: unknown, path: string): readonly string[] =>
      Object.entries(jsonSchema.safeParse(values).data ?? {}).flatMap(([name, value]) => {
        const there = jsonSchema.safeParse(by).data;
        // What the chart has empty is for whoever installs it.
        if (there === undefined || Object.keys(there).length === 0) return [];
        return name in there ? unknown(value, there[name], `${path}.${name}`) : [`${path}.${name}`];
      });
    expect(unknown(parse(readFileSync(file, 'utf8')), known, 'values')).toEqual([]);
  });
});
