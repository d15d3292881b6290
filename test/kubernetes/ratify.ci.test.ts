import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SIGNER_IDENTITY, chainOf, signingConfig } from '../../local/oracle/make/notation-keys.js';
import { type RunTool, getTools, mustRun } from '../../local/oracle/tools.js';
import { writeDatabase } from '../../local/sample/database.js';
import * as sample from '../../local/sample/image.js';
import { push } from '../../local/sample/push.js';
import { toPem } from '../../local/sigstore/authority.js';
import { MediaType } from '../../shared/artifact/media-type.js';
import { ROOT, type RunningEnvironment, startCli, statusOf } from '../support/process.js';
import { CREATED, attach, attached, contentOf, copyCosignTag, detach } from './support/attach.js';
import { reviewer } from './support/opa.js';
import { by, type RatifyConfig, ratifyConfig, ratifyVerify, serveRatify, why } from './support/ratify.js';
import { copyOfKubernetes, render } from './support/render.js';
import { only } from './support/resource.js';
import { unscannable } from './support/unscannable.js';

const POLICY = `version: 1
rules:
  - repository: '**'
    vulnerabilities: { fail: HIGH }
    onPush: mark
`;
const HOUR = 3_600_000;
const ago = (hours: number) => new Date(Date.now() - hours * HOUR).toISOString();

const AMD64 = { os: 'linux', architecture: 'amd64' };
const ARM64 = { os: 'linux', architecture: 'arm64' };

let directory: string;
let kubernetes: string;
let environment: RunningEnvironment;
let run: RunTool;
let installed: RatifyConfig;
let pushed = 0;
const at = (path: string) => join(directory, path);

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'lazaret-ratify-'));
  run = await getTools(at('home'), () => undefined, ROOT);
  for (const name of ['ours', 'other']) {
    await mustRun(run('cosign', ['generate-key-pair', '--output-key-prefix', at(name)]), 'generate-key-pair');
  }
  const ours = await chainOf('P-256');
  await signingConfig(at('ours'), ours.signer);
  await signingConfig(at('other'), (await chainOf('P-256')).signer);
  writeFileSync(at('policy.yaml'), POLICY);
  await writeDatabase(at('db'), new Date());
  const options = ['--state-directory', at('state'), '--database', at('db'), '--policy', at('policy.yaml')];
  environment = await startCli(options);
  const trust = {
    'cosign.pub': readFileSync(at('ours.pub'), 'utf8'),
    'notation-ca.crt': toPem([ours.root.certificate]),
  };
  kubernetes = copyOfKubernetes({ registry: environment.registry, notationIdentity: SIGNER_IDENTITY }, trust);
  installed = await configOf('production');
});
afterAll(async () => {
  await environment.stop();
  rmSync(directory, { recursive: true });
  rmSync(kubernetes, { recursive: true });
});

/** What is installed, as Ratify's command line takes it. */
async function configOf(overlay: string): Promise<RatifyConfig> {
  mkdirSync(at('trust'), { recursive: true });
  const cosignKey = join(kubernetes, 'settings', 'cosign.pub');
  return ratifyConfig(await render(join(kubernetes, 'ratify', overlay)), { directory: at('trust'), cosignKey });
}
const verify = (reference: string, config = installed) => ratifyVerify(reference, { config, home: at('ratify') });

/** Pushes an image and waits until Lazaret has attached its report. */
async function pushImage(files = sample.npmFiles('left-pad', `1.0.${(pushed += 1)}`)): Promise<string> {
  const image = await sample.imageOf(files);
  const repository = `ratify/app-${pushed}`;
  await push(image, { origin: `http://${environment.registry}`, repository, fetch }, { tag: 'v1' });
  const reference = `${environment.registry}/${repository}@${image.digest}`;
  await expect.poll(() => attached(reference, MediaType.sarif), { timeout: 60_000 }).toHaveLength(1);
  return reference;
}
const notation = (reference: string, { key = 'ours', format = 'jws' } = {}) =>
  mustRun(
    run('notation', ['sign', '--insecure-registry', '--signature-format', format, '--key', 'signer', reference], {
      env: { NOTATION_CONFIG: at(key) },
    }),
    'notation sign',
  );
