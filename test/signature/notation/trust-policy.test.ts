import { describe, expect, it } from 'vitest';
import { ProblemsError } from '../../../shared/error/app-error.js';
import { parseTrustPolicy, selectStatement } from '../../../shared/signature/notation/trust-policy.js';
import { levelOf } from '../../../shared/signature/notation/trust.js';

type Json = Readonly<Record<string, unknown>>;
const STATEMENT: Json = {
  name: 'ours',
  registryScopes: ['registry.example/team/app'],
  signatureVerification: { level: 'strict' },
  trustStores: ['ca:ours'],
  trustedIdentities: ['x509.subject: C=DE, ST=Hessen, O=Lazaret'],
};
const SKIP: Json = {
  name: 'skipped',
  registryScopes: ['registry.example/x'],
  signatureVerification: { level: 'skip' },
};
const documentOf = (...statements: readonly Json[]) => ({ version: '1.0', trustPolicies: statements });
const parse = (json: unknown) => parseTrustPolicy(Buffer.from(typeof json === 'string' ? json : JSON.stringify(json)));
function problemsOf(json: unknown): readonly string[] {
  try {
    parse(json);
  } catch (error) {
    expect(error).toBeInstanceOf(ProblemsError);
    expect(error).toMatchObject({ code: 'TRUST_POLICY_INVALID' });
    return (error as ProblemsError).problems.map(({ path }) => path);
  }
  return [];
}
const withOurs = (change: Json) => documentOf({ ...STATEMENT, ...change });
const withLevel = (verification: Json) => withOurs({ signatureVerification: { level: 'strict', ...verification } });
const scopesOf = (...registryScopes: readonly string[]) => withOurs({ registryScopes });
const identitiesOf = (...trustedIdentities: readonly string[]) => withOurs({ trustedIdentities });

