import { z } from 'zod';
import { type Problem, ProblemsError } from '../../error/app-error.js';
import { parseJson } from '../encoding/json.js';
import type { Check } from '../result.js';
import { type Identity, parseIdentity } from './identity.js';
import { problemsOf } from './trust-policy-rules.js';
import { type StoreName, toStoreName } from './trust-store.js';

/** How much of a signature has to hold; `skip` asks for none. */
export type TrustLevel = 'strict' | 'permissive' | 'audit' | 'skip';

/** The checks that a policy knows. */
export const POLICY_CHECKS = ['integrity', 'authenticity', 'authenticTimestamp', 'expiry', 'revocation'] as const;
export type PolicyCheck = (typeof POLICY_CHECKS)[number];

/** One statement of a trust policy. */
export interface TrustStatement {
  readonly name: string;
  /** `registry/repository`, or a single `*`. */
  readonly scopes: readonly string[];
  readonly level: TrustLevel;
  /** Of the level, with what overrides it. */
  readonly actions: Readonly<Record<PolicyCheck, Check['action']>>;
  /** When a timestamp is looked at, where there is a store for those: always, or once a certificate has expired. */
  readonly verifyTimestamp: 'always' | 'afterCertExpiry';
  /** Each once; none with `skip`. */
  readonly stores: readonly StoreName[];
  /** `*`: whoever the stores vouch for. */
  readonly identities: readonly Identity[] | '*';
}

/** A trust policy, valid as a whole. */
export interface TrustPolicy {
  readonly statements: readonly TrustStatement[];
}

/** The largest trust policy, in bytes. */
export const MAX_TRUST_POLICY_BYTES = 1024 * 1024;

const action = z.enum(['enforce', 'log']);
const strings = z.array(z.string().max(2048)).max(500);
const statementSchema = z.strictObject({
  name: z.string().min(1).max(255),
  registryScopes: strings.min(1),
  signatureVerification: z.strictObject({
    level: z.enum(['strict', 'permissive', 'audit', 'skip']),
    // Integrity is not among them: nothing can be said of a signature that does not hold.
    override: z
      .strictObject({
        authenticity: action.optional(),
        authenticTimestamp: action.optional(),
        expiry: action.optional(),
        revocation: z.enum(['enforce', 'log', 'skip']).optional(),
      })
      .optional(),
    verifyTimestamp: z.enum(['always', 'afterCertExpiry']).optional(),
  }),
  trustStores: strings.optional(),
  trustedIdentities: strings.optional(),
});
const documentSchema = z.strictObject({
  version: z.literal('1.0'),
  trustPolicies: z.array(statementSchema).min(1).max(500),
});
/** A statement as it is written. */
export type WrittenStatement = z.infer<typeof statementSchema>;

const LEVELS = {
  strict: ['enforced', 'enforced', 'enforced', 'enforced', 'enforced'],
  permissive: ['enforced', 'enforced', 'logged', 'logged', 'logged'],
  audit: ['enforced', 'logged', 'logged', 'logged', 'logged'],
  skip: ['skipped', 'skipped', 'skipped', 'skipped', 'skipped'],
} as const satisfies Record<TrustLevel, readonly Check['action'][]>;
const ACTIONS = { enforce: 'enforced', log: 'logged', skip: 'skipped' } as const;

/**
 * Parses `trustpolicy.json`, or `trustpolicy.oci.json`, which has the same form: Notary Project, trust store and trust policy
 * specification. Throws a `ProblemsError` `TRUST_POLICY_INVALID` that has every problem. Unknown and duplicate members are
 * problems: a rule that is misspelt is one that does not hold.
 */
export function parseTrustPolicy(bytes: Uint8Array): TrustPolicy {
  const invalid = (problems: readonly Problem[]) =>
    new ProblemsError('TRUST_POLICY_INVALID', 'The trust policy is not valid:', problems);
  let json: unknown;
  try {
    json = parseJson(bytes, { maxBytes: MAX_TRUST_POLICY_BYTES });
  } catch (cause) {
    throw invalid([{ path: '', message: cause instanceof Error ? cause.message : 'cannot be read' }]);
  }
  const parsed = documentSchema.safeParse(json);
  if (!parsed.success) {
    throw invalid(parsed.error.issues.map(({ path, message }) => ({ path: formatPath(path), message })));
  }
  const problems = problemsOf(parsed.data.trustPolicies);
  if (problems.length > 0) throw invalid(problems);
  return { statements: parsed.data.trustPolicies.map(toStatement) };
}

function toStatement(written: WrittenStatement): TrustStatement {
  const { name, registryScopes, signatureVerification, trustStores = [], trustedIdentities = [] } = written;
  const { level, override = {}, verifyTimestamp = 'always' } = signatureVerification;
  const [integrity, authenticity, authenticTimestamp, expiry, revocation] = LEVELS[level];
  const over = (check: keyof typeof override, usual: Check['action']) => {
    const written = override[check];
    return written === undefined ? usual : ACTIONS[written];
  };
  return {
    name,
    scopes: registryScopes,
    level,
    actions: {
      integrity,
      authenticity: over('authenticity', authenticity),
      authenticTimestamp: over('authenticTimestamp', authenticTimestamp),
      expiry: over('expiry', expiry),
      revocation: over('revocation', revocation),
    },
    verifyTimestamp,
    stores: [...new Set(trustStores.flatMap((store) => toStoreName(store) ?? []))],
    identities: trustedIdentities.includes('*')
      ? '*'
      : trustedIdentities.map(parseIdentity).filter((identity) => typeof identity !== 'string'),
  };
}

/** The statement for a repository, `registry/repository`: the one that names it, then the one for everything, then none. */
export function selectStatement({ statements }: TrustPolicy, scope: string): TrustStatement | undefined {
  return (
    statements.find(({ scopes }) => scope !== '*' && scopes.includes(scope)) ??
    statements.find(({ scopes }) => scopes.includes('*'))
  );
}

function formatPath(path: readonly PropertyKey[]): string {
  return path
    .map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`))
    .join('')
    .replace(/^\./, '');
}
