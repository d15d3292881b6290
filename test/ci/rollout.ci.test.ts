import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { cli } from '../support/process.js';

/** The commands of a text, with the places of one machine taken for those of the page. */
function commandsOf(text: string): readonly string[] {
  return [...text.matchAll(/^\$ npx lazaret (.*)$/gm)].map(([, words = '']) =>
    words
      .replaceAll(/--endpoint http:\/\/127\.0\.0\.1:\d+/g, '--endpoint http://127.0.0.1:7071')
      .replaceAll(/(?<!\/\/)127\.0\.0\.1:\d+/g, '127.0.0.1:5000'),
  );
}

describe('the story of a rollout', () => {
  it('comes out as told, and is what docs/rollout.md tells', () => {
    const { code, stdout, stderr } = cli('demo', '--story', 'rollout');
    expect(stdout, stderr).toContain('Each step came out as told.');
    expect(stdout).not.toContain('✘');
    expect(code).toBe(0);
    const told = commandsOf(readFileSync(new URL('../../docs/rollout.md', import.meta.url), 'utf8'));
    expect(told.length).toBeGreaterThan(15);
    expect(told).toEqual(commandsOf(stdout));
  });
});
