import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const ROOT = join(import.meta.dirname, '..', '..');
const read = (name: string) => readFileSync(join(ROOT, name), 'utf8');
const all = (pattern: RegExp, text: string) => [...text.matchAll(pattern)].map(([, one = '']) => one);

describe('the pages about deploying and security', () => {
  it('name tests that are there', () => {
    const named = all(/`(test\/[\w/.-]+\.ts)`/g, read('docs/security.md'));
    expect(named.length).toBeGreaterThan(8);
    expect(named.filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
  });

  it('name variables that are there', () => {
    const files = readdirSync(join(ROOT, 'infra')).filter((name) => name.endsWith('.tf'));
    const variables = new Set(files.flatMap((name) => all(/^variable "(\w+)"/gm, read(`infra/${name}`))));
    const page = read('docs/deploy.md');
    const set = all(/^(\w+) +=/gm, all(/```hcl\n([\s\S]*?)```/g, page.replaceAll(/^ {3}/gm, '')).join('\n'));
    expect(set.length).toBeGreaterThan(7);
    expect(set.filter((name) => !variables.has(name))).toEqual([]);
  });

  it('name every file of infra/, and no other', () => {
    const files = readdirSync(join(ROOT, 'infra')).filter((name) => /\.(?:tf|json)$/.test(name));
    const named = all(/`([\w*.]+\.(?:tf|json))`/g, read('infra/README.md')).map(
      (name) => new RegExp(`^${name.replaceAll('.', '\\.').replace('*', '\\w*')}$`),
    );
    expect(files.filter((file) => !named.some((pattern) => pattern.test(file)))).toEqual([]);
    expect(named.filter((pattern) => !files.some((file) => pattern.test(file)))).toEqual([]);
  });

  it('say of every alert what to do', () => {
    const alerts = all(/^ {6}([\w-]+) = \{\n {8}severity/gm, read('infra/alerts.tf'));
    expect(alerts.length).toBe(11);
    const told = all(/^\| `([\w-]+)` \|/gm, read('docs/operations.md').split('## What Azure mails about')[1] ?? '');
    expect([...told].sort()).toEqual([...alerts, 'dead-letters'].sort());
  });
});
