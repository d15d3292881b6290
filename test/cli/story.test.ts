import { tmpdir } from 'node:os';
import { describe, expect, it } from 'vitest';
import { join } from 'node:path';
import { createStory } from '../../cli/demo/story.js';
import { ROOT } from '../support/process.js';

const HERE = { entry: join(ROOT, 'dist', 'cli', 'main.js'), directory: tmpdir() };

/** A story that runs one command, and what it printed. */
async function told(words: readonly string[], expected: Parameters<ReturnType<typeof createStory>['lazaret']>[1]) {
  const lines: string[] = [];
  const story = createStory((line) => lines.push(line), HERE);
  story.chapter('One', 'Something is done.');
  await story.lazaret(words, expected);
  return { lines, problems: story.problems() };
}

describe('a story', () => {
  it('shows a command as a person would type it, and what it said', async () => {
    const { lines, problems } = await told(['policy', 'check', 'no such file.yaml'], {
      exit: 4,
      says: ['POLICY_MISSING', /cannot be read/],
      never: ['fine'],
    });
    expect(problems).toEqual([]);
    expect(lines).toContain('$ npx lazaret policy check "no such file.yaml"');
    expect(lines).toContain('  ✔ exit 4');
  });

  it('remembers an exit that is another one, and words that are missing or there', async () => {
    const { lines, problems } = await told(['policy', 'check', 'none.yaml'], {
      exit: 0,
      says: ['fine: 2 rules'],
      never: ['POLICY_MISSING'],
    });
    expect(problems).toEqual([
      '1. One: exit 0, and not 4',
      '1. One: says “fine: 2 rules”',
      '1. One: does not say “POLICY_MISSING”',
    ]);
    expect(lines.filter((line) => line.includes('✘'))).toHaveLength(3);
  });

  it('remembers what people do not see', () => {
    const story = createStory(() => undefined, HERE);
    story.chapter('One', '');
    story.see('it is so', true);
    story.chapter('Two', '');
    story.see('it is not', false);
    expect(story.problems()).toEqual(['2. Two: it is not']);
  });
});
