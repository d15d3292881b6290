import { createHash } from 'node:crypto';
import { type Digest, digestOf } from '../artifact/digest.js';
import { AppError, type Problem } from '../error/app-error.js';
import { type SigstoreRoot, parseTrustedRoot } from './cosign/trusted-root.js';
import { type NotationMaterial, readNotationMaterial } from './notation/material.js';
import { type TrustedKey, parsePublicKey } from './trust.js';

/** What is beside a policy, by the names that it uses. */
export interface TrustMaterial {
  readonly keys: ReadonlyMap<string, TrustedKey>;
  readonly roots: ReadonlyMap<string, SigstoreRoot>;
  readonly notation: ReadonlyMap<string, NotationMaterial>;
}

/** Which of it is wanted. */
export interface WantedMaterial {
  readonly keys: readonly string[];
  readonly roots: readonly string[];
  readonly notation: readonly string[];
}

/** Files by their path beside the policy; of a key in a Key Vault its PEM text, by its address. */
export type TrustFiles = ReadonlyMap<string, Uint8Array>;

/** The most bytes of all files together. */
export const MAX_TRUST_BYTES = 1024 * 1024;
/** The most files. */
export const MAX_TRUST_FILES = 500;

/** Fixed keys alone. */
export function materialOfKeys(keys: readonly TrustedKey[]): TrustMaterial {
  return { keys: new Map(keys.map((key) => [key.name, key])), roots: new Map(), notation: new Map() };
}

/** What {@link readTrustMaterial} comes to: everything that can be used, and what is wrong with the rest. */
export interface ReadMaterial {
  readonly material: TrustMaterial;
  /** Identifies all of it: keys by what they are, whatever their files look like; everything else byte for byte. */
  readonly digest: Digest;
  readonly problems: readonly Problem[];
}

/** Parses everything that a policy trusts. Pure; never throws for what the files say. */
export function readTrustMaterial(wanted: WantedMaterial, files: TrustFiles): ReadMaterial {
  const problems: Problem[] = [];
  const readAll = <Value>(names: readonly string[], path: string, read: (name: string) => Value) => {
    const values = new Map<string, Value>();
    for (const name of names) {
      try {
        values.set(name, read(name));
      } catch (error) {
        if (!(error instanceof AppError)) throw error;
        problems.push({ path, message: error.message });
      }
    }
    return values;
  };
  const keys = readAll(wanted.keys, 'signature.cosign.keys', (name) => parsePublicKey(name, textOf(name, files)));
  const roots = readAll(wanted.roots, 'signature.cosign.trustedRoot', (name) => parseTrustedRoot(textOf(name, files)));
  const notation = readAll(wanted.notation, 'signature.notation.config', (name) => readNotationMaterial(name, files));
  const identity = [
    wanted.keys.map((name) => [name, keys.get(name)?.hint]),
    wanted.roots.map((name) => [name, hashOf(files.get(name))]),
    wanted.notation.flatMap((directory) =>
      [...files]
        .filter(([path]) => path.startsWith(`${directory}/`))
        .map(([path, bytes]) => [path, hashOf(bytes)])
        .sort(),
    ),
  ];
  return { material: { keys, roots, notation }, digest: digestOf(JSON.stringify(identity)), problems };
}

/** The text of one file. Throws `TRUST_MISSING` where it is not there, or is no text. */
function textOf(name: string, files: TrustFiles): string {
  const bytes = files.get(name);
  if (bytes === undefined) throw new AppError('TRUST_MISSING', `${name} is not beside the policy`);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new AppError('TRUST_MISSING', `${name} is no text`, { cause });
  }
}

function hashOf(bytes: Uint8Array | undefined): string | undefined {
  return bytes && createHash('sha256').update(bytes).digest('hex');
}
