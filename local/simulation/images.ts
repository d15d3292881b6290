import type { Digest } from '../../shared/artifact/digest.js';
import { MediaType } from '../../shared/artifact/media-type.js';
import { type Artifact, makeArtifact, makeIndex } from '../sample/image.js';
import { toBlob } from '../sample/layer.js';
import { signBundle, signLegacy } from '../signer/signer.js';
import { SIGNERS } from './setting.js';

/** What is in an image, as far as anybody cares. `late` is found by the second database and later ones alone. */
export const CONTENTS = ['good', 'critical', 'low', 'late', 'secret', 'unrecognised', 'end-of-life', 'broken'] as const;
export type Content = (typeof CONTENTS)[number];

const PLATFORMS = ['amd64', 'arm64', 'riscv64'] as const;

/** How an image says what is in it: the scanner reads it there, and the oracle knows it from the history. */
const CONTENT_TYPE = 'application/vnd.oci.image.layer.v1.tar';

const made = new Map<string, Artifact>();

/** An image with this content; another `serial` is another digest. The same arguments make the same bytes. */
export function imageOf(content: Content, serial: number): Artifact {
  const name = `${content} ${serial}`;
  const known = made.get(name);
  if (known !== undefined) return known;
  const image = makeArtifact({
    configType: MediaType.ociConfig,
    config: toBlob(
      JSON.stringify({
        os: 'linux',
        architecture: 'amd64',
        rootfs: { type: 'layers', diff_ids: [toBlob(name).digest] },
      }),
    ),
    layers: [{ type: CONTENT_TYPE, blob: toBlob(name) }],
    extra: { annotations: { 'io.lazaret.simulation.content': content } },
  });
  made.set(name, image);
  return image;
}

/** What an image's manifest says is in it; undefined for anything that is no image. */
export function contentOf(manifest: Uint8Array): Content | undefined {
  const parsed = JSON.parse(Buffer.from(manifest).toString('utf8')) as { annotations?: Record<string, string> };
  const content = parsed.annotations?.['io.lazaret.simulation.content'];
  return CONTENTS.find((known) => known === content);
}

/** An index of these images, one for each platform. */
export function indexOf(images: readonly Artifact[]): Artifact {
  return makeIndex(
    images.map((image, i) => ({ image, platform: { os: 'linux', architecture: PLATFORMS[i % 3] ?? 'amd64' } })),
  );
}

/** A signature of this artifact, and the tag that it goes under. */
export function signatureOf(
  subject: Artifact,
  { signer, form }: { readonly signer: keyof typeof SIGNERS; readonly form: 'bundle' | 'legacy' },
): { readonly artifact: Artifact; readonly tag: string | undefined } {
  const keys = SIGNERS[signer];
  if (form === 'legacy') return signLegacy(subject, keys, 'simulated');
  return { artifact: signBundle(subject, keys), tag: undefined };
}

/** Trivy's report on an image with this content, made with database number `database`. */
export function reportOn(digest: Digest, content: Content, database: number): unknown {
  const severe = content === 'critical' || (content === 'late' && database > 1);
  const vulnerability = (id: string, severity: string) => ({
    VulnerabilityID: id,
    PkgName: 'openssl',
    InstalledVersion: '1.0',
    Severity: severity,
  });
  const recognised = content !== 'unrecognised';
  return {
    SchemaVersion: 2,
    Trivy: { Version: '0.0.0-simulated' },
    ArtifactType: 'container_image',
    Metadata: {
      OS: recognised ? { Family: 'debian', Name: '12', EOSL: content === 'end-of-life' } : { Family: 'none' },
      RepoDigests: [`simulated@${digest}`],
    },
    Results: [
      {
        Target: 'simulated',
        Class: 'os-pkgs',
        Packages: recognised ? [{ Name: 'openssl' }] : [],
        Vulnerabilities: [
          ...(severe ? ['CRITICAL', 'LOW'].map((severity) => vulnerability('CVE-2026-0001', severity)) : []),
          ...(content === 'low' ? [vulnerability('CVE-2026-0002', 'LOW')] : []),
        ],
      },
      ...(content === 'secret'
        ? [{ Target: 'key.pem', Class: 'secret', Secrets: [{ RuleID: 'private-key', Severity: 'HIGH' }] }]
        : []),
    ],
  };
}

/** What the content alone comes to, by the policy of the simulated world. */
export function verdictOn(content: Content, database: number): 'pass' | 'fail' | 'inconclusive' {
  switch (content) {
    case 'good':
    case 'low':
      return 'pass';
    case 'late':
      return database > 1 ? 'fail' : 'pass';
    case 'critical':
    case 'secret':
    case 'end-of-life':
      return 'fail';
    case 'unrecognised':
    case 'broken':
      return 'inconclusive';
  }
}