const OLD_FORM = '--new-bundle-format=false';
const cosign = (reference: string, { key = 'ours', args = [OLD_FORM] }: { key?: string; args?: string[] } = {}) => {
  const offline = ['--use-signing-config=false', '--tlog-upload=false', '--allow-http-registry', '--yes'];
  return mustRun(run('cosign', ['sign', '--key', at(`${key}.key`), ...offline, ...args, reference]), 'cosign sign');
};
async function signedImage(files?: Parameters<typeof pushImage>[0]): Promise<string> {
  const reference = await pushImage(files);
  await notation(reference);
  return reference;
}
async function signedIndex(images: readonly sample.Artifact[]): Promise<string> {
  const index = sample.makeIndex(images.map((image, i) => ({ image, platform: [AMD64, ARM64][i] ?? AMD64 })));
  const repository = `ratify/index-${(pushed += 1)}`;
  await push(index, { origin: `http://${environment.registry}`, repository, fetch }, { tag: 'v1' });
  const reference = `${environment.registry}/${repository}@${index.digest}`;
  await notation(reference);
  return reference;
}
/** Lazaret's own report once more, with another date. */
async function attachReport(reference: string, annotations: Readonly<Record<string, string>>): Promise<void> {
  const { bytes } = await contentOf(reference, MediaType.sarif);
  await attach(reference, { artifactType: MediaType.sarif, bytes, annotations });
}
const passes = async (reference: string, config: RatifyConfig) => (await verify(reference, config)).isSuccess;

describe('an image that is signed, with the report that Lazaret has attached', () => {
  it.each([
    ['Notation, as JWS', 'notation', (reference: string) => notation(reference)],
    ['Notation, as COSE', 'notation', (reference: string) => notation(reference, { format: 'cose' })],
    ['Cosign, in the old form', 'cosign', (reference: string) => cosign(reference)],
  ])('passes: %s', async (_, verifier, sign) => {
    const reference = await pushImage();
    await sign(reference);
    const verdict = await verify(reference);
    expect(verdict.isSuccess).toBe(true);
    expect([by(verdict, verifier), by(verdict, 'vulnerabilityreport')]).toEqual([[true], [true]]);
  });

  it('passes as an index whose platforms are all good, by the report that Lazaret has made of theirs', async () => {
    const images = [AMD64, ARM64].map((platform, i) =>
      sample.imageOf(sample.npmFiles('left-pad', `1.0.${pushed}${i}`), platform),
    );
    const reference = await signedIndex(await Promise.all(images));
    await expect.poll(() => attached(reference, MediaType.sarif), { timeout: 60_000 }).toHaveLength(1);
    const verdict = await verify(reference);
    expect(verdict.isSuccess).toBe(true);
    expect([by(verdict, 'notation'), by(verdict, 'vulnerabilityreport')]).toEqual([[true], [true]]);
  });

  it('passes with what nobody here knows beside it', async () => {
    const reference = await signedImage();
    await attach(reference, { artifactType: 'application/vnd.example.unknown', bytes: Buffer.from('{}') });
    expect((await verify(reference)).isSuccess).toBe(true);
  });
});

