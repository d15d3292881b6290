import { setTimeout as wait } from 'node:timers/promises';
import * as sample from '../../local/sample/image.js';
import type { Artifact } from '../../local/sample/image.js';
import { attachBundle, signBundle, signLegacy } from '../../local/signer/signer.js';
import type { Expected, Scenario, Stage } from './scenario.js';

const AMD64 = { os: 'linux', architecture: 'amd64' };
const ARM64 = { os: 'linux', architecture: 'arm64' };

const CLEAN_DEBIAN = [
  ['libssl3', 'openssl', '3.0.15-1~deb12u1'],
  ['libc6', 'glibc', '2.36-9+deb12u3'],
] as const;
const OLD_DEBIAN = [
  ['libssl3', 'openssl', '3.0.11-1~deb12u2'],
  ['libc6', 'glibc', '2.36-9+deb12u3'],
] as const;
const FIXED_OPENSSL = [['libcrypto3', 'openssl', '3.5.4-r0']] as const;

const clean = (name: string) =>
  sample.imageOf([...sample.debianFiles(CLEAN_DEBIAN), { path: 'app/name', content: name }]);
const vulnerable = (name: string) =>
  sample.imageOf([...sample.debianFiles(OLD_DEBIAN), { path: 'app/name', content: name }]);

const PASSES: Expected = {
  verdict: 'pass',
  reasons: [],
  state: 'none',
  operations: [],
  pull: { digest: 200, tag: 200 },
  marks: 2,
  findings: [],
};
const SHUT = { state: 'quarantined', operations: ['untag v1', 'lock'], pull: { digest: 405, tag: 404 } } as const;
const OPENSSL = ['CVE-2024-5535 libssl3 3.0.11-1~deb12u2'];

/** Pushes an image under `v1`. */
async function pushed(stage: Stage, repository: string, image: Artifact): Promise<Artifact> {
  await stage.push(image, repository, { tag: 'v1' });
  return image;
}

/** A scenario whose image is pushed under `v1` and then dealt with. */
function scenario(
  name: string,
  {
    repository,
    image,
    then,
  }: { repository: string; image: () => Promise<Artifact>; then?: (stage: Stage, image: Artifact) => Promise<void> },
  outcome: { readonly expected: Expected; readonly cards: number },
): Scenario {
  return {
    name,
    repository,
    tag: 'v1',
    ...outcome,
    run: async (stage) => {
      const artifact = await pushed(stage, repository, await image());
      await then?.(stage, artifact);
      return artifact;
    },
  };
}

