import { generateKeyPairSync } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Workshop } from './workshop.js';

/** A key of Cosign: an encrypted private one that is thrown away, and the public one. */
export interface CosignKey {
  readonly file: string;
  readonly publicKey: string;
}

/** The kinds of key that Cosign signs with. */
export type KeyKind = 'p-256' | 'p-384' | 'p-521' | 'rsa-2048' | 'rsa-3072' | 'rsa-4096' | 'ed25519';

/** A key pair in Cosign's own form. */
export async function makeKey(shop: Workshop, name: string, kind: KeyKind): Promise<CosignKey> {
  const directory = join(shop.work, 'keys', name);
  await mkdir(directory, { recursive: true });
  const prefix = join(directory, 'cosign');
  if (kind === 'p-256') {
    await shop.sign('cosign', ['generate-key-pair', '--output-key-prefix', prefix]);
  } else {
    const pem = join(directory, 'key.pem');
    await writeFile(pem, generate(kind), { mode: 0o600 });
    await shop.sign('cosign', ['import-key-pair', '--yes', '--key', pem, '--output-key-prefix', prefix]);
  }
  return { file: `${prefix}.key`, publicKey: await readFile(`${prefix}.pub`, 'utf8') };
}

function generate(kind: Exclude<KeyKind, 'p-256'>): string {
  const format = { type: 'pkcs8', format: 'pem' } as const;
  if (kind === 'ed25519') return generateKeyPairSync('ed25519').privateKey.export(format).toString();
  if (kind === 'p-384' || kind === 'p-521') {
    return generateKeyPairSync('ec', { namedCurve: kind.toUpperCase() }).privateKey.export(format).toString();
  }
  return generateKeyPairSync('rsa', { modulusLength: Number(kind.slice(4)) })
    .privateKey.export(format)
    .toString();
}
