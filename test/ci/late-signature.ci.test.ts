import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { chainOf, policyFiles, signingConfig } from '../../local/oracle/make/notation-keys.js';
import { type RunTool, getTools, mustRun } from '../../local/oracle/tools.js';
import { writeDatabase } from '../../local/sample/database.js';
import * as sample from '../../local/sample/image.js';
import { push } from '../../local/sample/push.js';
import type { VerifyReport } from '../../shared/pipeline/verify-report.js';
import { ROOT, type RunningEnvironment, cli, startCli, statusOf } from '../support/process.js';

const POLICY = `version: 1
rules:
  - repository: waiting/**
    signature: { require: any, cosign: { keys: [ci.pub] }, notation: { config: config }, grace: 10m }
    onPush: lock-and-untag
  - repository: both/**
    signature: { require: all, cosign: { keys: [ci.pub] }, notation: { config: config }, grace: 1s }
    onPush: mark
  - repository: '**'
    signature: { require: any, cosign: { keys: [ci.pub] }, notation: { config: config }, grace: 1s }
    onPush: mark
`;
/** "Within seconds": from the end of the tool to the verdict. */
const SECONDS = 20;

describe('an image that was pushed unsigned', () => {
  let directory: string;
  let environment: RunningEnvironment;
  let run: RunTool;
  let pushed = 0;
  const at = (path: string) => join(directory, path);

  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'lazaret-late-'));
    run = await getTools(at('home'), () => undefined, ROOT);
    await mustRun(run('cosign', ['generate-key-pair', '--output-key-prefix', at('cosign')]), 'generate-key-pair');
    const { root, signer } = await chainOf('P-256');
    await signingConfig(at('notation'), signer);
    const files = policyFiles({ roots: [root.certificate], scope: '*' });
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(at(path)), { recursive: true });
      writeFileSync(at(path), text);
    }
    writeFileSync(at('ci.pub'), readFileSync(at('cosign.pub')));
    writeFileSync(at('policy.yaml'), POLICY);
    await writeDatabase(at('db'), new Date());
    environment = await startCli([
      '--state-directory',
      at('state'),
      '--database',
      at('db'),
      '--policy',
      at('policy.yaml'),
    ]);
  });
  afterAll(async () => {
    await environment.stop();
    rmSync(directory, { recursive: true });
  });

  async function pushImage(repository: string): Promise<string> {
    const image = await sample.imageOf(sample.npmFiles('left-pad', `1.0.${(pushed += 1)}`));
    await push(image, { origin: `http://${environment.registry}`, repository, fetch }, { tag: 'v1' });
    return `${environment.registry}/${repository}@${image.digest}`;
  }
  const notation = (reference: string, format = 'jws') =>
    mustRun(
      run('notation', ['sign', '--insecure-registry', '--signature-format', format, '--key', 'signer', reference], {
        env: { NOTATION_CONFIG: at('notation') },
      }),
      'notation sign',
    );
  const cosign = (reference: string, ...args: readonly string[]) => {
    const offline = ['--use-signing-config=false', '--tlog-upload=false', '--allow-http-registry', '--yes'];
    return mustRun(run('cosign', ['sign', '--key', at('cosign.key'), ...offline, ...args, reference]), 'cosign sign');
  };
  const verifyNow = (reference: string) => {
    const { code, stdout } = cli('verify', reference, '--json');
    return { code, ...(JSON.parse(stdout) as VerifyReport) };
  };
  async function untilPassed(reference: string): Promise<number> {
    const from = performance.now();
    await expect.poll(() => statusOf(reference, 2).verdict, { timeout: SECONDS * 1000 }).toBe('pass');
    return (performance.now() - from) / 1000;
  }

  it.each([
    ['notation, as JWS', (reference: string) => notation(reference)],
    ['notation, as COSE', (reference: string) => notation(reference, 'cose')],
    ['cosign', (reference: string) => cosign(reference)],
    ['cosign, in the old form', (reference: string) => cosign(reference, '--new-bundle-format=false')],
  ])('has failed, and passes within seconds of being signed by the real %s', async (name, sign) => {
    const reference = await pushImage(`late/${pushed}`);
    expect(statusOf(reference, 60)).toMatchObject({ verdict: 'fail', reasons: [{ code: 'SIGNATURE_MISSING' }] });
    expect(verifyNow(reference)).toMatchObject({ code: 1, verdict: 'fail', signatures: [] });
    await sign(reference);
    expect(await untilPassed(reference), name).toBeLessThan(SECONDS);
    expect(verifyNow(reference)).toMatchObject({ code: 0, verdict: 'pass', signatures: [{ outcome: 'verified' }] });
  });

  it('waits for its grace, unlocked, so that it can be signed, and passes then', async () => {
    const reference = await pushImage('waiting/app');
    await expect
      .poll(() => statusOf(reference, 0).reasons, { timeout: 60_000 })
      .toMatchObject([{ code: 'SIGNATURE_MISSING' }]);
    expect(statusOf(reference, 0)).toMatchObject({ verdict: 'pending', enforcement: { state: 'none' } });
    await notation(reference);
    expect(await untilPassed(reference)).toBeLessThan(SECONDS);
  });

  it('does not pass by one signature where both are wanted, and tells what each is', async () => {
    const reference = await pushImage('both/app');
    await cosign(reference);
    await expect.poll(() => statusOf(reference, 5).signature.found, { timeout: 60_000 }).toHaveLength(1);
    expect(statusOf(reference, 60)).toMatchObject({
      ...{ verdict: 'fail', reasons: [{ code: 'SIGNATURE_MISSING' }] },
      signature: { found: [{ kind: 'sigstore-bundle', outcome: 'verified' }] },
    });
    await notation(reference);
    expect(await untilPassed(reference)).toBeLessThan(SECONDS);
    const { parts } = verifyNow(reference);
    expect(parts.map(({ name, outcome }) => [name, outcome])).toEqual([
      ['notation', 'verified'],
      ['cosign', 'verified'],
    ]);
  });

  it('can be verified straight from the registry, with the tools own files and no Lazaret', async () => {
    const reference = await pushImage('direct/app');
    await cosign(reference);
    const key = ['--key', at('ci.pub'), '--insecure-ignore-tlog'];
    expect(cli('verify', reference, ...key).code).toBe(0);
    const config = ['--notation-config', at('config')];
    expect(cli('verify', reference, ...config).code).toBe(1);
    await notation(reference);
    expect(cli('verify', reference, ...key, ...config).code).toBe(0);
  });
});
