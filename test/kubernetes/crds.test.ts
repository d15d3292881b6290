import { describe, expect, it } from 'vitest';
import { mistakesBy, mistakesOf } from './support/crds.js';
import { readResources } from './support/resource.js';

const schema = {
  type: 'object',
  properties: {
    apiVersion: { type: 'string' },
    kind: { type: 'string' },
    metadata: { type: 'object' },
    spec: {
      type: 'object',
      required: ['mode'],
      properties: {
        mode: { type: 'string', enum: ['deny', 'warn'] },
        port: { 'x-kubernetes-int-or-string': true, anyOf: [{ type: 'integer' }, { type: 'string' }] },
        times: { type: 'array', items: { type: 'object', properties: { at: { type: 'string', nullable: true } } } },
        labels: { type: 'object', additionalProperties: { type: 'string' } },
        free: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
      },
    },
  },
};
const crds = { schemas: new Map([['example.io/v1/Thing', schema]]) };
const thing = (spec: string) =>
  readResources(`apiVersion: example.io/v1\nkind: Thing\nmetadata: { name: a }\nspec: ${spec}\n`)[0]!;

describe('a resource by the schema of its kind', () => {
  it.each([
    ['{ mode: deny }'],
    ['{ mode: warn, port: 8080 }'],
    ['{ mode: warn, port: http }'],
    ['{ mode: deny, times: [{ at: x }, { at: null }, {}], labels: { a: b }, free: { a: { b: c } } }'],
  ])('is right: %s', (spec) => {
    expect(mistakesOf(thing(spec), crds)).toEqual([]);
  });

  it.each([
    ['{}', 'mode'],
    ['{ mode: dryrun }', 'allowed values'],
    ['{ mode: deny, mod: x }', 'additional'],
    ['{ mode: deny, port: [] }', 'integer'],
    ['{ mode: deny, times: [{ att: x }] }', 'additional'],
    ['{ mode: deny, times: { at: x } }', 'array'],
    ['{ mode: deny, labels: { a: 1 } }', 'string'],
  ])('is wrong: %s', (spec, why) => {
    expect(mistakesOf(thing(spec), crds).join('\n')).toContain(why);
  });

  it('is wrong where nobody knows its kind', () => {
    expect(mistakesOf({ ...thing('{}'), kind: 'Thinq' }, crds)).toEqual(['example.io/v1/Thinq: no schema']);
  });

  it('may be a part of one', () => {
    expect(mistakesBy(schema.properties.spec, { mode: 'deny', more: 1 })).toHaveLength(1);
  });
});
