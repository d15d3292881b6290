import { randomBytes, randomUUID } from 'node:crypto';
import { readFile, rename, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError } from '../../shared/error/app-error.js';
import { type BlobStore, createFileBlobs, createMemoryBlobs } from './blob-store.js';
import { type ChangeLog, createFileLog, createMemoryLog } from './change-log.js';

/** Where a registry keeps its state. */
export interface RegistryStore {
  readonly log: ChangeLog;
  readonly blobs: BlobStore;
  /** Signs tokens, and is kept, so that a client's token outlives a restart as it does in Azure. */
  readonly secret: Uint8Array;
}

/** A store on disk that survives a kill at any moment. Throws `STATE_OUTDATED` for the files of an earlier version. */
export async function createFileStore(directory: string): Promise<RegistryStore> {
  if (await stat(join(directory, 'repositories')).catch(() => undefined)) {
    throw new AppError('STATE_OUTDATED', `${directory} was written by an earlier version; delete it and push again`);
  }
  const blobs = await createFileBlobs(directory);
  const log = await createFileLog(join(directory, 'changes'));
  return { log, blobs, secret: await keepSecret(join(directory, 'token-secret')) };
}

/** A store that is gone with the process. */
export function createMemoryStore(): RegistryStore {
  return { log: createMemoryLog(), blobs: createMemoryBlobs(), secret: randomBytes(32) };
}

async function keepSecret(file: string): Promise<Uint8Array> {
  const known = await readFile(file).catch(() => undefined);
  if (known?.byteLength === 32) return known;
  const secret = randomBytes(32);
  const temporary = `${file}.${randomUUID()}`;
  await writeFile(temporary, secret, { mode: 0o600 });
  await rename(temporary, file);
  return secret;
}
