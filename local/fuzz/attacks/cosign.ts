import { generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import { hexOf } from '../../../shared/artifact/digest.js';
import type { SingleManifest } from '../../../shared/artifact/manifest.js';
import type { SignatureEvidence } from '../../../shared/signature/candidate.js';
import { IN_TOTO, preAuthEncoding } from '../../../shared/signature/cosign/envelope.js';
import { COSIGN_SIGN_PREDICATE } from '../../../shared/signature/cosign/statement.js';
import { type CosignTrust, cosignTrust } from '../../../shared/signature/cosign/trust.js';
import { parsePublicKey } from '../../../shared/signature/trust.js';
import { buildEvidence } from '../evidence.js';
import type { Seed } from '../seed.js';
import { type Attack, seedNamed } from './attack.js';
import { makeKeys } from './certificate.js';
import { legacyLayer, repeated, verifyAll, withLayers } from './verify-with.js';

const KIND = {
  'P-256': () => generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey,
  'P-521': () => generateKeyPairSync('ec', { namedCurve: 'P-521' }).publicKey,
  Ed25519: () => generateKeyPairSync('ed25519').publicKey,
} as const;

/** Trust in fixed keys that have signed nothing. */
function strangers(kind: keyof typeof KIND, count: number): CosignTrust {
  const keys = Array.from({ length: count }, (_, at) =>
    parsePublicKey(`${at}.pub`, KIND[kind]().export({ type: 'spki', format: 'pem' }).toString()),
  );
  return cosignTrust({ keys, transparencyLog: 'ignored' });
}

const PLAUSIBLE = {
  'P-256': () => sign('sha256', randomBytes(8), generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey),
  'P-521': () => sign('sha512', randomBytes(8), generateKeyPairSync('ec', { namedCurve: 'P-521' }).privateKey),
  Ed25519: () => sign(null, randomBytes(8), generateKeyPairSync('ed25519').privateKey),
} as const;

interface Flood {
  readonly kind: keyof typeof KIND;
  readonly keys: number;
  readonly manifests: number;
  readonly layers: number;
  /** Bytes of each payload. */
  readonly size: number;
}

/** Manifests of the old form, full of signatures that look like some and are of nobody. */
function flood({ kind, keys, manifests, layers, size }: Flood): Attack {
  return {
    name: `${manifests} manifests of ${layers} signatures over ${size} bytes, ${keys} keys ${kind}`,
    prepare: (seeds) => {
      const seed = seedNamed(seeds, 'cosign-legacy-p-256');
      const [candidate] = buildEvidence(seed).candidates;
      if (candidate === undefined) throw new Error('no candidate');
      const bytes = Buffer.alloc(size, 'x');
      const signature = PLAUSIBLE[kind]();
      const all = Array.from({ length: layers }, () => legacyLayer(bytes, signature));
      const manifest: SingleManifest = { ...candidate.manifest, layers: all };
      const payloads = all.map((descriptor) => ({ descriptor, bytes }));
      const evidence: SignatureEvidence = {
        ...buildEvidence(seed),
        candidates: Array.from({ length: manifests }, () => ({ ...candidate, manifest, payloads })),
      };
      const requirement = { require: 'all', cosign: strangers(kind, keys), attestations: [] } as const;
      return () => verifyAll(seed, evidence, requirement);
    },
  };
}

interface BundleJson {
  readonly verificationMaterial: {
    readonly tlogEntries: readonly unknown[];
    readonly timestampVerificationData?: { readonly rfc3161Timestamps?: readonly unknown[] };
  };
}

/** A bundle with its log entry and its timestamp many times. */
function witnesses(count: number): Attack {
  return {
    name: `a bundle with ${count} entries of logs and as many timestamps`,
    prepare: (seeds) => {
      const seed = seedNamed(seeds, 'cosign-keyless-bundle-both');
      const json = JSON.parse((seed.parts.layers[0] ?? Buffer.alloc(0)).toString('utf8')) as BundleJson;
      const { verificationMaterial: material } = json;
      const many = <Item>(items: readonly Item[] = []) => Array.from({ length: count }, () => items).flat();
      const changed = {
        ...json,
        verificationMaterial: {
          ...material,
          tlogEntries: many(material.tlogEntries),
          timestampVerificationData: {
            rfc3161Timestamps: many(material.timestampVerificationData?.rfc3161Timestamps),
          },
        },
      };
      const full = withLayers(seed, [Buffer.from(JSON.stringify(changed))]);
      return () => verifyAll(full, buildEvidence(full));
    },
  };
}

/** A statement about many images, signed by a trusted key. */
function subjects(count: number): Attack {
  return {
    name: `a signed statement about ${count} images`,
    prepare: (seeds) => {
      const { seed, trust } = ownBundle(seeds, (own) => ({
        _type: 'https://in-toto.io/Statement/v1',
        subject: [
          ...Array.from({ length: count - 1 }, (_, at) => ({ digest: { sha256: at.toString(16).padStart(64, '0') } })),
          { digest: { sha256: hexOf(own.subject.digest) } },
        ],
        predicateType: COSIGN_SIGN_PREDICATE,
        predicate: {},
      }));
      return () => verifyAll(seed, buildEvidence(seed), { require: 'all', cosign: trust, attestations: [] });
    },
  };
}

function ownBundle(seeds: readonly Seed[], statementOf: (seed: Seed) => unknown) {
  const seed = seedNamed(seeds, 'cosign-bundle-p-256');
  const keys = makeKeys();
  const payload = Buffer.from(JSON.stringify(statementOf(seed)));
  const bundle = {
    mediaType: 'application/vnd.dev.sigstore.bundle.v0.3+json',
    verificationMaterial: { publicKey: { hint: 'x' } },
    dsseEnvelope: {
      payload: payload.toString('base64'),
      payloadType: IN_TOTO,
      signatures: [{ sig: sign('sha256', preAuthEncoding(IN_TOTO, payload), keys.privateKey).toString('base64') }],
    },
  };
  const pem = keys.publicKey.export({ type: 'spki', format: 'pem' }).toString();
  const trust = cosignTrust({ keys: [parsePublicKey('own.pub', pem)], transparencyLog: 'ignored' });
  return { seed: withLayers(seed, [Buffer.from(JSON.stringify(bundle))]), trust };
}

/** Bundles as large and as many as are fetched. */
const hugeBundles: Attack = {
  name: '31 bundles of a mebibyte each',
  prepare: (seeds) => {
    const seed = seedNamed(seeds, 'cosign-bundle-p-256');
    const json = JSON.parse((seed.parts.layers[0] ?? Buffer.alloc(0)).toString('utf8')) as {
      dsseEnvelope: { payload: string };
    };
    json.dsseEnvelope.payload = Buffer.alloc(780_000, ' ').toString('base64');
    const evidence = repeated(withLayers(seed, [Buffer.from(JSON.stringify(json))]), 31);
    return () => verifyAll(seed, evidence);
  },
};

/** A bundle that is a mebibyte of members that nobody knows. */
const members: Attack = {
  name: '31 bundles of a mebibyte of members',
  prepare: (seeds) => {
    const seed = seedNamed(seeds, 'cosign-bundle-p-256');
    const text = (seed.parts.layers[0] ?? Buffer.alloc(0)).toString('utf8');
    const more = Array.from({ length: 90_000 }, (_, at) => `"${at.toString(36)}":0`).join(',');
    const evidence = repeated(withLayers(seed, [Buffer.from(text.replace('{', `{${more},`))]), 31);
    return () => verifyAll(seed, evidence);
  },
};

/** What costs the verifier of Cosign's signatures most. */
export const COSIGN_ATTACKS: readonly Attack[] = [
  flood({ kind: 'P-256', keys: 50, manifests: 1, layers: 100, size: 300 }),
  flood({ kind: 'P-521', keys: 50, manifests: 1, layers: 100, size: 300 }),
  flood({ kind: 'Ed25519', keys: 50, manifests: 1, layers: 100, size: 300 }),
  flood({ kind: 'Ed25519', keys: 1, manifests: 1, layers: 100, size: 330_000 }),
  flood({ kind: 'P-521', keys: 50, manifests: 1, layers: 100, size: 330_000 }),
  flood({ kind: 'P-256', keys: 1, manifests: 100, layers: 100, size: 300 }),
  flood({ kind: 'P-256', keys: 10, manifests: 100, layers: 100, size: 300 }),
  witnesses(1),
  witnesses(31),
  witnesses(32),
  witnesses(33),
  subjects(1024),
  subjects(1025),
  subjects(9000),
  hugeBundles,
  members,
];
