import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { runCommand } from '../../local/simulation/command.js';
import { type Failure, simulate, tryHistory } from '../../local/simulation/simulate.js';
import type { Mutation } from '../../local/simulation/world.js';
import { MUTATIONS } from './mutations.js';

const MAIN = fileURLToPath(new URL('../../dist/local/simulation/main.js', import.meta.url));

async function run(args: readonly string[], mutation?: Mutation) {
  const output: string[] = [];
  const told: string[] = [];
  const write = (text: string) => void output.push(text);
  const code = await runCommand(args, {
    stdout: write,
    stderr: (text) => {
      write(text);
      told.push(text);
    },
    ...(mutation && { mutation }),
  });
  return { code, output: output.join(''), told: told.join('') };
}

const lastLine = (output: string) => output.trimEnd().split('\n').at(-1) ?? '';

describe('npm run simulate', () => {
  it('exits with 0, and its last line is the result', async () => {
    const { code, output } = await run(['--pushes', '40', '--seed', '4294967295']);
    expect(code).toBe(0);
    expect(lastLine(output)).toMatch(/^\{"pushes":40,"lost":0,"wrong":0,"duplicateAlerts":\d+,"seed":4294967295\}$/);
  });

  it('exits with 1 where something is lost or wrong, and prints the smallest history that ends so', async () => {
    const mutation = MUTATIONS['sends a card twice']!;
    const { code, output, told } = await run(['--pushes', '5', '--json'], mutation);
    expect(code).toBe(1);
    const result = JSON.parse(lastLine(output)) as Record<string, number>;
    expect(Object.keys(result)).toEqual(['pushes', 'lost', 'wrong', 'duplicateAlerts', 'seed']);
    expect(Number(result['lost']) + Number(result['wrong'])).toBeGreaterThan(0);
    const { history, complaints } = JSON.parse(told) as Failure;
    expect(history.pushes.filter((push) => push !== null)).toHaveLength(1);
    expect(history.faults).toEqual([]);
    // What is printed can be lived again, and ends in the same way.
    const { judgement } = await tryHistory(history, mutation);
    expect(judgement.complaints).toEqual(complaints);
    expect((await tryHistory(history)).judgement.complaints).toEqual([]);
  });

  it.each([[['--pushes', '0']], [['--pushes', 'many']], [['--seed', '4294967296']], [['--seed', '-1']], [['--what']]])(
    'exits with 2 when called with %j',
    async (args) => {
      expect((await run(args)).code).toBe(2);
    },
  );

  it('does the same as a process', async () => {
    const { code, stdout } = await new Promise<{ code: unknown; stdout: string }>((resolve) => {
      execFile(process.execPath, [MAIN, '--pushes', '3', '--seed', '9', '--json'], (error, out) =>
        resolve({ code: error?.code ?? 0, stdout: out }),
      );
    });
    expect(code).toBe(0);
    expect(stdout).toMatch(/^\{"pushes":3,"lost":0,"wrong":0,"duplicateAlerts":\d+,"seed":9\}\n$/);
  });
});

describe('a simulation that breaks down', () => {
  it('says so, and does not count as a good end', async () => {
    const broken: Mutation = {
      table: () =>
        ({
          get createEntity(): never {
            throw new Error('broken');
          },
        }) as never,
    };
    await expect(simulate({ pushes: 20, seed: 1, mutation: broken })).rejects.toThrow('storage answered nothing');
  });
});
