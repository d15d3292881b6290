import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as sample from '../../local/sample/image.js';
import { MediaType } from '../../shared/artifact/media-type.js';
import { statusOf } from '../support/process.js';
import { CREATED, attach, contentOf, copyCosignTag, detach } from './support/attach.js';
import { reviewer } from './support/opa.js';
import { AMD64, ARM64, type RatifyBench, openRatifyBench, reported } from './support/ratify-bench.js';
import { type RatifyConfig, by, serveRatify, why } from './support/ratify.js';
import { render } from './support/render.js';
import { only } from './support/resource.js';
import { unscannable } from './support/unscannable.js';

const HOUR = 3_600_000;
const ago = (hours: number) => new Date(Date.now() - hours * HOUR).toISOString();

let bench: RatifyBench;
beforeAll(async () => {
  bench = await openRatifyBench();
});
afterAll(() => bench.close());

/** Lazaret's own report once more, with another date. */
async function attachReport(reference: string, annotations: Readonly<Record<string, string>>): Promise<void> {
  const { bytes } = await contentOf(reference, MediaType.sarif);
  await attach(reference, { artifactType: MediaType.sarif, bytes, annotations });
}
/** Where the rule of a report tells its severity. */
const RULE_TOLD = /("help":\{"text":")Severity: CRITICAL/;
/** A package of the distribution, and one of a language. */
const ratedTwice = [
  ...sample.debianFiles([['curl', 'curl', '7.88.1-10']]),
  ...sample.npmFiles('curl-for-node', '1.0.0'),
];
const passes = async (reference: string, config: RatifyConfig) => (await bench.verify(reference, config)).isSuccess;

describe('an image that is signed, with the report that Lazaret has attached', () => {
  it.each([
    ['Notation, as JWS', 'notation', (reference: string) => bench.notation(reference)],
    [
      'Notation, as COSE',
      'notation',
      (reference: string) => bench.notation(reference, { args: ['--signature-format', 'cose'] }),
    ],
    ['Cosign, in the old form', 'cosign', (reference: string) => bench.cosign(reference)],
  ])('passes: %s', async (_, verifier, sign) => {
    const reference = await bench.pushImage();
    await sign(reference);
    const verdict = await bench.verify(reference);
    expect(verdict.isSuccess).toBe(true);
    expect([by(verdict, verifier), by(verdict, 'vulnerabilityreport')]).toEqual([[true], [true]]);
  });

  it('passes as an index whose platforms are all good, by the report that Lazaret has made of theirs', async () => {
    const images = [AMD64, ARM64].map((platform) => sample.imageOf(bench.freshFiles(), platform));
    const reference = await bench.signedIndex(await Promise.all(images));
    await reported(reference);
    const verdict = await bench.verify(reference);
    expect(verdict.isSuccess).toBe(true);
    expect([by(verdict, 'notation'), by(verdict, 'vulnerabilityreport')]).toEqual([[true], [true]]);
  });

  it('passes with what nobody here knows beside it', async () => {
    const reference = await bench.signedImage();
    await attach(reference, { artifactType: 'application/vnd.example.unknown', bytes: Buffer.from('{}') });
    expect((await bench.verify(reference)).isSuccess).toBe(true);
  });
});

describe('is refused', () => {
  it('unsigned, though its report is good', async () => {
    const verdict = await bench.verify(await bench.pushImage());
    expect(verdict.isSuccess).toBe(false);
    expect(verdict.found.map(({ verifier, ok }) => [verifier, ok])).toEqual([['vulnerabilityreport', true]]);
  });

  it('signed by a stranger', async () => {
    const reference = await bench.pushImage();
    await bench.notation(reference, { key: 'other' });
    await bench.cosign(reference, { key: 'other' });
    const verdict = await bench.verify(reference);
    expect(verdict.isSuccess).toBe(false);
    expect([by(verdict, 'notation'), by(verdict, 'cosign')]).toEqual([[false], [false]]);
    expect(by(verdict, 'vulnerabilityreport')).toEqual([true]);
  });

  it('signed as a Sigstore bundle, which Ratify does not know: that is no signature', async () => {
    const reference = await bench.pushImage();
    await bench.cosign(reference, { args: [] });
    const verdict = await bench.verify(reference);
    expect([verdict.isSuccess, by(verdict, 'cosign')]).toEqual([false, []]);
  });

  it('with a severe finding, which Lazaret has marked and not locked', async () => {
    const reference = await bench.signedImage(sample.npmFiles('lodash', '4.17.20'));
    expect(statusOf(reference, 60)).toMatchObject({ verdict: 'fail' });
    const verdict = await bench.verify(reference);
    expect([verdict.isSuccess, by(verdict, 'notation')]).toEqual([false, [true]]);
    expect(why(verdict, 'vulnerabilityreport')).toContain('disallowed severities');
    expect(why(verdict, 'vulnerabilityreport')).toContain('CVE-2021-23337');
  });

  it('with a severe finding of the distribution, behind which a library has a mild one of the same identifier', async () => {
    const reference = await bench.signedImage(ratedTwice);
    expect(statusOf(reference, 60)).toMatchObject({ verdict: 'fail' });
    const verdict = await bench.verify(reference);
    expect([verdict.isSuccess, by(verdict, 'notation')]).toEqual([false, [true]]);
    expect(why(verdict, 'vulnerabilityreport')).toContain('CVE-2026-0001');
  });

  it('without any report', async () => {
    const reference = await bench.signedImage();
    await detach(reference, MediaType.sarif);
    const verdict = await bench.verify(reference);
    expect(verdict.isSuccess).toBe(false);
    expect(verdict.found.map(({ verifier, ok }) => [verifier, ok])).toEqual([['notation', true]]);
  });

  it('as an index, where a platform of it has a severe finding', async () => {
    const reference = await bench.signedIndex([
      await sample.imageOf(bench.freshFiles(), AMD64),
      await sample.imageOf(sample.npmFiles('lodash', '4.17.20'), ARM64),
    ]);
    await reported(reference);
    const verdict = await bench.verify(reference);
    expect([verdict.isSuccess, by(verdict, 'notation')]).toEqual([false, [true]]);
    expect(why(verdict, 'vulnerabilityreport')).toContain('CVE-2021-23337');
  });

  it('as an index, where a platform of it has no report', async () => {
    const good = await sample.imageOf(bench.freshFiles(), AMD64);
    const reference = await bench.signedIndex([good, unscannable()]);
    expect(statusOf(reference, 60)).toMatchObject({ verdict: 'inconclusive', settled: true, marks: [] });
    const verdict = await bench.verify(reference);
    expect(verdict.isSuccess).toBe(false);
    expect(verdict.found.map(({ verifier, ok }) => [verifier, ok])).toEqual([['notation', true]]);
  });

  it.each([
    // Of this one Ratify tells its date and nothing else.
    ['older than it may be', () => ({ [CREATED]: ago(193) }), '"createdAt"'],
    ['without a date', () => ({}), 'timestamp'],
    ['with a date that is none', () => ({ [CREATED]: 'yesterday' }), 'timestamp'],
  ])('with a report %s, alone and beside a good one', async (_, annotations, reason) => {
    const reference = await bench.signedImage();
    const { bytes } = await contentOf(reference, MediaType.sarif);
    await attachReport(reference, annotations());
    const beside = await bench.verify(reference);
    expect([beside.isSuccess, by(beside, 'vulnerabilityreport').toSorted()]).toEqual([false, [false, true]]);
    expect(why(beside, 'vulnerabilityreport')).toContain(reason);
    await detach(reference, MediaType.sarif);
    await attach(reference, { artifactType: MediaType.sarif, bytes, annotations: annotations() });
    expect(await bench.verify(reference)).toMatchObject({ isSuccess: false });
  });

  it('with a report from tomorrow, which would never grow old', async () => {
    const reference = await bench.signedImage();
    await attachReport(reference, { [CREATED]: ago(-24) });
    const verdict = await bench.verify(reference);
    // The verifier is content with it; the policy is not.
    expect([verdict.isSuccess, by(verdict, 'vulnerabilityreport')]).toEqual([false, [true, true]]);
  });

  it.each([
    ['no JSON', 'nothing'],
    ['no SARIF', '{}'],
    ['a SARIF without a run', JSON.stringify({ version: '2.1.0', runs: [] })],
  ])('with a report that is %s, beside a good one', async (_, text) => {
    const reference = await bench.signedImage();
    const annotations = { [CREATED]: ago(0) };
    await attach(reference, { artifactType: MediaType.sarif, bytes: Buffer.from(text), annotations });
    const verdict = await bench.verify(reference);
    expect([verdict.isSuccess, by(verdict, 'vulnerabilityreport').toSorted()]).toEqual([false, [false, true]]);
  });

  it('in another repository, where nobody has signed it', async () => {
    const files = sample.npmFiles('left-pad', '2.0.0');
    await bench.signedImage(files);
    const verdict = await bench.verify(await bench.pushImage(files));
    expect([by(verdict, 'notation'), verdict.isSuccess]).toEqual([[], false]);
  });

  it('with the signature of another image', async () => {
    const signed = await bench.signedImage();
    await bench.cosign(signed);
    const reference = await bench.pushImage();
    const envelope = await contentOf(signed, MediaType.notarySignature);
    const type = { artifactType: MediaType.notarySignature, configType: MediaType.notarySignature };
    await attach(reference, { ...type, ...envelope });
    await copyCosignTag(signed, reference);
    const verdict = await bench.verify(reference);
    expect([verdict.isSuccess, by(verdict, 'notation'), by(verdict, 'cosign')]).toEqual([false, [false], [false]]);
    expect(why(verdict, 'cosign')).toContain('digest in claim');
  });

  it('by a registry that does not answer', async () => {
    await expect(bench.verify(`127.0.0.1:1/app@sha256:${'0'.repeat(64)}`)).rejects.toThrow();
  });
});

describe('where both signatures are wanted', () => {
  it('refuses with one, and passes with both', async () => {
    const settings = join(bench.kubernetes, 'settings', 'settings.env');
    const any = readFileSync(settings, 'utf8');
    writeFileSync(settings, any.replace('signatures=any', 'signatures=all'));
    const both = await bench.configOf('production').finally(() => writeFileSync(settings, any));
    const reference = await bench.signedImage();
    expect((await bench.verify(reference, both)).isSuccess).toBe(false);
    await bench.cosign(reference);
    expect((await bench.verify(reference, both)).isSuccess).toBe(true);
  });
});

// Each of these is a configuration that one might write. The images that have to be refused pass by it, and so are seen.
describe('a mistake in the configuration would be noticed, by', () => {
  const verifier = (name: string, edit: (plugin: Record<string, unknown>) => void): RatifyConfig => {
    const config = structuredClone(bench.installed);
    edit(config.verifier.plugins.find((plugin) => plugin['name'] === name) as Record<string, unknown>);
    return config;
  };
  const policy = (from: string, to: string): RatifyConfig => {
    const text = bench.installed.policy.plugin['policy'] as string;
    expect(text).toContain(from);
    const plugin = { ...bench.installed.policy.plugin, policy: text.replace(from, to) };
    return { ...bench.installed, policy: { ...bench.installed.policy, plugin } };
  };
  const old = async () => {
    const reference = await bench.signedImage();
    await attachReport(reference, { [CREATED]: ago(193) });
    return reference;
  };
  const withoutReport = async () => {
    const reference = await bench.signedImage();
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
      () => bench.signedImage(sample.npmFiles('lodash', '4.17.19')),
      () => verifier('vulnerabilityreport', (plugin) => delete plugin['disallowedSeverities']),
    ],
    [
      'an old report beside a good one: any report is enough',
      old,
      () => policy('every report in reports { good(report) }', 'some report in reports; good(report)'),
    ],
    ['no report: none is wanted', withoutReport, () => policy('count(reports) > 0', 'true')],
    ['no signature: none is wanted', () => bench.pushImage(), () => policy('  signed\n', '')],
    [
      'no report: the policy of the other kind',
      withoutReport,
      () => {
        const plugin = { name: 'configPolicy', artifactVerificationPolicies: { default: 'all' } };
        return { ...bench.installed, policy: { ...bench.installed.policy, plugin } };
      },
    ],
  ])('%s', async (_, make, mistaken) => {
    const reference = await make();
    expect((await bench.verify(reference)).isSuccess).toBe(false);
    expect(await passes(reference, mistaken())).toBe(true);
  });

  // Why Lazaret writes the report, and not Trivy: should a later Ratify go by the results, this test says so.
  it('a severe finding: a report whose rule is as mild as the last result', async () => {
    const reference = await bench.signedImage(ratedTwice);
    const text = Buffer.from((await contentOf(reference, MediaType.sarif)).bytes).toString('utf8');
    expect(text).toMatch(RULE_TOLD);
    await detach(reference, MediaType.sarif);
    const bytes = Buffer.from(text.replace(RULE_TOLD, '$1Severity: LOW'));
    await attach(reference, { artifactType: MediaType.sarif, bytes, annotations: { [CREATED]: ago(0) } });
    expect(await passes(reference, bench.installed)).toBe(true);
  });

  // Why base/cosign.yaml names a file: should a later Ratify compare the digest here as well, this test says so.
  it('the signature of another image: trust policies of Cosign', async () => {
    const signed = await bench.pushImage();
    await bench.cosign(signed);
    const reference = await bench.pushImage();
    await copyCosignTag(signed, reference);
    expect((await bench.verify(reference)).isSuccess).toBe(false);
    const trusting = verifier('cosign', (plugin) => {
      const keys = [{ file: plugin['key'] }];
      delete plugin['key'];
      plugin['trustPolicies'] = [{ name: 'lazaret', scopes: [`${bench.registry}/*`], keys, tLogVerify: false }];
    });
    expect(await passes(reference, trusting)).toBe(true);
  });
});

