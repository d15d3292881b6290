import { gzipSync } from 'node:zlib';
import { pack } from 'tar-stream';
import { type Digest, digestOf } from '../../shared/artifact/digest.js';

/** A file of a layer. */
export interface LayerFile {
  readonly path: string;
  readonly content: string | Uint8Array;
  readonly mode?: number;
}

/** A blob with its digest. */
export interface Blob {
  readonly bytes: Uint8Array;
  readonly digest: Digest;
}

/** A layer: its compressed bytes, and the digest of what is in them. */
export interface Layer extends Blob {
  readonly diffId: Digest;
}

/** Bytes with their digest. */
export function toBlob(bytes: Uint8Array | string): Blob {
  const buffer = Buffer.from(bytes);
  return { bytes: buffer, digest: digestOf(buffer) };
}

/** An uncompressed tar archive of these files; the same files make the same bytes. */
export async function makeTar(files: readonly LayerFile[]): Promise<Uint8Array> {
  const archive = pack();
  const chunks: Buffer[] = [];
  const reading = (async () => {
    for await (const chunk of archive) chunks.push(chunk as Buffer);
  })();
  for (const { path, content, mode } of files) {
    await new Promise<void>((resolve, reject) => {
      const header = { name: path, mode: mode ?? 0o644, mtime: new Date(0) };
      archive.entry(header, Buffer.from(content), (error) => (error ? reject(error) : resolve()));
    });
  }
  archive.finalize();
  await reading;
  return Buffer.concat(chunks);
}

/** A gzipped layer of these files. */
export async function makeLayer(files: readonly LayerFile[]): Promise<Layer> {
  const tar = await makeTar(files);
  return { ...toBlob(gzipSync(tar, { level: 6 })), diffId: digestOf(tar) };
}
