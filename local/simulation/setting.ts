import { digestOf } from '../../shared/artifact/digest.js';
import { parseLoginServer } from '../../shared/artifact/login-server.js';
import { parseRepository } from '../../shared/artifact/repository.js';
import { parseTag } from '../../shared/artifact/tag.js';
import { parsePolicy } from '../../shared/policy/parse-policy.js';
import type { Policy } from '../../shared/policy/policy.js';
import { materialOfKeys } from '../../shared/signature/material.js';
import { parsePublicKey } from '../../shared/signature/trust.js';
import { namedKeyPair } from './signing.js';

/** Two registries with repositories of the same names. */
export const REGISTRIES = ['one', 'two'].map((name) => ({
  resourceId: `/subscriptions/0/resourcegroups/rg/providers/microsoft.containerregistry/registries/${name}`,
  loginServer: parseLoginServer(`${name}.azurecr.test`),
}));

/** What each repository asks for, as the oracle knows it; {@link POLICIES} say the same to the pipeline. */
export const DEMANDS = {
  'open/app': { action: 'mark', signed: false },
  'tagged/app': { action: 'untag', signed: false },
  'locked/app': { action: 'lock', signed: false },
  'shut/app': { action: 'lock-and-untag', signed: false },
  'signed/app': { action: 'lock-and-untag', signed: true },
} as const;
export type RepositoryName = keyof typeof DEMANDS;

/** The repositories, in every registry. */
export const REPOSITORIES = (Object.keys(DEMANDS) as RepositoryName[]).map((name) => parseRepository(name));

/** The tags that people use. Few, so that they collide. */
export const TAGS = ['v1', 'v2', 'latest'].map(parseTag);

/** In this registry nothing is done beyond marks, whatever the repository. */
export const MARKED_ONLY = { registry: 'two.azurecr.test', repository: 'shut/app' } as const;

/**
 * How long a decision waits: longer than any trouble lasts, so that what meets it has been lost. `short` is for worlds in
 * which the scanner is away for longer than that.
 */
const DEADLINES = { long: '20h', short: '1h' } as const;

const policyText = (deadline: string) => `
version: 1
deadline: ${deadline}
maxAge: 16h
rules:
  - { registry: ${MARKED_ONLY.registry}, repository: "${MARKED_ONLY.repository}", vulnerabilities: { fail: HIGH } }
${Object.entries(DEMANDS)
  .map(([repository, { action, signed }]) =>
    [
      `  - repository: "${repository}"`,
      `    vulnerabilities: { fail: HIGH }`,
      `    onPush: ${action}`,
      ...(signed ? ['    signature: { require: any, cosign: { keys: [ci.pub] }, grace: 15m }'] : []),
    ].join('\n'),
  )
  .join('\n')}
  - repository: "**"
`;

function policyOf(text: string): Policy {
  return { ...parsePolicy(text), digest: digestOf(text), trust: digestOf('keys') };
}

/** The policies of the simulated worlds, by how long they wait. */
export const POLICIES = { long: policyOf(policyText(DEADLINES.long)), short: policyOf(policyText(DEADLINES.short)) };

/** Who may sign, and who signs nonetheless. */
export const SIGNERS = { trusted: namedKeyPair('trusted'), stranger: namedKeyPair('stranger') } as const;

/** What the policy trusts. */
export const MATERIAL = materialOfKeys([parsePublicKey('ci.pub', SIGNERS.trusted.publicKey)]);

/** So few new quarantines an hour that the brake is met; and so many that it never is. */
const FEW = 2;
const ANY = 1_000_000;

/** How many new quarantines an hour there may be: few in one world of four, where sweeps do what was withheld. */
export function limitOf(seed: number, { swept }: { readonly swept: boolean }): number {
  return swept && seed % 4 === 0 ? FEW : ANY;
}

/** Whether the brake is met with this limit. */
export function isBraked(limit: number): boolean {
  return limit === FEW;
}

/** All of a simulation lies within it, so that it is one partition of the journal. */
export const MONTH = '2026-06';
/** Seconds of a day. */
export const DAY = 86_400;
/** How long after the last deed the world is judged: a day of retries, the longest wait, the walk of a day, and more. */
export const REST_SECONDS = DAY + 12 * 3600;
/** How long after the last deed all that was asked for should be done: the longest chain of retries, and more. */
export const CALM_SECONDS = 8 * 3600;
