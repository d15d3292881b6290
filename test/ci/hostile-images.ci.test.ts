import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeDatabase } from '../../local/sample/database.js';
import { type Artifact, debianFiles, makeArtifact, makeImage, npmFiles } from '../../local/sample/image.js';
import { type Blob, makeLayer, makeTar, toBlob } from '../../local/sample/layer.js';
import { push } from '../../local/sample/push.js';
import type { Digest } from '../../shared/artifact/digest.js';
import { type RunningEnvironment, startCli, statusOf } from '../support/process.js';

const LAYER = 'application/vnd.oci.image.layer.v1.tar';
const OPENSSL = 'CVE-2024-5535';
const old = debianFiles([['libssl3', 'openssl', '3.0.11-1~deb12u2']]);
const system = await makeLayer(debianFiles([['libssl3', 'openssl', '3.0.15-1~deb12u1']]));
const bad = await makeLayer(npmFiles('minimist', '1.2.5'));
const odd = await makeLayer(
  npmFiles('minimist', '1.2.5').map(({ path, ...file }) => ({
    ...file,
    path: path.replace('app/', 'app/%zz/:\u007f/'),
  })),
);
const vulnerable = await makeLayer(old);
const tar = await makeTar(old);
const noPackages = await makeLayer(old.filter(({ path }) => !path.includes('dpkg')));

/** An image of layers of any type, over a configuration that claims what it likes. */
function imageOf(layers: readonly { type?: string; blob: Blob }[], diffIds: readonly Digest[], config: object = {}) {
  return makeArtifact({
    configType: 'application/vnd.oci.image.config.v1+json',
    config: toBlob(
      JSON.stringify({ os: 'linux', architecture: 'amd64', rootfs: { type: 'layers', diff_ids: diffIds }, ...config }),
    ),
    layers: layers.map(({ type = `${LAYER}+gzip`, blob }) => ({ type, blob })),
  });
}

const one = (blob: Blob, type?: string, config?: object) =>
  imageOf([{ blob, ...(type && { type }) }], [vulnerable.diffId], config);

/** What is pushed, and what has to come of it with the real Trivy: the codes of the reasons, and the findings. */
const IMAGES: Readonly<Record<string, readonly [Artifact, verdict: string, reason: string, findings: string]>> = {
  // Without our own look the scanner says "clean" of this one.
  'hidden behind the layer below': [
    makeImage([system, bad], undefined, [system.diffId, system.diffId]),
    'inconclusive',
    'LAYER_MISMATCH',
    '',
  ],
  'hidden behind the layer above': [
    makeImage([bad, system], undefined, [system.diffId, system.diffId]),
    'inconclusive',
    'LAYER_MISMATCH',
    '',
  ],
  'fewer layers claimed than there are': [
    makeImage([system, bad], undefined, [system.diffId]),
    'inconclusive',
    'LAYER_MISMATCH',
    '',
  ],
  'another layer claimed': [makeImage([vulnerable], undefined, [system.diffId]), 'fail', 'VULNERABILITIES', OPENSSL],
  'the list of packages removed': [makeImage([noPackages]), 'inconclusive', 'UNRECOGNISED', ''],
  'a layer of a strange type': [
    imageOf([{ blob: system }, { blob: bad, type: 'application/x' }], [system.diffId, bad.diffId]),
    'inconclusive',
    'LAYER_UNSUPPORTED',
    '',
  ],
  'another system claimed': [one(vulnerable, undefined, { os: 'windows' }), 'fail', 'VULNERABILITIES', OPENSSL],
  zstd: [one(toBlob(zstdCompressSync(tar)), `${LAYER}+zstd`), 'fail', 'VULNERABILITIES', OPENSSL],
  'not compressed': [one(toBlob(tar), LAYER), 'fail', 'VULNERABILITIES', OPENSSL],
  'not compressed, and claimed to be': [one(toBlob(tar)), 'fail', 'VULNERABILITIES', OPENSSL],
  // Trivy 0.74 makes URLs of paths, and crashes on what is none when it writes SARIF.
  'vulnerable in a directory with an odd name': [makeImage([odd]), 'fail', 'VULNERABILITIES', 'CVE-2021-44906'],
  'cut short': [one(toBlob(gzipSync(tar).subarray(0, -20))), 'inconclusive', 'LAYER_UNREADABLE', ''],
};

describe('images that are made to be misread', () => {
  let directory: string;
  let environment: RunningEnvironment;
  const repositoryOf = (name: string) => `hostile/${name.replaceAll(/[ ,]+/g, '-')}`;
  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'lazaret-hostile-'));
    await writeDatabase(join(directory, 'db'), new Date());
    environment = await startCli(['--state-directory', join(directory, 'state'), '--database', join(directory, 'db')]);
    const origin = `http://${environment.registry}`;
    for (const [name, [image]] of Object.entries(IMAGES)) {
      await push(image, { origin, repository: repositoryOf(name), fetch }, { tag: 'v1' });
    }
  });
  afterAll(async () => {
    await environment.stop();
    rmSync(directory, { recursive: true });
  });

  it.each(Object.entries(IMAGES))('%s', (name, [, verdict, reason, findings]) => {
    const found = statusOf(`${environment.registry}/${repositoryOf(name)}:v1`, 90);
    expect([
      found.verdict,
      found.reasons.map(({ code }) => code).join(' '),
      found.findings.list.map(({ id }) => id).join(' '),
      found.enforcement.state,
    ]).toEqual([verdict, reason, findings, 'quarantined']);
  });
});
