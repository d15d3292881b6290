import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeDatabase } from '../../local/sample/database.js';
import * as sample from '../../local/sample/image.js';
import { push } from '../../local/sample/push.js';
import { generateKeyPair } from '../../local/signer/signer.js';
import { type RunningEnvironment, cli, startCli, statusOf } from '../support/process.js';

let directory: string;
let environment: RunningEnvironment;
let digest: string;
const file = (name: string, text: string) => {
  writeFileSync(join(directory, name), text);
  return join(directory, name);
};
const policy = (rule: string) => `version: 1\nrules:\n  - repository: '**'\n    ${rule}\n    onPush: lock-and-untag\n`;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'lazaret-policy-'));
  await writeDatabase(join(directory, 'db'), new Date('2020-01-01'));
  const deployed = file('deployed.yaml', policy('vulnerabilities: { fail: CRITICAL, failFixable: HIGH }'));
  environment = await startCli([
    ...['--state-directory', join(directory, 'state'), '--database', join(directory, 'db'), '--policy', deployed],
  ]);
  const bad = await sample.imageOf([
    ...sample.debianFiles([['libssl3', 'openssl', '3.0.11-1~deb12u2']]),
    ...sample.npmFiles('lodash', '4.17.20'),
  ]);
  ({ digest } = bad);
  const target = { origin: `http://${environment.registry}`, repository: 'team/app', fetch };
  await push(bad, target, { tag: 'v1' });
  statusOf(`${environment.registry}/team/app:v1`, 60);
  expect(cli('reconcile', environment.registry, '--all').code).toBe(0);
}, 120_000);
afterAll(async () => {
  await environment.stop();
  rmSync(directory, { recursive: true });
});

const diff = (...words: readonly string[]) => cli('policy', 'diff', ...words, '--endpoint', environment.functions);

describe('lazaret policy explain', () => {
  it('tells the rule, its conditions and what follows, with the exit code of the verdict', () => {
    const reference = `${environment.registry}/team/app:v1`;
    const { code, stdout } = cli('policy', 'explain', reference);
    expect(code).toBe(1);
    expect(stdout.split('\n')[0]).toBe(`FAIL  ${environment.registry}/team/app@${digest}`);
    for (const line of [
      '  matches      rules[0]: **',
      '  FAILS        vulnerabilities.fail: CRITICAL — reached by 1',
      '    CRITICAL CVE-2024-5535  libssl3 3.0.11-1~deb12u2 → 3.0.15-1~deb12u1',
      '  FAILS        vulnerabilities.failFixable: HIGH — reached by 2',
      '  ok           secrets: fail',
      '  off          signature — not-required (SIGNATURE_NOT_REQUIRED)',
      '  action       lock-and-untag, by onPush: it has never passed',
      '  enforcement  quarantined; a quarantine in force is lifted by a pass or a release alone',
    ])
      expect(stdout.split('\n')).toContain(line);
    const told = JSON.parse(cli('policy', 'explain', reference, '--json').stdout) as { conditions: unknown[] };
    expect(told).toMatchObject({ verdict: 'fail', rule: { index: 0, repository: '**' } });
    expect(told.conditions).toHaveLength(7);
  });

  it('knows nothing of what was never pushed', () => {
    expect(cli('policy', 'explain', `${environment.registry}/team/none:v1`)).toMatchObject({ code: 3, stdout: '' });
  });
});

describe('lazaret policy diff', () => {
  it('says nothing changes where nothing does', () => {
    const same = file('same.yaml', `# reviewed\n${policy('vulnerabilities: { fail: CRITICAL }')}`);
    const { code, stdout } = diff(same);
    expect([code, stdout]).toEqual([0, '0 of 1 digests change: 0 would be quarantined at once, 0 later; 0 released\n']);
    expect(diff(same, join(directory, 'deployed.yaml')).code).toBe(0);
  });

  it('names policies as `check` does, with their keys', () => {
    file('ours.pub', generateKeyPair().publicKey);
    const ours = file('ours.yaml', policy('signature: { require: any, cosign: { keys: [ours.pub] } }'));
    const digestOf = (path: string) =>
      (JSON.parse(cli('policy', 'check', path, '--json').stdout) as { digest: string }).digest;
    const { policies } = JSON.parse(diff(ours, '--json').stdout) as { policies: object };
    expect(policies).toEqual({ before: digestOf(join(directory, 'deployed.yaml')), after: digestOf(ours) });
  });

  it('tells by cause what another policy would release', () => {
    const none = file('none.yaml', policy('secrets: fail'));
    const { code, stdout } = diff(none);
    expect([code, stdout]).toEqual([
      1,
      [
        '1 of 1 digests change: 0 would be quarantined at once, 0 later; 1 released',
        '',
        '1 × fail (VULNERABILITIES), lock-and-untag, quarantined already, and stays so → pass: released',
        '  rule      rules[0] ** → rules[0] **',
        `  ${environment.registry}/team/app@${digest}`,
        '',
      ].join('\n'),
    ]);
    const told = JSON.parse(diff(none, '--json').stdout) as { changes: unknown[] };
    expect(told).toMatchObject({ changed: 1, becomes: { released: 1 }, groups: [{ count: 1 }] });
    expect(told.changes).toHaveLength(1);
  });

  it('sends the keys beside the files', () => {
    file('ci.pub', generateKeyPair().publicKey);
    const signed = file('signed.yaml', policy('signature: { require: any, cosign: { keys: [ci.pub] } }'));
    const { code, stdout } = diff(signed);
    expect(code).toBe(1);
    expect(stdout).toContain('1 more depend on signatures that have never been looked for');
    expect(stdout).toContain('unsigned  fail (VULNERABILITIES), lock-and-untag');
  });

  it('lists all mistakes of both files, and asks nobody', () => {
    const one = file('one.yaml', policy('secrets: shred'));
    const two = file('two.yaml', policy('signature: { require: any, cosign: { keys: [gone.pub] } }'));
    const { code, stdout } = cli('policy', 'diff', one, two, '--endpoint', 'http://127.0.0.1:1');
    expect(code).toBe(4);
    expect(stdout).toContain('one.yaml: rules[0].secrets (line 4)');
    expect(stdout).toContain('two.yaml: signature.cosign.keys: gone.pub is not beside the policy');
    const json = cli('policy', 'diff', one, '--endpoint', 'http://127.0.0.1:1', '--json');
    expect([json.code, JSON.parse(json.stdout)]).toMatchObject([4, { ok: false, code: 'POLICY_INVALID' }]);
  });

  it.each([
    ['no file', ['policy', 'diff']],
    ['three files', ['policy', 'diff', 'a', 'b', 'c']],
    ['a file that is not there', ['policy', 'diff', join(tmpdir(), 'none.yaml')]],
    ['nobody there', ['policy', 'diff', 'policy/policy.yaml', '--endpoint', 'http://127.0.0.1:1']],
    ['a deployment without a name', ['policy', 'diff', 'policy/policy.yaml']],
    ['no reference', ['policy', 'explain']],
    ['a reference that is none', ['policy', 'explain', 'Nothing']],
    ['two references', ['policy', 'explain', 'h/a:v', 'h/b:v']],
    ['a check of a deployment', ['policy', 'check', 'policy/policy.yaml', '--endpoint', 'https://h']],
  ])('exits with 4 for %s', (_, args) => {
    expect(cli(...args).code).toBe(4);
  });
});
