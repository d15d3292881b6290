import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SWITCH_NAMES, flipped } from '../../local/registry/switches.js';
import { cli } from '../support/process.js';
import { startRegistry } from '../support/registry-process.js';

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'lazaret-probe-command-'));
});
afterAll(() => rmSync(directory, { recursive: true }));

interface Answers {
  readonly switches: Readonly<Record<string, string>>;
}

describe('lazaret probe', () => {
  it('writes a file from which the emulator answers in the same way', { timeout: 60_000 }, async () => {
    const options = join(directory, 'odd.json');
    writeFileSync(options, JSON.stringify({ switches: Object.assign({}, ...SWITCH_NAMES.map(flipped)) as object }));
    const events = join(directory, 'events.jsonl');
    const odd = await startRegistry(join(directory, 'odd'), '--options', options, '--events', events);
    const out = join(directory, 'answers.json');
    const first = cli('probe', new URL(odd.origin).host, '--out', out, '--events', events, '--wait', '20');
    await odd.stop();
    expect([first.code, first.stderr]).toEqual([0, '']);
    expect(first.stdout).toMatch(/readLockedStatus +404 \(thought to be: 405\)/);
    const again = join(directory, 'events-again.jsonl');
    const twin = await startRegistry(join(directory, 'twin'), '--options', out, '--events', again);
    const second = cli('probe', new URL(twin.origin).host, '--json', '--events', again, '--wait', '20');
    await twin.stop();
    const { switches } = JSON.parse(readFileSync(out, 'utf8')) as Answers;
    expect((JSON.parse(second.stdout) as Answers).switches).toEqual(switches);
    expect(switches).toMatchObject({
      readLockedStatus: '404',
      readLockedHead: 'served',
      sha512: 'on',
      referrerEvent: 'off',
    });
  });

  it.each([
    ['no registry', ['probe']],
    ['no registry that can be', ['probe', 'https://Team.azurecr.io']],
    ['credentials on the command line', ['probe', '127.0.0.1:1', '--password', 'secret']],
    ['a registry elsewhere without credentials', ['probe', 'team.azurecr.test']],
    ['nobody there', ['probe', '127.0.0.1:1', '--json']],
    ['a wait that is none', ['probe', '127.0.0.1:1', '--wait', 'long']],
    [
      'options that are none',
      ['start', '--registry-options', '/dev/null', '--state-directory', join(tmpdir(), 'lazaret-none')],
    ],
  ])('exits with 4 for %s', (_, args) => {
    expect(cli(...args).code).toBe(4);
  });
});
