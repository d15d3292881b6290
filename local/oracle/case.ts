import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';

/** What each of the two sides is told to verify with. File names are relative to the case's directory. */
export interface VerifyWith {
  /** A directory with `trustpolicy.json` and `truststore/`. */
  readonly notationConfig?: string;
  /** `registry/repository`. */
  readonly scope?: string;
  /** A PEM public key. */
  readonly key?: string;
  readonly certificateIdentity?: string;
  readonly certificateIdentityRegexp?: string;
  readonly certificateOidcIssuer?: string;
  readonly trustedRoot?: string;
  readonly insecureIgnoreTlog?: boolean;
  /** RFC 3339. The official tools know only the present. */
  readonly at?: string;
  /** A host that may be asked about revoked certificates. */
  readonly allowHost?: string;
  /** An attestation of this predicate type is wanted, rather than a signature. */
  readonly attestationType?: string;
}

/** A fixture: an image with its signatures, made by an official tool. */
export interface FixtureCase {
  readonly name: string;
  readonly description: string;
  /** The command lines that made it. */
  readonly made: readonly string[];
  /** The digest of the image. */
  readonly image: string;
  readonly tool: 'notation' | 'cosign';
  readonly verify: VerifyWith;
  /** What we have to say. */
  readonly expected: 'pass' | 'fail' | 'inconclusive';
  /** What the official tool said when it was made. */
  readonly official: 'pass' | 'fail';
  /** Why the two differ. */
  readonly why?: string;
}

/** The fixtures below the repository's root. */
export const FIXTURES = join('test', 'fixtures', 'signatures');

/** All fixtures of a directory, by name. */
export async function readCases(directory: string): Promise<readonly FixtureCase[]> {
  const entries = await readdir(directory, { withFileTypes: true });
  const names = entries.filter((entry) => entry.isDirectory() && entry.name !== 'trust').map(({ name }) => name);
  const texts = await Promise.all(names.sort().map((name) => readFile(join(directory, name, 'case.json'), 'utf8')));
  return texts.map((text) => JSON.parse(text) as FixtureCase);
}