describe('is refused', () => {
  it('unsigned, though its report is good', async () => {
    const verdict = await verify(await pushImage());
    expect(verdict.isSuccess).toBe(false);
    expect(verdict.found.map(({ verifier, ok }) => [verifier, ok])).toEqual([['vulnerabilityreport', true]]);
  });

  it('signed by a stranger', async () => {
    const reference = await pushImage();
    await notation(reference, { key: 'other' });
    await cosign(reference, { key: 'other' });
    const verdict = await verify(reference);
    expect(verdict.isSuccess).toBe(false);
    expect([by(verdict, 'notation'), by(verdict, 'cosign')]).toEqual([[false], [false]]);
    expect(by(verdict, 'vulnerabilityreport')).toEqual([true]);
  });

  it('signed as a Sigstore bundle, which Ratify does not know: that is no signature', async () => {
    const reference = await pushImage();
    await cosign(reference, { args: [] });
    const verdict = await verify(reference);
    expect([verdict.isSuccess, by(verdict, 'cosign')]).toEqual([false, []]);
  });

  it('with a severe finding, which Lazaret has marked and not locked', async () => {
    const reference = await signedImage(sample.npmFiles('lodash', '4.17.20'));
    expect(statusOf(reference, 60)).toMatchObject({ verdict: 'fail' });
    const verdict = await verify(reference);
    expect([verdict.isSuccess, by(verdict, 'notation')]).toEqual([false, [true]]);
    expect(why(verdict, 'vulnerabilityreport')).toContain('disallowed severities');
    expect(why(verdict, 'vulnerabilityreport')).toContain('CVE-2021-23337');
  });

  it('without any report', async () => {
    const reference = await signedImage();
    await detach(reference, MediaType.sarif);
    const verdict = await verify(reference);
    expect(verdict.isSuccess).toBe(false);
    expect(verdict.found.map(({ verifier, ok }) => [verifier, ok])).toEqual([['notation', true]]);
  });

  it('as an index, where a platform of it has a severe finding', async () => {
    const reference = await signedIndex([
      await sample.imageOf(sample.npmFiles('left-pad', `1.0.${pushed}`), AMD64),
      await sample.imageOf(sample.npmFiles('lodash', '4.17.20'), ARM64),
    ]);
    await expect.poll(() => attached(reference, MediaType.sarif), { timeout: 60_000 }).toHaveLength(1);
    const verdict = await verify(reference);
    expect([verdict.isSuccess, by(verdict, 'notation')]).toEqual([false, [true]]);
    expect(why(verdict, 'vulnerabilityreport')).toContain('CVE-2021-23337');
  });

  it('as an index, where a platform of it has no report', async () => {
    const good = await sample.imageOf(sample.npmFiles('left-pad', `1.0.${pushed}`), AMD64);
    const reference = await signedIndex([good, unscannable()]);
    expect(statusOf(reference, 60)).toMatchObject({ verdict: 'inconclusive', settled: true, marks: [] });
    const verdict = await verify(reference);
    expect(verdict.isSuccess).toBe(false);
    expect(verdict.found.map(({ verifier, ok }) => [verifier, ok])).toEqual([['notation', true]]);
  });

  it.each([
    // Of this one Ratify tells its date and nothing else.
    ['older than it may be', () => ({ [CREATED]: ago(193) }), '"createdAt"'],
    ['without a date', () => ({}), 'timestamp'],
    ['with a date that is none', () => ({ [CREATED]: 'yesterday' }), 'timestamp'],
  ])('with a report %s, alone and beside a good one', async (_, annotations, reason) => {
    const reference = await signedImage();
    const { bytes } = await contentOf(reference, MediaType.sarif);
    await attachReport(reference, annotations());
    const beside = await verify(reference);
    expect([beside.isSuccess, by(beside, 'vulnerabilityreport').toSorted()]).toEqual([false, [false, true]]);
    expect(why(beside, 'vulnerabilityreport')).toContain(reason);
    await detach(reference, MediaType.sarif);
    await attach(reference, { artifactType: MediaType.sarif, bytes, annotations: annotations() });
    expect(await verify(reference)).toMatchObject({ isSuccess: false });
  });

  it('with a report from tomorrow, which would never grow old', async () => {
    const reference = await signedImage();
    await attachReport(reference, { [CREATED]: ago(-24) });
    const verdict = await verify(reference);
    // The verifier is content with it; the policy is not.
    expect([verdict.isSuccess, by(verdict, 'vulnerabilityreport')]).toEqual([false, [true, true]]);
  });

  it.each([
    ['no JSON', 'nothing'],
    ['no SARIF', '{}'],
    ['a SARIF without a run', JSON.stringify({ version: '2.1.0', runs: [] })],
  ])('with a report that is %s, beside a good one', async (_, text) => {
    const reference = await signedImage();
    const annotations = { [CREATED]: ago(0) };
    await attach(reference, { artifactType: MediaType.sarif, bytes: Buffer.from(text), annotations });
    const verdict = await verify(reference);
    expect([verdict.isSuccess, by(verdict, 'vulnerabilityreport').toSorted()]).toEqual([false, [false, true]]);
  });

  it('in another repository, where nobody has signed it', async () => {
    const files = sample.npmFiles('left-pad', '2.0.0');
    await signedImage(files);
    pushed += 1;
    const verdict = await verify(await pushImage(files));
    expect([by(verdict, 'notation'), verdict.isSuccess]).toEqual([[], false]);
  });

  it('with the signature of another image', async () => {
    const signed = await signedImage();
    await cosign(signed);
    const reference = await pushImage();
    const envelope = await contentOf(signed, MediaType.notarySignature);
    const type = { artifactType: MediaType.notarySignature, configType: MediaType.notarySignature };
    await attach(reference, { ...type, ...envelope });
    await copyCosignTag(signed, reference);
    const verdict = await verify(reference);
    expect([verdict.isSuccess, by(verdict, 'notation'), by(verdict, 'cosign')]).toEqual([false, [false], [false]]);
    expect(why(verdict, 'cosign')).toContain('digest in claim');
  });

  it('by a registry that does not answer', async () => {
    await expect(verify(`127.0.0.1:1/app@sha256:${'0'.repeat(64)}`)).rejects.toThrow();
  });
});

