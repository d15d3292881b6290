import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type StoredLayout, pullLayout } from '../../../local/oracle/layout.js';
import { TAG, openWorkshop } from '../../../local/oracle/make/workshop.js';
import { moveSignatures } from '../../../local/oracle/move-signatures.js';
import { push } from '../../../local/sample/push.js';
import { parseDigest } from '../../../shared/artifact/digest.js';
import { type Signers, makeSigners } from './signers.js';

/** A registry on loopback, the official tools, and who signs with them. */
export interface Signing extends Signers {
  readonly registry: string;
  readonly at: (path: string) => string;
  /** Pushes an image that is like no other; its reference by digest. */
  readonly pushImage: (form?: 'image' | 'index') => Promise<string>;
  /** Hangs what signs one image onto another, as whoever may push can. */
  readonly replay: (from: string, to: string) => Promise<void>;
  /** Copies an image with its signatures into another repository; its reference there. */
  readonly copy: (reference: string, repository: string) => Promise<string>;
  readonly close: () => Promise<void>;
}

/** Starts the registry and makes the keys. */
export async function openSigning(): Promise<Signing> {
  const directory = mkdtempSync(join(tmpdir(), 'lazaret-signing-'));
  const at = (path: string) => join(directory, path);
  const signers = await makeSigners(at);
  const workshop = await openWorkshop(at('work'), signers.run);
  const { registry } = workshop;
  const origin = `http://${registry}`;
  const parts = (reference: string) => {
    const [repository = '', digest = ''] = reference.slice(registry.length + 1).split('@');
    return { repository, digest };
  };
  const layoutOf = (reference: string) => pullLayout(origin, parts(reference).repository, TAG);
  let pushed = 0;
  return {
    ...signers,
    registry,
    at,
    pushImage: (form) => workshop.pushImage(`team/app-${(pushed += 1)}`, form),
    replay: async (from, to) =>
      store(moveSignatures(await layoutOf(from), await layoutOf(to)), origin, parts(to).repository),
    copy: async (reference, repository) => {
      await store(await layoutOf(reference), origin, repository);
      return `${registry}/${repository}@${parts(reference).digest}`;
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
