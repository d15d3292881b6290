import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type StoredLayout, pullLayout } from '../../../local/oracle/layout.js';
import { chainOf, signerBelow, signingConfig } from '../../../local/oracle/make/notation-keys.js';
import { TAG, openWorkshop } from '../../../local/oracle/make/workshop.js';
import { moveSignatures } from '../../../local/oracle/move-signatures.js';
import { getTools, mustRun } from '../../../local/oracle/tools.js';
import { makeArtifact } from '../../../local/sample/image.js';
import { toBlob } from '../../../local/sample/layer.js';
import { push } from '../../../local/sample/push.js';
import { toPem } from '../../../local/sigstore/authority.js';
import { parseDigest } from '../../../shared/artifact/digest.js';
import { MediaType } from '../../../shared/artifact/media-type.js';
import { ROOT } from '../../support/process.js';

/** Signs as the pipeline does, by a key of one of these. A sibling has a certificate of the same authority as ours. */
export interface SignOptions {
  readonly key?: 'ours' | 'other' | 'sibling';
  readonly args?: readonly string[];
}

/** A registry on loopback, the official tools, and who signs with them. */
export interface Signing {
  readonly registry: string;
  /** Cosign's public key and Notation's authority, by their names in `settings/`. */
  readonly trust: Readonly<Record<'cosign.pub' | 'notation-ca.crt', string>>;
  /** The certificate of the one who signs with Notation. */
  readonly signer: string;
  readonly at: (path: string) => string;
  /** Pushes an image that is like no other; its reference by digest. */
  readonly pushImage: (form?: 'image' | 'index') => Promise<string>;
  readonly notation: (reference: string, options?: SignOptions) => Promise<string>;
  readonly cosign: (reference: string, options?: SignOptions) => Promise<string>;
  readonly attest: (reference: string, args: readonly string[]) => Promise<string>;
  /** Hangs what signs one image onto another, as whoever may push can. */
  readonly replay: (from: string, to: string) => Promise<void>;
  /** Copies an image with its signatures into another repository; its reference there. */
  readonly copy: (reference: string, repository: string) => Promise<string>;
  /** Attaches a report, as whoever may push can. */
  readonly attachReport: (reference: string, report: unknown) => Promise<void>;
  readonly close: () => Promise<void>;
}

/** Cosign's form before bundles. */
export const OLD_FORM = '--new-bundle-format=false';
const OFFLINE = ['--use-signing-config=false', '--tlog-upload=false', '--allow-http-registry', '--yes'];

/** Starts the registry and makes the keys. */
export async function openSigning(): Promise<Signing> {
  const directory = mkdtempSync(join(tmpdir(), 'lazaret-signing-'));
  const at = (path: string) => join(directory, path);
  const run = await getTools(at('home'), () => undefined, ROOT);
  for (const name of ['ours', 'other']) {
    await mustRun(run('cosign', ['generate-key-pair', '--output-key-prefix', at(name)]), 'generate-key-pair');
  }
  const { root, authority, signer } = await chainOf('P-256');
  await signingConfig(at('ours'), signer);
  await signingConfig(at('sibling'), await signerBelow(authority, { spec: 'P-256' }));
  await signingConfig(at('other'), (await chainOf('P-256')).signer);
  const workshop = await openWorkshop(at('work'), run);
  const { registry, sign } = workshop;
  const origin = `http://${registry}`;
  const parts = (reference: string) => {
    const [repository = '', digest = ''] = reference.slice(registry.length + 1).split('@');
    return { repository, digest: parseDigest(digest), target: { origin, repository, fetch } };
  };
  const layoutOf = (reference: string) => pullLayout(origin, parts(reference).repository, TAG);
  let pushed = 0;
  return {
    registry,
    trust: { 'cosign.pub': readFileSync(at('ours.pub'), 'utf8'), 'notation-ca.crt': toPem([root.certificate]) },
    signer: toPem([signer.certificate]),
    at,
    pushImage: (form) => workshop.pushImage(`team/app-${(pushed += 1)}`, form),
    notation: (reference, { key = 'ours', args = [] } = {}) =>
      sign('notation', ['sign', '--insecure-registry', ...args, '--key', 'signer', reference], {
        env: { NOTATION_CONFIG: at(key) },
      }),
    cosign: (reference, { key = 'ours', args = [] } = {}) =>
      sign('cosign', ['sign', '--key', at(`${key}.key`), ...OFFLINE, ...args, reference]),
    attest: (reference, args) => sign('cosign', ['attest', '--key', at('ours.key'), ...OFFLINE, ...args, reference]),
    replay: async (from, to) =>
      store(moveSignatures(await layoutOf(from), await layoutOf(to)), origin, parts(to).repository),
    copy: async (reference, repository) => {
      await store(await layoutOf(reference), origin, repository);
      return `${registry}/${repository}@${parts(reference).digest}`;
    },
    attachReport: async (reference, report) => {
      const { digest, target } = parts(reference);
      const image = (await layoutOf(reference)).manifests[0]!;
      const subject = { mediaType: image.mediaType, digest, size: image.bytes.byteLength };
      const layers = [{ type: MediaType.sarif, blob: toBlob(JSON.stringify(report)) }];
      const extra = { artifactType: MediaType.sarif, subject };
      await push(makeArtifact({ configType: MediaType.ociEmpty, config: toBlob('{}'), layers, extra }), target);
    },
    close: async () => {
      await workshop.close();
      rmSync(directory, { recursive: true });
    },
  };
}

async function store({ manifests, blobs }: StoredLayout, origin: string, repository: string): Promise<void> {
  const all = [...blobs].map(([digest, bytes]) => ({ digest: parseDigest(digest), bytes }));
  for (const { tag, digest, mediaType, bytes } of manifests) {
    const artifact = { digest: parseDigest(digest), mediaType, bytes, blobs: all, children: [] };
    await push(artifact, { origin, repository, fetch }, tag === undefined ? {} : { tag });
  }
}
