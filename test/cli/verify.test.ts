import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { verify } from '../../cli/verify.js';
import { readVerifyOptions } from '../../cli/verify/options.js';
import type { VerifyReport } from '../../shared/pipeline/verify-report.js';
import * as sample from '../../local/sample/image.js';
import { generateKeyPair, signBundle, signLegacy } from '../../local/signer/signer.js';
import { digestOf, hexOf } from '../../shared/artifact/digest.js';
import { MediaType } from '../../shared/artifact/media-type.js';

const keys = generateKeyPair();
const stranger = generateKeyPair();
const fixture = (name: string) => readFile(join(import.meta.dirname, '..', 'fixtures', 'cosign', name));

let root: string;
let layouts = 0;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'lazaret-layout-'));
  await writeFile(join(root, 'ours.pub'), keys.publicKey);
  await writeFile(join(root, 'other.pub'), stranger.publicKey);
});
afterAll(() => rm(root, { recursive: true }));

interface Listed {
  readonly bytes: Uint8Array;
  readonly mediaType: string;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** An OCI image layout of these manifests and blobs. */
async function layoutOf(manifests: readonly Listed[], blobs: readonly Uint8Array[]): Promise<string> {
  const directory = join(root, `layout-${(layouts += 1)}`);
  await mkdir(join(directory, 'blobs', 'sha256'), { recursive: true });
  await writeFile(join(directory, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
  for (const bytes of [...blobs, ...manifests.map((each) => each.bytes)]) {
    await writeFile(join(directory, 'blobs', 'sha256', hexOf(digestOf(bytes))), bytes);
  }
  const listed = manifests.map(({ bytes, mediaType, annotations }) => ({
    ...{ mediaType, digest: digestOf(bytes), size: bytes.byteLength },
    ...(annotations && { annotations }),
  }));
  await writeFile(join(directory, 'index.json'), JSON.stringify({ schemaVersion: 2, manifests: listed }));
  return directory;
}

const named = (artifact: sample.Artifact, name: string): Listed => ({
  ...artifact,
  annotations: { 'org.opencontainers.image.ref.name': name },
});
const blobsOf = (...artifacts: readonly sample.Artifact[]) =>
  artifacts.flatMap(({ blobs }) => blobs.map((b) => b.bytes));

/** What the command says, and its exit code. */
async function run(layout: string, key = 'ours.pub'): Promise<VerifyReport & { readonly exit: number }> {
  let text = '';
  const words = ['--layout', layout, '--key', join(root, key), '--insecure-ignore-tlog', '--json'];
  const exit = await verify(readVerifyOptions(words), (line) => (text = line));
  return { ...(JSON.parse(text) as VerifyReport), exit };
}

const image = await sample.imageOf([{ path: 'a', content: 'a' }]);
const other = await sample.imageOf([{ path: 'a', content: 'b' }]);
const bundle = signBundle(image, keys);
const legacy = signLegacy(image, keys, 'team.azurecr.io/app');

describe('verify --layout', () => {
  it('passes an image that a bundle signs, and one that is signed the old way', async () => {
    for (const signature of [bundle, named(legacy.artifact, legacy.tag)]) {
      const directory = await layoutOf([named(image, 'v1'), signature], blobsOf(image, bundle, legacy.artifact));
      for (const place of [directory, `${directory}:v1`, `${directory}@${image.digest}`]) {
        expect(await run(place)).toMatchObject({
          ...{ exit: 0, verdict: 'pass', digest: image.digest, reasons: [] },
          signatures: [{ outcome: 'verified', signer: expect.stringContaining('ours.pub') as string }],
        });
      }
    }
  });

  it('fails one that nobody has signed, another key has, or whose signature is of another image', async () => {
    const unsigned = await layoutOf([named(image, 'v1')], blobsOf(image));
    expect(await run(unsigned)).toMatchObject({ exit: 1, reasons: [{ code: 'SIGNATURE_MISSING' }], signatures: [] });
    const signed = await layoutOf([named(image, 'v1'), bundle], blobsOf(image, bundle));
    expect(await run(signed, 'other.pub')).toMatchObject({ exit: 1, reasons: [{ code: 'SIGNATURE_UNTRUSTED_KEY' }] });
    // It lies there, and refers to another image: it is none of this one's.
    const beside = await layoutOf([named(other, 'v1'), bundle], blobsOf(other, bundle));
    expect(await run(beside)).toMatchObject({ exit: 1, reasons: [{ code: 'SIGNATURE_MISSING' }] });
    const replayed = signLegacy(other, keys, 'team.azurecr.io/app').artifact;
    const moved = await layoutOf([named(image, 'v1'), named(replayed, legacy.tag)], blobsOf(image, replayed));
    expect(await run(moved)).toMatchObject({ exit: 1, reasons: [{ code: 'SIGNATURE_OTHER_DIGEST' }] });
  });

  it('verifies what the real cosign has made', async () => {
    const subject = await fixture('subject.json');
    const [manifest, layer] = await Promise.all([fixture('bundle-manifest.json'), fixture('bundle-layer-0.json')]);
    await writeFile(join(root, 'cosign.pub'), await fixture('cosign.pub'));
    const directory = await layoutOf(
      [
        { bytes: subject, mediaType: MediaType.ociManifest },
        { bytes: manifest, mediaType: MediaType.ociManifest },
      ],
      [layer],
    );
    const place = `${directory}@${digestOf(subject)}`;
    expect(await run(place, 'cosign.pub')).toMatchObject({ exit: 0, verdict: 'pass' });
    expect(await run(place)).toMatchObject({ exit: 1, verdict: 'fail' });
  });

  it('does not count a signature of a kind that is not asked for', async () => {
    const notation = sample.makeArtifact({
      configType: 'application/vnd.cncf.notary.signature',
      config: bundle.blobs[0]!,
      layers: [],
    });
    const manifest = JSON.parse(Buffer.from(notation.bytes).toString()) as object;
    const subject = { mediaType: image.mediaType, digest: image.digest, size: image.bytes.byteLength };
    const bytes = Buffer.from(JSON.stringify({ ...manifest, subject }));
    const directory = await layoutOf([named(image, 'v1'), { bytes, mediaType: MediaType.ociManifest }], blobsOf(image));
    expect(await run(directory)).toMatchObject({ exit: 1, verdict: 'fail', reasons: [{ code: 'SIGNATURE_MISSING' }] });
  });

  it('does not take a blob for what its name says', async () => {
    const directory = await layoutOf([named(image, 'v1'), bundle], blobsOf(image, bundle));
    const file = join(directory, 'blobs', 'sha256', hexOf(bundle.blobs[1]!.digest));
    await writeFile(file, Buffer.from(await readFile(file)).fill(0x20, 0, 1));
    expect(await run(directory)).toMatchObject({ exit: 1, verdict: 'fail' });
    await writeFile(join(directory, 'blobs', 'sha256', hexOf(bundle.digest)), '{}');
    await expect(run(directory)).rejects.toMatchObject({ code: 'DIGEST_MISMATCH' });
  });

  it.each([
    ['is none', () => Promise.resolve(join(root, 'nothing')), 'LAYOUT_MALFORMED'],
    ['is of another version', async () => edited('oci-layout', '{"imageLayoutVersion":"2.0.0"}'), 'LAYOUT_MALFORMED'],
    ['lists no JSON', async () => edited('index.json', 'x'), 'LAYOUT_MALFORMED'],
    [
      'lists what is no digest',
      async () => edited('index.json', '{"manifests":[{"digest":"../../x"}]}'),
      'LAYOUT_MALFORMED',
    ],
    ['is too large', async () => edited('index.json', ' '.repeat(5 * 1024 * 1024)), 'MANIFEST_TOO_LARGE'],
    ['does not hold the tag', async () => `${await edited()}:v2`, 'MANIFEST_UNKNOWN'],
    [
      'holds two images, and none is named',
      async () => layoutOf([named(image, 'v1'), named(other, 'v2')], []),
      'LAYOUT_AMBIGUOUS',
    ],
  ])('refuses a layout that %s', async (_, make, code) => {
    await expect(run(await make())).rejects.toMatchObject({ code });
  });

  const layout = ['--layout', '/nowhere'];
  const key = ['--key', '/nowhere/ours.pub'];
  const ignore = ['--insecure-ignore-tlog'];
  const who = ['--certificate-identity', 'a', '--certificate-oidc-issuer', 'https://i'];
  it.each([
    ['nothing', []],
    ['no layout', [...key, ...ignore]],
    ['a layout and a reference', ['r.azurecr.io/app:v1', ...layout, ...key, ...ignore]],
    ['nobody to trust', [...layout, ...ignore]],
    ['a key that is not there', [...layout, ...key, ...ignore]],
    ['a key, and neither a log nor the word to do without', [...layout, ...key]],
    ['an identity, and no root', [...layout, ...who]],
    ['an identity without an issuer', [...layout, '--certificate-identity', 'a', '--trusted-root', 'r']],
    ['an issuer without an identity', [...layout, '--certificate-oidc-issuer', 'a', '--trusted-root', 'r']],
    ['a name and a pattern', [...layout, ...who, '--certificate-identity-regexp', 'a', '--trusted-root', 'r']],
    ['a key and an identity', [...layout, ...key, ...who, '--trusted-root', 'r']],
    ['a policy and a key', [...layout, ...key, '--policy', 'p.yaml']],
    ['two keys', [...layout, ...key, ...key, ...ignore]],
    ['two keys, written otherwise', [...layout, ...key, '--key=/b.pub', ...ignore]],
    ['an option that is none', [...layout, ...key, ...ignore, '--insecure-skip-verify']],
    ['a time that is none', [...layout, ...key, ...ignore, '--at', 'yesterday']],
    ['a day for a time', [...layout, ...key, ...ignore, '--at', '2026-06-01']],
    ['a scope that is none', [...layout, ...key, ...ignore, '--scope', 'app']],
    ['a configuration that is not there', [...layout, '--notation-config', '/nowhere']],
    ['a time for somebody else to verify at', ['r.azurecr.io/app:v1', '--at', '2026-06-01T12:00:00Z']],
  ])('refuses a call with %s', async (_, words) => {
    const call = async () => verify(readVerifyOptions(words), () => undefined);
    await expect(call()).rejects.toMatchObject({ name: 'UsageError' });
  });
});

/** A good layout with one file replaced. */
async function edited(file?: string, text = ''): Promise<string> {
  const directory = await layoutOf([named(image, 'v1'), bundle], blobsOf(image, bundle));
  if (file !== undefined) await writeFile(join(directory, file), text);
  return directory;
}