describe('where both signatures are wanted', () => {
  it('refuses with one, and passes with both', async () => {
    const settings = join(kubernetes, 'settings', 'settings.env');
    const any = readFileSync(settings, 'utf8');
    writeFileSync(settings, any.replace('signatures=any', 'signatures=all'));
    const both = await configOf('production').finally(() => writeFileSync(settings, any));
    const reference = await signedImage();
    expect((await verify(reference, both)).isSuccess).toBe(false);
    await cosign(reference);
    expect((await verify(reference, both)).isSuccess).toBe(true);
  });
});

// Each of these is a configuration that one might write. The images that have to be refused pass by it, and so are seen.
describe('a mistake in the configuration would be noticed, by', () => {
  const verifier = (name: string, edit: (plugin: Record<string, unknown>) => void): RatifyConfig => {
    const config = structuredClone(installed);
    edit(config.verifier.plugins.find((plugin) => plugin['name'] === name) as Record<string, unknown>);
    return config;
  };
  const policy = (from: string, to: string): RatifyConfig => {
    const text = installed.policy.plugin['policy'] as string;
    expect(text).toContain(from);
    const plugin = { ...installed.policy.plugin, policy: text.replace(from, to) };
    return { ...installed, policy: { ...installed.policy, plugin } };
  };
  const old = async () => {
    const reference = await signedImage();
    await attachReport(reference, { [CREATED]: ago(193) });
    return reference;
  };
  const withoutReport = async () => {
    const reference = await signedImage();
    await detach(reference, MediaType.sarif);
    return reference;
  };

  it.each([
    [
      'a report that is too old: no maximum age',
      old,
      () => verifier('vulnerabilityreport', (plugin) => delete plugin['maximumAge']),
    ],
    [
      'a severe finding: no severities',
      () => signedImage(sample.npmFiles('lodash', '4.17.19')),
      () => verifier('vulnerabilityreport', (plugin) => delete plugin['disallowedSeverities']),
    ],
    [
      'an old report beside a good one: any report is enough',
      old,
      () => policy('every report in reports { good(report) }', 'some report in reports; good(report)'),
    ],
    ['no report: none is wanted', withoutReport, () => policy('count(reports) > 0', 'true')],
    ['no signature: none is wanted', () => pushImage(), () => policy('  signed\n', '')],
    [
      'no report: the policy of the other kind',
      withoutReport,
      () => {
        const plugin = { name: 'configPolicy', artifactVerificationPolicies: { default: 'all' } };
        return { ...installed, policy: { ...installed.policy, plugin } };
      },
    ],
  ])('%s', async (_, make, mistaken) => {
    const reference = await make();
    expect((await verify(reference)).isSuccess).toBe(false);
    expect(await passes(reference, mistaken())).toBe(true);
  });

  // Why base/cosign.yaml names a file: should a later Ratify compare the digest here as well, this test says so.
  it('the signature of another image: trust policies of Cosign', async () => {
    const signed = await pushImage();
    await cosign(signed);
    const reference = await pushImage();
    await copyCosignTag(signed, reference);
    expect((await verify(reference)).isSuccess).toBe(false);
    const trusting = verifier('cosign', (plugin) => {
      const keys = [{ file: plugin['key'] }];
      delete plugin['key'];
      plugin['trustPolicies'] = [{ name: 'lazaret', scopes: [`${environment.registry}/*`], keys, tLogVerify: false }];
    });
    expect(await passes(reference, trusting)).toBe(true);
  });
});

