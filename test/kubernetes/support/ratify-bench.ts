import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { SIGNER_IDENTITY } from '../../../local/oracle/make/notation-keys.js';
import { ADVISORIES, RATED_TWICE } from '../../../local/sample/advisories.js';
import { writeDatabase } from '../../../local/sample/database.js';
import * as sample from '../../../local/sample/image.js';
import { push } from '../../../local/sample/push.js';
import { MediaType } from '../../../shared/artifact/media-type.js';
import { startCli } from '../../support/process.js';
import { attached } from './attach.js';
import { type RatifyConfig, type RatifyVerdict, ratifyConfig, ratifyVerify } from './ratify.js';
import { copyOfKubernetes, render } from './render.js';
import { OLD_FORM, type SignOptions, type Signers, makeSigners } from './signers.js';

const POLICY = `version: 1
rules:
  - repository: '**'
    vulnerabilities: { fail: HIGH }
    onPush: mark
`;

export const AMD64 = { os: 'linux', architecture: 'amd64' };
export const ARM64 = { os: 'linux', architecture: 'arm64' };

type Files = Parameters<typeof sample.imageOf>[0];

/** Lazaret with a registry, who signs there, and Ratify as it is installed. */
export interface RatifyBench extends Signers {
  readonly registry: string;
  /** A copy of `infra/kubernetes` for this registry and these keys. */
  readonly kubernetes: string;
  /** Where the tests keep what is theirs. */
  readonly at: (path: string) => string;
  /** Of production. */
  readonly installed: RatifyConfig;
  readonly configOf: (overlay: string) => Promise<RatifyConfig>;
  readonly verify: (reference: string, config?: RatifyConfig) => Promise<RatifyVerdict>;
  /** Files that no other image has, and in which nothing is found. */
  readonly freshFiles: () => Files;
  /** Pushes an image, and waits until Lazaret has attached its report; its reference by digest. */
  readonly pushImage: (files?: Files) => Promise<string>;
  /** The same, signed by us. */
  readonly signedImage: (files?: Files) => Promise<string>;
  /** An index of these, signed by us. */
  readonly signedIndex: (images: readonly sample.Artifact[]) => Promise<string>;
  /** In the old form, unless it is told otherwise. */
  readonly cosign: (reference: string, options?: SignOptions) => Promise<string>;
  readonly close: () => Promise<void>;
}

/** Waits until Lazaret has attached its report. */
export async function reported(reference: string): Promise<void> {
  await expect.poll(() => attached(reference, MediaType.sarif), { timeout: 60_000 }).toHaveLength(1);
}

/** Starts all of it. */
export async function openRatifyBench(): Promise<RatifyBench> {
  const directory = mkdtempSync(join(tmpdir(), 'lazaret-ratify-'));
  const at = (path: string) => join(directory, path);
  const signers = await makeSigners(at);
  writeFileSync(at('policy.yaml'), POLICY);
  await writeDatabase(at('db'), new Date(), [...ADVISORIES, ...RATED_TWICE]);
  const options = ['--state-directory', at('state'), '--database', at('db'), '--policy', at('policy.yaml')];
  const { registry, stop } = await startCli(options);
  const kubernetes = copyOfKubernetes({ registry, notationIdentity: SIGNER_IDENTITY }, signers.trust);
  const configOf = async (overlay: string) => {
    mkdirSync(at('trust'), { recursive: true });
    const cosignKey = join(kubernetes, 'settings', 'cosign.pub');
    return ratifyConfig(await render(join(kubernetes, 'ratify', overlay)), { directory: at('trust'), cosignKey });
  };
  const installed = await configOf('production');
  let pushed = 0;
  const pushTo = async (artifact: sample.Artifact) => {
    const repository = `ratify/app-${(pushed += 1)}`;
    await push(artifact, { origin: `http://${registry}`, repository, fetch }, { tag: 'v1' });
    return `${registry}/${repository}@${artifact.digest}`;
  };
  const freshFiles = () => sample.npmFiles('left-pad', `1.0.${(pushed += 1)}`);
  const pushImage = async (files = freshFiles()) => {
    const reference = await pushTo(await sample.imageOf(files));
    await reported(reference);
    return reference;
  };
  const signed = async (reference: string) => {
    await signers.notation(reference);
    return reference;
  };
  return {
    ...signers,
    registry,
    kubernetes,
    at,
    installed,
    configOf,
    verify: (reference, config = installed) => ratifyVerify(reference, { config, home: at('ratify') }),
    freshFiles,
    pushImage,
    signedImage: async (files) => signed(await pushImage(files)),
    signedIndex: async (images) => {
      const index = sample.makeIndex(images.map((image, i) => ({ image, platform: [AMD64, ARM64][i] ?? AMD64 })));
      return signed(await pushTo(index));
    },
    cosign: (reference, { args = [OLD_FORM], ...more } = {}) => signers.cosign(reference, { args, ...more }),
    close: async () => {
      await stop();
      rmSync(directory, { recursive: true });
      rmSync(kubernetes, { recursive: true });
    },
  };
}
