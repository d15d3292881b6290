import { cp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { packageRoot } from '../../local/environment.js';
import { FIXTURES, type FixtureCase } from '../../local/oracle/case.js';
import { readLayout } from '../../local/oracle/layout.js';
import type { RunTool } from '../../local/oracle/tools.js';
import type { LoginServer } from '../../shared/artifact/login-server.js';
import type { ArtifactKey } from '../../shared/artifact/reference.js';
import { parseRepository } from '../../shared/artifact/repository.js';
import { readTrustDirectory } from '../../shared/config/trust-directory.js';
import { cosignTrust } from '../../shared/signature/cosign/trust.js';
import { readNotationMaterial } from '../../shared/signature/notation/material.js';
import type { SignatureRequirement } from '../../shared/signature/requirement.js';
import { parsePublicKey } from '../../shared/signature/trust.js';
import { digestFrom, pushLayout } from './registry.js';

/** What both sides have to say. */
export type Verdict = 'pass' | 'fail';

/** An image that an official tool has signed, in the registry, with what both sides are told to verify it with. */
export interface SignedImage {
  readonly name: string;
  readonly tool: FixtureCase['tool'];
  readonly expected: Verdict;
  readonly key: ArtifactKey;
  readonly requirement: SignatureRequirement;
  /** Runs the official tool, a process for each verification. */
  readonly askTool: () => Promise<Verdict>;
}

/** Pushes a fixture into a repository of its own. `work` is scratch. */
export async function placeImage(
  name: string,
  { host, run, work }: { readonly host: LoginServer; readonly run: RunTool; readonly work: string },
): Promise<SignedImage> {
  const directory = join(packageRoot(), FIXTURES, name);
  const { tool, image, expected, verify } = JSON.parse(
    await readFile(join(directory, 'case.json'), 'utf8'),
  ) as FixtureCase;
  if (expected === 'inconclusive') throw new Error(`${name} is not for this`);
  await pushLayout(host, name, await readLayout(join(directory, 'layout')));
  const reference = `${host}/${name}@${image}`;
  const key = { registry: host, repository: parseRepository(name), digest: digestFrom(image) };
  const command = async (args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Verdict> => {
    const { exitCode, timedOut } = await run(tool, args, { env });
    if (timedOut || exitCode === undefined) throw new Error(`${tool} did not come to an end`);
    return exitCode === 0 ? 'pass' : 'fail';
  };
  if (tool === 'cosign') {
    const file = join(directory, verify.key ?? '');
    const args = ['verify', '--key', file, '--insecure-ignore-tlog', '--allow-http-registry', reference];
    const requirement = await readRequirement({ tool, place: file, scope: '' });
    return { ...{ name, tool, expected, key, requirement }, askTool: () => command(args) };
  }
  // The same files for both; only the name of the repository is put in.
  const config = join(work, name);
  await cp(join(directory, verify.notationConfig ?? ''), config, { recursive: true });
  const policy = join(config, 'trustpolicy.json');
  const scope = `${host}/${name}`;
  await writeFile(policy, (await readFile(policy, 'utf8')).replaceAll(`"${verify.scope ?? ''}"`, `"${scope}"`));
  return {
    ...{ name, tool, expected, key },
    requirement: await readRequirement({ tool, place: config, scope }),
    askTool: () => command(['verify', '--insecure-registry', reference], { NOTATION_CONFIG: config }),
  };
}

/** Where a trust is kept: a file with Cosign's public key, or a directory with Notation's configuration. */
export interface TrustPlace {
  readonly tool: FixtureCase['tool'];
  readonly place: string;
  /** Of Notation: `registry/repository`. */
  readonly scope: string;
}

/** The trust of a command line, as `lazaret verify` reads it. */
export async function readRequirement({ tool, place, scope }: TrustPlace): Promise<SignatureRequirement> {
  if (tool === 'cosign') {
    const keys = [parsePublicKey('cosign.pub', await readFile(place, 'utf8'))];
    return { require: 'all', cosign: cosignTrust({ keys, transparencyLog: 'ignored' }), attestations: [] };
  }
  const files = new Map([...(await readTrustDirectory(place))].map(([path, bytes]) => [`config/${path}`, bytes]));
  return { require: 'all', notation: { ...readNotationMaterial('config', files), scope }, attestations: [] };
}
