import { describe, expect, it } from 'vitest';
import * as sample from '../../local/sample/image.js';
import { toBlob } from '../../local/sample/layer.js';
import { generateKeyPair, signBundle, signLegacy } from '../../local/signer/signer.js';
import type { Descriptor } from '../../shared/artifact/descriptor.js';
import { digestOf, hexOf } from '../../shared/artifact/digest.js';
import { parseLoginServer } from '../../shared/artifact/login-server.js';
import { MediaType } from '../../shared/artifact/media-type.js';
import { parseRepository } from '../../shared/artifact/repository.js';
import { AppError } from '../../shared/error/app-error.js';
import { type CollectDeps, collectSignatures, soughtFor } from '../../shared/pipeline/collect-signatures.js';
import { MAX_CANDIDATES } from '../../shared/signature/candidate.js';

const keys = generateKeyPair();
const image = await sample.imageOf([{ path: 'a', content: 'a' }]);
const key = { registry: parseLoginServer('r.azurecr.io'), repository: parseRepository('app'), digest: image.digest };
const subject = { digest: image.digest, mediaType: image.mediaType, size: image.bytes.byteLength };

interface Held {
  readonly artifact: sample.Artifact;
  readonly tag?: string;
  /** What the listing says; nothing where it is null. */
  readonly listedAs?: string | null;
}

/** A registry of a few repositories, each with referrers in the order that they are given, and what was asked of it. */
function registryOf(repositories: Readonly<Record<string, readonly Held[]>>) {
  const asked: string[] = [];
  const unknown = () => new AppError('MANIFEST_UNKNOWN', 'unknown');
  const registry: CollectDeps['registry'] = {
    listReferrers: ({ repository }, { maxDescriptors }) => {
      asked.push(`list ${repository}`);
      const all = (repositories[repository] ?? []).filter(({ tag }) => tag === undefined);
      const descriptors = all.map(({ artifact, listedAs = MediaType.sigstoreBundle }): Descriptor => ({
        ...{ mediaType: MediaType.ociManifest, digest: artifact.digest, size: artifact.bytes.byteLength },
        ...(listedAs !== null && { artifactType: listedAs }),
      }));
      return Promise.resolve({
        descriptors: descriptors.slice(0, maxDescriptors),
        truncated: all.length > maxDescriptors,
      });
    },
    fetchManifest: (_registry, repository, reference) => {
      asked.push(`manifest ${repository} ${reference}`);
      const held = (repositories[repository] ?? []).find(
        ({ artifact, tag }) => artifact.digest === reference || tag === reference,
      );
      if (held === undefined) return Promise.reject(unknown());
      const { bytes, mediaType, digest } = held.artifact;
      return Promise.resolve({ bytes, mediaType, digest });
    },
    fetchBlob: ({ repository }, { digest }) => {
      const blobs = (repositories[repository] ?? []).flatMap(({ artifact }) => artifact.blobs);
      const found = blobs.find(({ bytes }) => digestOf(bytes) === digest);
      return found === undefined ? Promise.reject(unknown()) : Promise.resolve(found.bytes);
    },
  };
  return { deps: { registry }, asked };
}

/** Another one each time, as ECDSA is. */
const bundle = () => signBundle(image, keys);
const many = (count: number) => Array.from({ length: count }, () => ({ artifact: bundle() }));
const collect = (held: readonly Held[], more: object = {}) =>
  collectSignatures(key, { subject, ...more }, registryOf({ app: held }).deps);