describe("Gatekeeper's constraint, by what a Ratify that serves answers", () => {
  /** What the constraint says to a Pod of this image. Ratify is asked for it first, as Gatekeeper would. */
  const judged = async (reference: string, config = installed) => {
    const resources = await render(join(kubernetes, 'ratify', 'production'));
    const constraint = only(resources, 'LazaretVerifiedImages', 'lazaret-verified-images');
    const judge = await reviewer(only(resources, 'ConstraintTemplate'), constraint);
    const ratify = await serveRatify(config, at('ratify'));
    const { items, systemError } = await ratify.ask([reference]).finally(() => ratify.stop());
    const pick = <T>(of: (item: (typeof items)[number]) => T | undefined) =>
      Object.fromEntries(items.flatMap((item) => (of(item) === undefined ? [] : [[item.key, of(item)!]])));
    const errors = pick(({ error }) => (error === '' ? undefined : error));
    const object = { spec: { containers: [{ name: 'web', image: reference }] } };
    return judge(
      { kind: { group: '', kind: 'Pod' }, operation: 'CREATE', object },
      {
        values: pick(({ value, error }) => (error === undefined || error === '' ? value : undefined)),
        errors,
        systemError,
      },
    );
  };

  it('admits what is signed and fresh', async () => {
    expect(await judged(await signedImage())).toEqual([]);
  });

  it('refuses what is unsigned, what has no report, and what is not there, and says which', async () => {
    expect((await judged(await pushImage())).join()).toContain('it has no signature that verifies');
    const reference = await signedImage();
    await detach(reference, MediaType.sarif);
    expect((await judged(reference)).join()).toContain('it has no report');
    expect((await judged(reference.replace(/.$/, (last) => (last === '0' ? '1' : '0')))).join()).toContain(
      'could not resolve',
    );
  });

  it("refuses what passes by the chart's own policy, as long as that one is installed", async () => {
    const plugin = { name: 'configPolicy', artifactVerificationPolicies: { default: 'all' } };
    const charts = { ...installed, policy: { ...installed.policy, plugin } };
    const reference = await signedImage();
    expect(await passes(reference, charts)).toBe(true);
    expect((await judged(reference, charts)).join()).toContain("Ratify has not Lazaret's policy");
  });
});