describe('a trust policy', () => {
  it.each<readonly [why: string, json: unknown, paths: readonly string[]]>([
    ['no JSON', '{', ['']],
    ['a member twice', JSON.stringify(documentOf(STATEMENT)).replace('{', '{"version":"1.0",'), ['']],
    [
      'a member of a statement twice',
      JSON.stringify(documentOf(STATEMENT)).replace('"name"', '"name":"x","name"'),
      [''],
    ],
    ['a list', [], ['']],
    ['another version', { ...documentOf(STATEMENT), version: '1.1' }, ['version']],
    ['no version', { trustPolicies: [STATEMENT] }, ['version']],
    ['a version that is a number', { ...documentOf(STATEMENT), version: 1 }, ['version']],
    ['an unknown member', { ...documentOf(STATEMENT), x: 1 }, ['']],
    ['no statements', documentOf(), ['trustPolicies']],
    ['an unknown member of a statement', withOurs({ trustStore: [] }), ['trustPolicies[0]']],
    ['a member in another case', withOurs({ TrustStores: [] }), ['trustPolicies[0]']],
    ['a global policy of blobs', withOurs({ globalPolicy: true }), ['trustPolicies[0]']],
    ['no name', withOurs({ name: undefined }), ['trustPolicies[0].name']],
    ['an empty name', withOurs({ name: '' }), ['trustPolicies[0].name']],
    ['a name twice', documentOf(STATEMENT, { ...STATEMENT, registryScopes: ['*'] }), ['trustPolicies[1].name']],
    ['no verification', withOurs({ signatureVerification: undefined }), ['trustPolicies[0].signatureVerification']],
    ['no level', withOurs({ signatureVerification: {} }), ['trustPolicies[0].signatureVerification.level']],
    ['an unknown level', withLevel({ level: 'lax' }), ['trustPolicies[0].signatureVerification.level']],
    ['a level in another case', withLevel({ level: 'Strict' }), ['trustPolicies[0].signatureVerification.level']],
    [
      'an override of integrity',
      withLevel({ override: { integrity: 'log' } }),
      ['trustPolicies[0].signatureVerification.override'],
    ],
    [
      'an unknown override',
      withLevel({ override: { subject: 'log' } }),
      ['trustPolicies[0].signatureVerification.override'],
    ],
    [
      'an unknown action',
      withLevel({ override: { expiry: 'ignore' } }),
      ['trustPolicies[0].signatureVerification.override.expiry'],
    ],
    [
      'authenticity skipped',
      withLevel({ override: { authenticity: 'skip' } }),
      ['trustPolicies[0].signatureVerification.override.authenticity'],
    ],
    [
      'timestamps skipped',
      withLevel({ override: { authenticTimestamp: 'skip' } }),
      ['trustPolicies[0].signatureVerification.override.authenticTimestamp'],
    ],
    [
      'expiry skipped',
      withLevel({ override: { expiry: 'skip' } }),
      ['trustPolicies[0].signatureVerification.override.expiry'],
    ],
    [
      'unknown timestamps',
      withLevel({ verifyTimestamp: 'never' }),
      ['trustPolicies[0].signatureVerification.verifyTimestamp'],
    ],
    ['no scopes', scopesOf(), ['trustPolicies[0].registryScopes']],
    ['"*" beside others', scopesOf('*', 'a.example/b'), ['trustPolicies[0].registryScopes[0]']],
    ['a scope twice in a statement', scopesOf('a.example/b', 'a.example/b'), ['trustPolicies[0].registryScopes[1]']],
    [
      'a scope in two statements',
      documentOf(STATEMENT, { ...STATEMENT, name: 'b' }),
      ['trustPolicies[1].registryScopes[0]'],
    ],
    [
      '"*" in two statements',
      documentOf({ ...STATEMENT, registryScopes: ['*'] }, { ...STATEMENT, name: 'b', registryScopes: ['*'] }),
      ['trustPolicies[1].registryScopes[0]'],
    ],
    ['no stores', withOurs({ trustStores: [] }), ['trustPolicies[0].trustStores']],
    ['stores left out', withOurs({ trustStores: undefined }), ['trustPolicies[0].trustStores']],
    ['stores for timestamps alone', withOurs({ trustStores: ['tsa:ours'] }), ['trustPolicies[0].trustStores']],
    ['a store without a type', withOurs({ trustStores: ['ours'] }), ['trustPolicies[0].trustStores[0]']],
    [
      'a store of an unknown type',
      withOurs({ trustStores: ['ca:ours', 'key:ours'] }),
      ['trustPolicies[0].trustStores[1]'],
    ],
    ['a store without a name', withOurs({ trustStores: ['ca:'] }), ['trustPolicies[0].trustStores[0]']],
    [
      'a store in another directory',
      withOurs({ trustStores: ['ca:..', 'ca:a/b'] }),
      ['trustPolicies[0].trustStores[0]', 'trustPolicies[0].trustStores[1]'],
    ],
    ['no identities', identitiesOf(), ['trustPolicies[0].trustedIdentities']],
    ['identities left out', withOurs({ trustedIdentities: undefined }), ['trustPolicies[0].trustedIdentities']],
    [
      '"*" beside identities',
      identitiesOf('*', 'x509.subject: C=DE, ST=a, O=b'),
      ['trustPolicies[0].trustedIdentities'],
    ],
    ['an identity of another kind', identitiesOf('did:example:1'), ['trustPolicies[0].trustedIdentities[0]']],
    [
      'an identity without its mandatory parts',
      identitiesOf('x509.subject: CN=a'),
      ['trustPolicies[0].trustedIdentities[0]'],
    ],
    [
      'an identity that is part of another',
      identitiesOf('x509.subject: C=DE, ST=a, O=b', 'x509.subject: C=DE, ST=a, O=b, OU=c'),
      ['trustPolicies[0].trustedIdentities[0]'],
    ],
    [
      'an identity twice, written in two ways',
      identitiesOf('x509.subject: C=DE, ST=a, O=b', 'x509.subject:O=b,S=a,C=DE'),
      ['trustPolicies[0].trustedIdentities[0]', 'trustPolicies[0].trustedIdentities[1]'],
    ],
    ['skip for everything', documentOf({ ...SKIP, registryScopes: ['*'] }), ['trustPolicies[0].registryScopes']],
    ['skip with stores', documentOf({ ...SKIP, trustStores: ['ca:ours'] }), ['trustPolicies[0].trustStores']],
    ['skip with identities', documentOf({ ...SKIP, trustedIdentities: ['*'] }), ['trustPolicies[0].trustedIdentities']],
    [
      'skip with an override',
      documentOf({ ...SKIP, signatureVerification: { level: 'skip', override: { expiry: 'log' } } }),
      ['trustPolicies[0].signatureVerification.override'],
    ],
  ])('is refused with %s', (_, json, paths) => {
    expect(problemsOf(json)).toEqual(paths);
  });

  it.each([
    'registry.example',
    'registry.example/',
    '/repository',
    'https://registry.example/a',
    'registry.example/a:tag',
    'registry.example/a@sha256:00',
    'registry.example/*',
    '*.example/a',
    'registry.example/A',
    'Registry.example/a',
    'registry.example/a//b',
    'registry.example/a/',
    'registry.example/a..b',
    'registry.example/a___b',
    'registry.example/-a',
    'registry..example/a',
    '-registry.example/a',
    'registry.example:/a',
    'registry.example:80:80/a',
    'registry.example:port/a',
    'registry.example /a',
    '',
    `registry.example/${'a'.repeat(600)}`,
  ])('is refused with the scope "%s"', (scope) => {
    expect(problemsOf(scopesOf(scope))).toEqual(['trustPolicies[0].registryScopes[0]']);
  });

  it.each(['registry.example/a', 'localhost:5000/a/b-c_d__e.f---g', 'local/layout', '127.0.0.1/a', 'a/b'])(
    'takes the scope %s',
    (scope) => {
      expect(problemsOf(scopesOf(scope))).toEqual([]);
    },
  );

  it('tells every problem at once', () => {
    const json = documentOf(
      { ...STATEMENT, trustStores: ['x'], trustedIdentities: ['y'] },
      { ...SKIP, name: 'ours', registryScopes: ['*'] },
    );
    expect(problemsOf(json)).toEqual([
      'trustPolicies[0].trustStores[0]',
      'trustPolicies[0].trustedIdentities[0]',
      'trustPolicies[1].registryScopes',
      'trustPolicies[1].name',
    ]);
  });

  it('is refused where it is too large', () => {
    expect(problemsOf(JSON.stringify(documentOf(STATEMENT)) + ' '.repeat(1024 * 1024))).toEqual(['']);
  });

  it.each([
    ['strict', {}, ['enforced', 'enforced', 'enforced', 'enforced', 'enforced']],
    ['permissive', {}, ['enforced', 'enforced', 'logged', 'logged', 'logged']],
    ['audit', {}, ['enforced', 'logged', 'logged', 'logged', 'logged']],
    ['strict', { expiry: 'log', revocation: 'skip' }, ['enforced', 'enforced', 'enforced', 'logged', 'skipped']],
    [
      'audit',
      { authenticity: 'enforce', authenticTimestamp: 'enforce' },
      ['enforced', 'enforced', 'enforced', 'logged', 'logged'],
    ],
    [
      'permissive',
      { revocation: 'enforce', authenticity: 'log' },
      ['enforced', 'logged', 'logged', 'logged', 'enforced'],
    ],
  ])('has the actions of its level, %s, with %j', (level, override, expected) => {
    const [statement] = parse(withLevel({ level, override })).statements;
    const { integrity, authenticity, authenticTimestamp, expiry, revocation } = statement!.actions;
    expect([integrity, authenticity, authenticTimestamp, expiry, revocation]).toEqual(expected);
  });

  it('keeps stores once, and identities as they are meant', () => {
    const json = withOurs({ trustStores: ['ca:a', 'tsa:b', 'ca:a'], trustedIdentities: ['*'] });
    expect(parse(json).statements[0]).toMatchObject({
      stores: ['ca:a', 'tsa:b'],
      identities: '*',
      verifyTimestamp: 'always',
    });
    const identity = new Map([
      ['C', 'DE'],
      ['ST', 'Hessen'],
      ['O', 'Lazaret'],
    ]);
    expect(parse(documentOf(STATEMENT)).statements[0]!.identities).toEqual([identity]);
  });

  it('is selected by the very repository, then by "*", then not at all', () => {
    const all = { ...STATEMENT, name: 'all', registryScopes: ['*'] };
    const policy = parse(documentOf(all, STATEMENT, SKIP));
    expect(selectStatement(policy, 'registry.example/team/app')?.name).toBe('ours');
    for (const scope of [
      'registry.example/team/ap',
      'registry.example/team/app2',
      'registry.example/team/app/x',
      'other.example/team/app',
      '*',
      '',
    ]) {
      expect(selectStatement(policy, scope)?.name, scope).toBe('all');
    }
    expect(selectStatement(parse(documentOf(STATEMENT)), 'registry.example/team')).toBeUndefined();
  });

  it('tells the level of a repository', () => {
    const trust = (scope: string) => ({ scope, policy: parse(documentOf(STATEMENT, SKIP)), stores: new Map() });
    expect(levelOf(trust('registry.example/team/app'))).toBe('strict');
    expect(levelOf(trust('registry.example/x'))).toBe('skip');
    expect(levelOf(trust('registry.example/y'))).toBe('none');
  });
});