describe('what is looked at as a signature', () => {
  it('is told by its own manifest where the listing says nothing', async () => {
    const artifact = bundle();
    const found = await collect([{ artifact, listedAs: null }]);
    expect(found.candidates.map(({ manifestDigest }) => manifestDigest)).toEqual([artifact.digest]);
  });

  it('is not fetched where the listing says that it is something else', async () => {
    const { deps, asked } = registryOf({ app: [{ artifact: bundle(), listedAs: MediaType.sarif }] });
    expect((await collectSignatures(key, { subject }, deps)).candidates).toEqual([]);
    // The tag of the old form, and nothing else.
    expect(asked).toEqual(['list app', `manifest app sha256-${hexOf(image.digest)}.sig`]);
  });

  it('has its place whatever number of marks there is', async () => {
    const marks = Array.from({ length: 2000 }, () => ({ artifact: bundle(), listedAs: MediaType.cyclonedx }));
    const good = bundle();
    const found = await collect([...marks, { artifact: good }]);
    expect(found).toMatchObject({ truncated: false, candidates: [{ manifestDigest: good.digest }] });
  });

  it('is bounded, and says so', async () => {
    expect(await collect(many(MAX_CANDIDATES))).toMatchObject({ truncated: false });
    const found = await collect(many(MAX_CANDIDATES + 1));
    expect([found.candidates.length, found.truncated]).toEqual([MAX_CANDIDATES, true]);
  });

  it('ends with a thousand hostile ones, after so many fetches and no more', async () => {
    const { deps, asked } = registryOf({ app: many(1000) });
    expect(await collectSignatures(key, { subject }, deps)).toMatchObject({ truncated: true });
    expect(asked.length).toBeLessThan(MAX_CANDIDATES + 10);
  });

  it('is bounded by what its manifests hold, too', async () => {
    const large = (n: number): Held => ({ artifact: signatureOf(n, { padding: 'x'.repeat(1_000_000) }) });
    const { deps, asked } = registryOf({ app: Array.from({ length: 50 }, (_, n) => large(n)) });
    const found = await collectSignatures(key, { subject }, deps);
    expect(found).toMatchObject({ truncated: true });
    expect(found.candidates.length).toBeLessThan(20);
    expect(asked.length).toBeLessThan(30);
  });

  it('loses nothing to another one that says that it is larger than is looked at', async () => {
    const good = bundle();
    const found = await collect([{ artifact: signatureOf(0, {}, 2 ** 40) }, { artifact: good }]);
    expect(found.truncated).toBe(true);
    const payloads = found.candidates.find(({ manifestDigest }) => manifestDigest === good.digest)?.payloads;
    expect(payloads).toHaveLength(1);
  });

  it('is bounded too where a thousand referrers do not say what they are', async () => {
    const { deps, asked } = registryOf({
      app: Array.from({ length: 1000 }, (_, n) => ({ artifact: notSigned(n), listedAs: null })),
    });
    expect(await collectSignatures(key, { subject }, deps)).toMatchObject({ truncated: true, candidates: [] });
    expect(asked.length).toBeLessThan(510);
  });

  it('is bounded too where a thousand are listed as what they are not', async () => {
    const held = Array.from({ length: 1000 }, (_, n) => ({ artifact: notSigned(n), listedAs: MediaType.ociEmpty }));
    const { deps, asked } = registryOf({ app: held });
    expect(await collectSignatures(key, { subject }, deps)).toMatchObject({ truncated: true, candidates: [] });
    expect(asked.length).toBeLessThan(510);
  });

  it('counts the bytes of manifests, whatever they turn out to be', async () => {
    const held = Array.from({ length: 40 }, (_, n) => {
      const artifact = notSigned(n);
      const bytes = Buffer.concat([artifact.bytes, Buffer.alloc(1024 * 1024, ' ')]);
      return { artifact: { ...artifact, bytes, digest: digestOf(bytes) }, listedAs: null };
    });
    const { deps, asked } = registryOf({ app: held });
    expect(await collectSignatures(key, { subject }, deps)).toMatchObject({ truncated: true });
    expect(asked.length).toBeLessThan(30);
  });

  it('comes in the same order whichever answer comes first', async () => {
    const held = many(20);
    const digests = (await collect(held)).candidates.map(({ manifestDigest }) => manifestDigest);
    expect(digests).toEqual(digests.toSorted());
    expect((await collect(held.toReversed())).candidates.map(({ manifestDigest }) => manifestDigest)).toEqual(digests);
  });
});

describe('the old form', () => {
  const { artifact, tag } = signLegacy(image, keys, 'r.azurecr.io/app');
  it('is found under its tag', async () => {
    expect((await collect([{ artifact, tag }])).candidates).toMatchObject([{ kind: 'cosign-legacy' }]);
  });
  it('keeps attestations under another tag, which is asked for where they are wanted', async () => {
    const other = { artifact, tag: tag.replace('.sig', '.att') };
    expect((await collect([other])).candidates).toEqual([]);
    expect((await collect([other], { attestations: ['https://slsa.dev/provenance/v1'] })).candidates).toHaveLength(1);
  });
});

describe('what is not wanted', () => {
  it('is not asked for: the tag of the old form where Cosign does not count', async () => {
    const { deps, asked } = registryOf({ app: [] });
    const found = await collectSignatures(key, { subject, cosign: false }, deps);
    expect(asked).toEqual(['list app']);
    expect(found.sought).toEqual(['r.azurecr.io/app referrers']);
    // Later such a tag may turn out to be wanted: it is known that nobody has looked.
    expect(soughtFor(key, {})).toEqual([
      'r.azurecr.io/app referrers',
      `r.azurecr.io/app sha256-${hexOf(image.digest)}.sig`,
    ]);
  });
});

describe('an image that was imported', () => {
  const source = { registry: key.registry, repository: parseRepository('base/app') };
  it('has its signatures where it came from', async () => {
    const artifact = bundle();
    const { deps } = registryOf({ app: [], 'base/app': [{ artifact }] });
    expect((await collectSignatures(key, { subject }, deps)).candidates).toEqual([]);
    const found = await collectSignatures(key, { subject, alsoFrom: [source] }, deps);
    expect(found.candidates.map(({ manifestDigest }) => manifestDigest)).toEqual([artifact.digest]);
  });
  it('shares one bound with the place where it came from', async () => {
    const { deps } = registryOf({ app: many(60), 'base/app': many(120).slice(60) });
    const found = await collectSignatures(key, { subject, alsoFrom: [source] }, deps);
    expect([found.candidates.length, found.truncated]).toEqual([MAX_CANDIDATES, true]);
  });
});

/** A manifest that is no signature. */
function notSigned(n: number): sample.Artifact {
  return sample.makeArtifact({ configType: 'application/vnd.example', config: toBlob(String(n)), layers: [] });
}

/** What names itself a bundle, of any size. */
function signatureOf(n: number, annotations: Readonly<Record<string, string>>, size?: number): sample.Artifact {
  const type = MediaType.sigstoreBundle;
  const artifact = sample.makeArtifact({
    configType: MediaType.ociEmpty,
    config: toBlob('{}'),
    layers: [{ type, blob: toBlob(String(n)), annotations }],
    extra: { artifactType: type },
  });
  if (size === undefined) return artifact;
  const lying = toBlob(Buffer.from(artifact.bytes).toString('utf8').replace('"size":1,', `"size":${size},`));
  return { ...artifact, ...lying };
}
