import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as sample from '../../local/sample/image.js';
import { writeDatabase } from '../../local/sample/database.js';
import { push } from '../../local/sample/push.js';
import { type RunningEnvironment, cli, descendants, startCli, statusOf } from '../support/process.js';

let directory: string;
let environment: RunningEnvironment;
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'lazaret-cli-'));
  await writeDatabase(join(directory, 'db'), new Date('2020-01-01'));
  environment = await startCli(['--state-directory', join(directory, 'state'), '--database', join(directory, 'db')]);
});
afterAll(async () => {
  await environment.stop();
  rmSync(directory, { recursive: true });
});

const target = (repository: string) => ({ origin: `http://${environment.registry}`, repository, fetch });
const HOSTILE = '[x](https://evil.example) <at>all</at> \u001b[31mred';

describe('the command line against a running environment', () => {
  it('waits for an image that is pushed later, and tells its verdict', { timeout: 90_000 }, async () => {
    const image = await sample.imageOf([
      ...sample.debianFiles([['libssl3', 'openssl', '3.0.11-1~deb12u2']]),
      ...sample.npmFiles('lodash', '4.17.20'),
      { path: 'name', content: HOSTILE },
    ]);
    await push(image, target('team/app'), { tag: 'v1' });
    const found = statusOf(`${environment.registry}/team/app:v1`, 60);
    expect(found).toMatchObject({
      code: 1,
      verdict: 'fail',
      digest: image.digest,
      reasons: [{ code: 'VULNERABILITIES' }],
      findings: { critical: 1, high: 1 },
      enforcement: { state: 'quarantined', tagRemoved: true },
    });
    expect(found.findings.list.map(({ id, fixed }) => [id, fixed])).toEqual([
      ['CVE-2024-5535', '3.0.15-1~deb12u1'],
      ['CVE-2021-23337', '4.17.21'],
    ]);
    expect(cli('status', `${environment.registry}/team/app:v1`).stdout).toContain('removed by quarantine');
    const released = cli('release', `${environment.registry}/team/app:v1`, '--reason', 'a test', '--json');
    expect(JSON.parse(released.stdout)).toMatchObject({ digest: image.digest });
    expect(statusOf(`${environment.registry}/team/app:v1`, 30).enforcement.state).toBe('released');
  });

  it('accounts for every manifest, and compares registry and ledger when asked', () => {
    const swept = cli('reconcile', environment.registry, '--all', '--json');
    expect(swept.code).toBe(0);
    expect(JSON.parse(swept.stdout)).toMatchObject({ complete: true, failed: 0, walked: 1 });
    const { code, stdout } = cli('coverage', environment.registry, '--json');
    expect(code).toBe(0);
    // The image of the test before, with its two marks; released, so nothing is quarantined.
    expect(JSON.parse(stdout)).toMatchObject({ manifests: 3, fail: 1, others: 2, unaccounted: 0, quarantined: 0 });
    const { stdout: text } = cli('coverage', environment.registry);
    expect(text).toContain('unaccounted 0');
    expect(text).toMatch(/^progress {6}(all \d+|\d+ of \d+) judged.*; \d+ would be locked or untagged$/m);
  });

  it('rebuilds the ledger, which keeps what it knows, and gives no records up for no reason', () => {
    const done = cli('rebuild-ledger', environment.registry, '--reason', 'a drill', '--json');
    expect(done.code).toBe(0);
    expect(JSON.parse(done.stdout)).toMatchObject({
      restored: 0,
      kept: 1,
      gone: 0,
      unreadable: 0,
      tags: 0,
      problems: [],
    });
    expect(cli('rebuild-ledger', environment.registry).stdout).toMatch(/^restored {4}0 digests.*\nkept {8}1 /);
    expect(cli('rebuild-ledger', environment.registry, '--discard').code).toBe(4);
  });

  it('shows the brake, lets go of it in a name, and does not insist on what nobody contests', () => {
    const shown = cli('brake', environment.registry);
    expect([shown.code, shown.stdout]).toEqual([0, expect.stringContaining('the brake is off')]);
    const gone = cli('brake', environment.registry, '--resume', '--reason', 'a drill', '--allow', '0', '--json');
    expect(JSON.parse(gone.stdout)).toMatchObject({ on: false, allowance: 0, resumed: { reason: 'a drill' } });
    const reference = `${environment.registry}/team/app:v1`;
    expect(cli('insist', reference, '--reason', 'no', '--json')).toMatchObject({ code: 4 });
  });

  it('knows nothing of what was never pushed', () => {
    expect(statusOf(`${environment.registry}/team/none:v1`, 0)).toMatchObject({ code: 3, verdict: 'unknown' });
  });

  it.each([
    ['no command', [], 0],
    ['help', ['status', '--help'], 0],
    ['a command that is none', ['destroy'], 4],
    ['no reference', ['status'], 4],
    ['a brake that is let go for no reason', ['brake', 'h', '--resume'], 4],
    ['a brake that is only looked at, with a reason', ['brake', 'h', '--reason', 'x'], 4],
    ['records that are given up for no reason', ['rebuild-ledger', 'h', '--discard'], 4],
    ['a ledger that nobody names', ['rebuild-ledger'], 4],
    ['no reason to insist', ['insist', 'h/a:v'], 4],
    ['a reference that is none', ['status', 'Nothing'], 4],
    ['an option that is none', ['status', 'h/a:v', '--force'], 4],
    ['nobody there', ['status', '127.0.0.1:1/a:v1'], 4],
    ['a deployment without a name', ['status', 'team.azurecr.io/a:v1'], 4],
    ['plain http to another host', ['status', 'team.azurecr.io/a:v1', '--endpoint', 'http://example.test'], 4],
    ['a registry without an environment', ['coverage', 'team.azurecr.io'], 4],
    ['a policy command that is none', ['policy', 'shred', 'x'], 4],
    ['a release without a reason', ['release', '127.0.0.1:1/a:v1'], 4],
  ])('exits for %s as documented', (_, args, code) => {
    expect(cli(...args).code).toBe(code);
  });

  it('refuses to start with a policy of three mistakes, and tells all three', () => {
    const policy = join(directory, 'bad.yaml');
    writeFileSync(policy, 'version: 1\nrules:\n  - repository: A\n    onPush: burn\n');
    const { code, stderr } = cli('start', '--policy', policy, '--state-directory', join(directory, 'other'));
    expect(code).not.toBe(0);
    for (const part of ['rules[0].repository', 'rules[0].onPush', 'catch-all']) expect(stderr).toContain(part);
  });

  it('checks a policy before anything is deployed, and tells all problems at once', () => {
    const good = join(directory, 'good.yaml');
    writeFileSync(good, 'version: 1\nrules:\n  - repository: "**"\n    onPush: mark\n');
    expect(cli('policy', 'check', good).code).toBe(0);
    const wrong = join(directory, 'wrong.yaml');
    writeFileSync(wrong, 'version: 1\nrules:\n  - repository: "Team"\n    onPush: shred\n    extra: 1\n');
    const { code, stdout } = cli('policy', 'check', wrong, '--json');
    expect(code).toBe(1);
    const { problems } = JSON.parse(stdout) as { problems: { path: string; message: string }[] };
    expect(problems.map(({ path }) => path).toSorted()).toEqual([
      'rules (line 3)',
      'rules[0] (line 3)',
      'rules[0].onPush (line 4)',
      'rules[0].repository (line 3)',
    ]);
    expect(cli('policy', 'check', join(directory, 'nowhere.yaml')).code).toBe(4);
  });

  it('refuses a second environment on the same state', () => {
    const { code, stderr } = cli('start', '--state-directory', join(directory, 'state'));
    expect(code).not.toBe(0);
    expect(stderr).toContain('STATE_IN_USE');
  });

  it('ends with the process that started it, and leaves nothing running', { timeout: 60_000 }, async () => {
    const { spawn } = await import('node:child_process');
    const { ROOT } = await import('../support/process.js');
    const script = `const c = require('child_process').spawn(process.execPath, ['dist/cli/main.js', 'start', '--json', '--state-directory', ${JSON.stringify(join(directory, 'orphan'))}, '--database', ${JSON.stringify(join(directory, 'db'))}], { stdio: ['ignore', 'pipe', 'ignore'] }); c.stdout.once('data', (d) => process.stdout.write(d)); setInterval(() => {}, 1000)`;
    const starter = spawn(process.execPath, ['-e', script], { cwd: ROOT });
    const line = await new Promise<string>((resolve) =>
      starter.stdout.once('data', (chunk: Buffer) => resolve(chunk.toString())),
    );
    const { pid } = JSON.parse(line) as { pid: number };
    const all = [pid, ...descendants(pid).map((child) => child.pid)];
    expect(all.length).toBeGreaterThanOrEqual(2);
    starter.kill('SIGKILL');
    const alive = (id: number) => {
      try {
        process.kill(id, 0);
        return true;
      } catch {
        return false;
      }
    };
    await expect.poll(() => all.filter(alive), { timeout: 30_000 }).toEqual([]);
  });
});
