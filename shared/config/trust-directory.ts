import { lstat, readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError } from '../error/app-error.js';
import { MAX_TRUST_BYTES, MAX_TRUST_FILES } from '../signature/material.js';

/**
 * Reads Notation's configuration directory: its trust policy, and everything below `truststore/`, by their paths within it.
 * A directory that is not there holds nothing. Throws `TRUST_UNREADABLE` for a symbolic link, which the specification of trust
 * stores does not allow, and where it is too large.
 */
export async function readTrustDirectory(directory: string): Promise<ReadonlyMap<string, Uint8Array>> {
  const files = new Map<string, Uint8Array>();
  let bytes = 0;
  const take = async (path: string) => {
    const found = await lstat(join(directory, path)).catch(() => undefined);
    if (found === undefined) return;
    if (found.isSymbolicLink()) throw new AppError('TRUST_UNREADABLE', `${path} is a symbolic link`);
    if (found.isDirectory()) {
      const names = await readdir(join(directory, path));
      for (const name of names.sort()) await take(`${path}/${name}`);
      return;
    }
    bytes += found.size;
    if (!found.isFile() || bytes > MAX_TRUST_BYTES || files.size >= MAX_TRUST_FILES) {
      throw new AppError('TRUST_UNREADABLE', `the trust store is no directory of files, or too large: ${path}`);
    }
    files.set(path, await readFile(join(directory, path)));
  };
  for (const path of ['trustpolicy.oci.json', 'trustpolicy.json', 'truststore']) await take(path);
  return files;
}
