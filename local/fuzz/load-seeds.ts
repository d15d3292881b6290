import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { digestOf, parseDigest } from '../../shared/artifact/digest.js';
import { parseManifest } from '../../shared/artifact/manifest.js';
import { readTrustDirectory } from '../../shared/config/trust-directory.js';
import { parseIdentity } from '../../shared/signature/cosign/identity.js';
import { cosignTrust } from '../../shared/signature/cosign/trust.js';
import { parseTrustedRoot } from '../../shared/signature/cosign/trusted-root.js';
import { readNotationMaterial } from '../../shared/signature/notation/material.js';
import type { SignatureRequirement } from '../../shared/signature/requirement.js';
import type { RevocationAnswer } from '../../shared/signature/revocation.js';
import { parsePublicKey } from '../../shared/signature/trust.js';
import { verifySignatures } from '../../shared/signature/verify-signatures.js';
import { FIXTURES, type FixtureCase, type VerifyWith, readCases } from '../oracle/case.js';
import { type StoredLayout, readLayout } from '../oracle/layout.js';
import { readRevocation } from '../oracle/revocation-host.js';
import { buildEvidence } from './evidence.js';
import type { Parts, Seed } from './seed.js';

/** When the fixtures are verified: after those that expire have done so. */
export const NOW = new Date('2026-12-01T00:00:00Z');
const PREDICATES: Readonly<Record<string, string>> = {
  slsaprovenance: 'https://slsa.dev/provenance/v0.2',
  vuln: 'https://cosign.sigstore.dev/attestation/vuln/v1',
};

/**
 * The signatures in the committed fixtures that verify, each manifest by itself. All of them were made by the official tools.
 * `root` is the repository's. Throws where one that is expected to pass does not.
 */
export async function loadSeeds(root: string): Promise<readonly Seed[]> {
  const fixtures = join(root, FIXTURES);
  const cases = (await readCases(fixtures)).filter(({ expected }) => expected === 'pass');
  const files = await readRevocation(fixtures);
  const seeds = await Promise.all(cases.map((each) => seedsOf(each, join(fixtures, each.name), files)));
  return seeds.flat();
}

async function seedsOf(
  fixture: FixtureCase,
  directory: string,
  files: ReadonlyMap<string, Uint8Array>,
): Promise<readonly Seed[]> {
  const layout = await readLayout(join(directory, 'layout'));
  const trust = await readTrustFiles(fixture.verify, directory);
  const image = layout.manifests.find(({ digest }) => digest === fixture.image);
  if (image === undefined) throw new Error(`${fixture.name} has no image`);
  const digest = parseDigest(image.digest);
  const subject = { digest, mediaType: image.mediaType, size: image.bytes.byteLength };
  const seeds = layout.manifests.flatMap((manifest): readonly Seed[] => {
    const layers = layersOf(manifest, layout);
    if (manifest === image || layers === undefined) return [];
    const parts: Parts = { manifest: Buffer.from(manifest.bytes), layers, trust, answers: new Map(), now: NOW };
    const name = `${fixture.name}/${manifest.digest.slice(7, 13)}`;
    const seed = { name, subject, mediaType: manifest.mediaType, parts, readTrust: reader(fixture.verify) };
    const whole = withAnswers(seed, files);
    return whole === undefined ? [] : [whole];
  });
  if (seeds.length === 0) throw new Error(`${fixture.name} does not verify`);
  return seeds;
}

function layersOf({ bytes, mediaType }: StoredLayout['manifests'][number], { blobs }: StoredLayout) {
  const manifest = parseManifest(bytes, { mediaType });
  if (manifest.form === 'index') return undefined;
  const layers = manifest.layers.map(({ digest }) => Buffer.from(blobs.get(digest) ?? []));
  return layers.every((layer, at) => digestOf(layer) === manifest.layers[at]?.digest) ? layers : undefined;
}

/** The seed with what its authorities say; undefined where it does not verify, as in a fixture with one good signature. */
function withAnswers(seed: Seed, files: ReadonlyMap<string, Uint8Array>): Seed | undefined {
  const requirement = seed.readTrust(seed.parts.trust);
  const answers = new Map<string, RevocationAnswer>();
  const parts = { ...seed.parts, answers };
  for (let round = 0; round < 4; round += 1) {
    const evidence = buildEvidence({ ...seed, parts });
    const { outcome, signatures } = verifySignatures(evidence, requirement, parts.now);
    if (outcome === 'verified') return { ...seed, parts };
    for (const { id, url } of signatures.flatMap(({ needs }) => needs)) {
      const bytes = files.get(new URL(url).pathname.split('/')[1] ?? '');
      const at = NOW.toISOString();
      answers.set(id, bytes ? { id, at, outcome: 'answered', bytes } : { id, at, outcome: 'failed', code: 'NETWORK' });
    }
  }
  return undefined;
}

const IDENTITY = 'identity.json';
const identityShape = z.strictObject({
  subject: z.string().optional(),
  subjectPattern: z.string().optional(),
  issuer: z.string().optional(),
});

/** What there is to trust, as files: an identity too, so that it is mutated like one. */
async function readTrustFiles(verify: VerifyWith, directory: string): Promise<ReadonlyMap<string, Buffer>> {
  const files = new Map<string, Buffer>();
  const { key, trustedRoot, notationConfig } = verify;
  for (const name of [key, trustedRoot]) {
    if (name !== undefined) files.set(name, await readFile(join(directory, name)));
  }
  if (notationConfig !== undefined) {
    for (const [path, bytes] of await readTrustDirectory(join(directory, notationConfig))) {
      files.set(`config/${path}`, Buffer.from(bytes));
    }
  }
  if (verify.certificateOidcIssuer !== undefined) {
    const { certificateIdentity: subject, certificateIdentityRegexp: subjectPattern } = verify;
    const identity = { subject, subjectPattern, issuer: verify.certificateOidcIssuer };
    files.set(IDENTITY, Buffer.from(JSON.stringify(identity)));
  }
  return files;
}

/** Reads trust as the `verify` command does. */
function reader(verify: VerifyWith): Seed['readTrust'] {
  const { key, trustedRoot, notationConfig, scope = '', attestationType } = verify;
  return (files): SignatureRequirement => {
    const text = (name: string) => (files.get(name) ?? Buffer.alloc(0)).toString('utf8');
    if (notationConfig !== undefined) {
      const notation = { ...readNotationMaterial('config', files), scope };
      return { require: 'all', notation, attestations: [] };
    }
    const identity = identityShape.safeParse(files.has(IDENTITY) ? toJson(text(IDENTITY)) : undefined);
    const cosign = cosignTrust({
      keys: key === undefined ? [] : [parsePublicKey(key, text(key))],
      identities: identity.success ? [parseIdentity(identity.data)] : [],
      ...(trustedRoot !== undefined && { trustedRoot: parseTrustedRoot(text(trustedRoot)) }),
      transparencyLog: verify.insecureIgnoreTlog === true ? 'ignored' : 'required',
    });
    const predicateType = PREDICATES[attestationType ?? ''];
    return predicateType === undefined
      ? { require: 'all', cosign, attestations: [] }
      : { require: 'all', attestations: [{ predicateType, cosign }] };
  };
}

/** Our own file: what is no JSON is no identity. */
function toJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
