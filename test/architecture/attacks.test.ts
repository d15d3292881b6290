import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const ROOT = join(import.meta.dirname, '..', '..');
const rows = readFileSync(join(ROOT, 'docs', 'attacks.md'), 'utf8')
  .split('\n')
  .filter((line) => line.startsWith('| ') && line.includes('`test/'));

/** Of a row's last column: `file`: `name`, `name`; `file`: … */
function namedTests(row: string): readonly (readonly [file: string, name: string])[] {
  const column = row.split(' | ').at(-1) ?? '';
  return column.split('; `test/').flatMap((part) => {
    const [file = '', ...names] = [...part.matchAll(/`?([^`]+)`/g)]
      .map(([, text = '']) => text)
      .filter((text) => !/^[,:|\s]+$/.test(text));
    return names.map((name) => [file.startsWith('test/') ? file : `test/${file}`, name] as const);
  });
}

describe('the table of attacks', () => {
  it('has a test for each', () => {
    expect(rows.length).toBeGreaterThan(25);
    for (const row of rows) expect(namedTests(row), row).not.toEqual([]);
  });

  it.each(rows.flatMap(namedTests))('names a test of %s: %s', (file, name) => {
    expect(existsSync(join(ROOT, file))).toBe(true);
    // As the title of a test, or as one of a table of them: quoted, and whole.
    const text = readFileSync(join(ROOT, file), 'utf8');
    const titles = ["'", '"', '`'].flatMap((quote) => [',', ':'].map((next) => `${quote}${name}${quote}${next}`));
    expect(titles.filter((title) => text.includes(title))).not.toEqual([]);
  });
});