/** The images that are pushed one after the other and judged at the same time. */
export const SCENARIOS: readonly Scenario[] = [
  scenario(
    'clean and signed',
    {
      repository: 'signed/clean',
      image: () => clean('clean'),
      then: (stage, image) => stage.push(signBundle(image, stage.keys.trusted), 'signed/clean'),
    },
    { expected: PASSES, cards: 0 },
  ),
  scenario(
    'clean, signed the old way',
    {
      repository: 'signed/legacy',
      image: () => clean('legacy'),
      then: async (stage, image) => {
        const { artifact, tag } = signLegacy(image, stage.keys.trusted, `${stage.registry}/signed/legacy`);
        await stage.push(artifact, 'signed/legacy', { tag });
      },
    },
    { expected: PASSES, cards: 0 },
  ),
  scenario(
    'critical, with a fix',
    { repository: 'shop/api', image: () => vulnerable('api') },
    { expected: { verdict: 'fail', reasons: ['VULNERABILITIES'], ...SHUT, marks: 2, findings: OPENSSL }, cards: 1 },
  ),
  scenario(
    'critical, where the rule is untag',
    { repository: 'untag/api', image: () => vulnerable('untag') },
    {
      expected: {
        verdict: 'fail',
        reasons: ['VULNERABILITIES'],
        state: 'quarantined',
        operations: ['untag v1'],
        pull: { digest: 200, tag: 404 },
        marks: 2,
        findings: OPENSSL,
      },
      cards: 1,
    },
  ),
  scenario(
    'unsigned',
    { repository: 'signed/unsigned', image: () => clean('unsigned') },
    { expected: { verdict: 'fail', reasons: ['SIGNATURE_MISSING'], ...SHUT, marks: 2 }, cards: 1 },
  ),
  scenario(
    'signed by a stranger',
    {
      repository: 'signed/stranger',
      image: () => clean('stranger'),
      then: (stage, image) => stage.push(signBundle(image, stage.keys.stranger), 'signed/stranger'),
    },
    { expected: { verdict: 'fail', reasons: ['SIGNATURE_UNTRUSTED_KEY'], ...SHUT, marks: 2 }, cards: 1 },
  ),
  scenario(
    "another image's signature",
    {
      repository: 'signed/moved',
      image: () => clean('moved'),
      then: async (stage, image) => {
        // The trusted key's own signature, but made for another image and hung onto this one.
        const other = signBundle(await clean('clean'), stage.keys.trusted);
        await stage.push(attachBundle(image, other.blobs[1]?.bytes ?? new Uint8Array()), 'signed/moved');
      },
    },
    { expected: { verdict: 'fail', reasons: ['SIGNATURE_OTHER_DIGEST'], ...SHUT, marks: 2 }, cards: 1 },
  ),
  scenario(
    'two platforms, one bad',
    {
      repository: 'shop/multi',
      image: async () =>
        sample.makeIndex([
          { image: await sample.imageOf(sample.alpineFiles('3.22.1', FIXED_OPENSSL), AMD64), platform: AMD64 },
          {
            image: await sample.imageOf(
              [...sample.alpineFiles('3.22.1', FIXED_OPENSSL), ...sample.npmFiles('minimist', '1.2.5')],
              ARM64,
            ),
            platform: ARM64,
          },
        ]),
    },
    {
      expected: {
        verdict: 'fail',
        reasons: ['PLATFORM_FAILS'],
        ...SHUT,
        marks: 1,
        findings: ['CVE-2021-44906 minimist 1.2.5'],
        platforms: ['linux/amd64 pass', 'linux/arm64 fail'],
      },
      // The platform is judged and locked for itself, and so is the index.
      cards: 2,
    },
  ),
  scenario(
    'a private key in a layer',
    {
      repository: 'shop/leaky',
      image: () => sample.imageOf([...sample.debianFiles(CLEAN_DEBIAN), ...sample.privateKeyFiles()]),
    },
    { expected: { verdict: 'fail', reasons: ['SECRETS'], ...SHUT, marks: 2, findings: [] }, cards: 1 },
  ),
  scenario(
    'a base that nobody knows',
    { repository: 'tools/odd', image: () => sample.imageOf(sample.unrecognisedFiles()) },
    { expected: { verdict: 'inconclusive', reasons: ['UNRECOGNISED'], ...SHUT, marks: 2, findings: [] }, cards: 1 },
  ),
  scenario(
    'past its end of life',
    {
      repository: 'shop/old',
      image: () => sample.imageOf(sample.alpineFiles('3.10.9', [['musl', 'musl', '1.1.22-r3']])),
    },
    { expected: { verdict: 'fail', reasons: ['END_OF_LIFE'], ...SHUT, marks: 2, findings: [] }, cards: 1 },
  ),
  scenario(
    'a Helm chart, left alone',
    { repository: 'charts/shop', image: () => sample.helmChart('shop') },
    {
      expected: {
        verdict: 'unknown',
        reasons: ['UNKNOWN'],
        state: 'none',
        operations: [],
        pull: { digest: 200, tag: 200 },
        marks: 0,
      },
      cards: 0,
    },
  ),
  scenario(
    'signed a little later',
    {
      repository: 'signed/late',
      image: () => clean('late'),
      then: async (stage, image) => {
        await wait(2000);
        await stage.push(signBundle(image, stage.keys.trusted), 'signed/late');
      },
    },
    { expected: PASSES, cards: 0 },
  ),
];

/** What comes after the first verdicts: the fix for a quarantined tag, and a release. */
export const SECOND_ACT: readonly Scenario[] = [
  {
    name: 'the fix, to the tag of a quarantined image',
    repository: 'shop/api',
    tag: 'v1',
    expected: PASSES,
    cards: 0,
    run: async (stage) => {
      const image = await clean('api-fixed');
      await stage.push(image, 'shop/api', { tag: 'v1', headFirst: true });
      return image;
    },
  },
  {
    name: 'released by a person',
    repository: 'shop/old',
    tag: 'v1',
    expected: {
      verdict: 'fail',
      reasons: ['END_OF_LIFE'],
      state: 'released',
      operations: ['unlock', 'retag v1'],
      pull: { digest: 200, tag: 200 },
      marks: 2,
    },
    cards: 1,
    run: async (stage) => {
      const image = await sample.imageOf(sample.alpineFiles('3.10.9', [['musl', 'musl', '1.1.22-r3']]));
      const reference = `${stage.registry}/shop/old:v1`;
      await stage.client.post('release', { reference, reason: 'the demo shows how an image is released' });
      return image;
    },
  },
];

/** The policy of the demo: graces of seconds instead of minutes. */
export const DEMO_POLICY = `# The policy of the demo. Its graces are seconds, so that it is over before the coffee is cold.
version: 1
deadline: 90s
rules:
  - repository: signed/**
    vulnerabilities: { fail: CRITICAL, failFixable: HIGH }
    signature: { require: any, cosign: { keys: [demo.pub] }, grace: 8s }
    onPush: lock-and-untag
  - repository: untag/**
    vulnerabilities: { fail: CRITICAL }
    onPush: untag
  - repository: "**"
    vulnerabilities: { fail: CRITICAL, failFixable: HIGH }
    secrets: fail
    onPush: lock-and-untag
`;
