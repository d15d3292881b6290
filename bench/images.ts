import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createGzip } from 'node:zlib';
import { type Digest, digestOf } from '../shared/artifact/digest.js';
import { makeImage, alpineFiles } from '../local/sample/image.js';
import { type Layer, makeLayer } from '../local/sample/layer.js';
import type { Artifact } from '../local/sample/image.js';

/** A tiny image: a handful of package records. */
export async function tinyImage(name: string): Promise<Artifact> {
  const files = alpineFiles('3.22.1', [['libcrypto3', 'openssl', '3.5.4-r0']]);
  return makeImage([await makeLayer([...files, { path: 'name', content: name }])]);
}

/** The layer of a whole root file system, as `debootstrap --variant=minbase` makes one. */
export async function systemLayer(root: string): Promise<Layer> {
  const excluded = ['./proc', './sys', './dev'].map((path) => `--exclude=${path}`);
  const tar = spawn('tar', ['-C', root, ...excluded, '--sort=name', '-cf', '-', '.'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const diff = createHash('sha256');
  const gzip = createGzip();
  tar.stdout.on('data', (chunk: Buffer) => diff.update(chunk));
  tar.stdout.pipe(gzip);
  const chunks: Buffer[] = [];
  for await (const chunk of gzip) chunks.push(chunk as Buffer);
  const bytes = Buffer.concat(chunks);
  return { bytes, digest: digestOf(bytes), diffId: `sha256:${diff.digest('hex')}` as Digest };
}

/** An image on that layer, with a small one of its own. */
export async function systemImage(base: Layer, name: string): Promise<Artifact> {
  return makeImage([base, await makeLayer([{ path: 'app/name', content: name }])]);
}