describe("Gatekeeper's constraint, by what a Ratify that serves answers", () => {
  /** What the constraint says to a Pod of this image. Ratify is asked for it first, as Gatekeeper would. */
  const judged = async (reference: string, config = bench.installed) => {
    const resources = await render(join(bench.kubernetes, 'ratify', 'production'));
    const constraint = only(resources, 'LazaretVerifiedImages', 'lazaret-verified-images');
    const judge = await reviewer(only(resources, 'ConstraintTemplate'), constraint);
    const ratify = await serveRatify(config, bench.at('ratify'));
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
    expect(await judged(await bench.signedImage())).toEqual([]);
  });

  it('refuses what is unsigned, what has no report, and what is not there, and says which', async () => {
    expect((await judged(await bench.pushImage())).join()).toContain('it has no signature that verifies');
    const reference = await bench.signedImage();
    await detach(reference, MediaType.sarif);
    expect((await judged(reference)).join()).toContain('it has no report');
    expect((await judged(reference.replace(/.$/, (last) => (last === '0' ? '1' : '0')))).join()).toContain(
      'could not resolve',
    );
  });

  it("refuses what passes by the chart's own policy, as long as that one is installed", async () => {
    const plugin = { name: 'configPolicy', artifactVerificationPolicies: { default: 'all' } };
    const charts = { ...bench.installed, policy: { ...bench.installed.policy, plugin } };
    const reference = await bench.signedImage();
    expect(await passes(reference, charts)).toBe(true);
    expect((await judged(reference, charts)).join()).toContain("Ratify has not Lazaret's policy");
  });
});
