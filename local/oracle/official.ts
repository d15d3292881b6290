import { cp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { FixtureCase } from './case.js';
import type { LayoutRegistry } from './serve-layouts.js';
import type { RunTool, ToolName } from './tools.js';

/** What one tool says of one layout. */
export interface OfficialAnswer {
  readonly verdict: 'pass' | 'fail';
  /** Its last words, on one line. */
  readonly message: string;
}

/** What an official tool is asked about. */
export interface Question {
  readonly fixture: FixtureCase;
  /** Where the case's files are. */
  readonly directory: string;
  /** The repository that serves the layout. */
  readonly repository: string;
  readonly registry: LayoutRegistry;
  readonly run: RunTool;
  /** Scratch of this case alone. */
  readonly work: string;
  /** Where not the case's own. */
  readonly tool?: ToolName;
}

/** Asks the official tool of a case about whatever the registry now serves as its repository. */
export async function askOfficial(question: Question): Promise<OfficialAnswer> {
  const { fixture, run, work } = question;
  const [tool, args, env] =
    fixture.tool === 'notation'
      ? (['notation', notationArgs(question), { NOTATION_CONFIG: await notationConfig(question) }] as const)
      : ([question.tool ?? 'cosign', cosignArgs(question), {}] as const);
  const result = await run(tool, args, { cwd: work, env });
  if (result.timedOut || result.exitCode === undefined) throw new Error(`${tool} did not come to an end`);
  const lines = result.stderr.trim().split('\n');
  // The last word is often that there was no good signature; what was wrong with it was said before.
  const reason =
    lines.findLast((line) => line.includes('failed verification with error')) ??
    lines.findLast((line) => line.startsWith('Error')) ??
    lines.at(-1) ??
    '';
  return { verdict: result.exitCode === 0 ? 'pass' : 'fail', message: reason.replaceAll(/\s+/g, ' ').slice(0, 200) };
}

function notationArgs({ registry, repository, fixture }: Question): readonly string[] {
  return ['verify', '--verbose', '--insecure-registry', `${registry.host}/${repository}@${fixture.image}`];
}

/** A copy of the case's trust policy, in which the scope is the repository that serves it. */
async function notationConfig({ directory, fixture, work, registry, repository }: Question): Promise<string> {
  const { notationConfig: config = 'config', scope = '' } = fixture.verify;
  const copy = join(work, 'notation');
  await rm(copy, { recursive: true, force: true });
  await cp(join(directory, config), copy, { recursive: true });
  const file = join(copy, 'trustpolicy.json');
  const policy = await readFile(file, 'utf8');
  await writeFile(file, policy.replaceAll(`"${scope}"`, `"${registry.host}/${repository}"`));
  return copy;
}

function cosignArgs({ fixture, directory, registry, repository }: Question): readonly string[] {
  const { verify } = fixture;
  const option = (name: string, value: string | undefined) => (value === undefined ? [] : [name, value]);
  const path = (name: string | undefined) => (name === undefined ? undefined : join(directory, name));
  return [
    ...(verify.attestationType === undefined ? ['verify'] : ['verify-attestation', '--type', verify.attestationType]),
    ...option('--key', path(verify.key)),
    ...option('--certificate-identity', verify.certificateIdentity),
    ...option('--certificate-identity-regexp', verify.certificateIdentityRegexp),
    ...option('--certificate-oidc-issuer', verify.certificateOidcIssuer),
    ...option('--trusted-root', path(verify.trustedRoot)),
    ...(verify.insecureIgnoreTlog === true ? ['--insecure-ignore-tlog=true'] : []),
    // Without the log a time stamp is what says when a certificate was used; this tool has to be told.
    ...(verify.insecureIgnoreTlog === true && verify.trustedRoot !== undefined ? ['--use-signed-timestamps'] : []),
    '--allow-http-registry',
    `${registry.host}/${repository}@${fixture.image}`,
  ];
}
