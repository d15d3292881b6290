import type { Problem } from '../../error/app-error.js';
import { isPartOf, parseIdentity } from './identity.js';
import type { WrittenStatement } from './trust-policy.js';
import { toStoreName } from './trust-store.js';

/** What a form cannot say of a trust policy: the constraints of Notation's specification, and where each one is broken. */
export function problemsOf(statements: readonly WrittenStatement[]): readonly Problem[] {
  return [...statements.flatMap(ofStatement), ...ofNames(statements), ...ofScopes(statements)];
}

function ofStatement(statement: WrittenStatement, index: number): readonly Problem[] {
  const { signatureVerification, trustStores = [], trustedIdentities = [] } = statement;
  const { level, override } = signatureVerification;
  const problem = (path: string, message: string): Problem => ({ path: `trustPolicies[${index}].${path}`, message });
  if (level === 'skip') {
    return [
      ...(override === undefined
        ? []
        : [problem('signatureVerification.override', 'with level skip there is nothing to override')]),
      ...(trustStores.length === 0 ? [] : [problem('trustStores', 'with level skip nothing is trusted; leave it out')]),
      ...(trustedIdentities.length === 0
        ? []
        : [problem('trustedIdentities', 'with level skip nobody is trusted; leave it out')]),
      ...(statement.registryScopes.includes('*')
        ? [problem('registryScopes', 'level skip wants repositories by name, not "*"')]
        : []),
    ];
  }
  return [
    ...ofStores(trustStores).map(([path, message]) => problem(path, message)),
    ...ofIdentities(trustedIdentities).map(([path, message]) => problem(path, message)),
  ];
}

type Found = readonly [path: string, message: string];

function ofStores(stores: readonly string[]): readonly Found[] {
  const names = stores.map(toStoreName);
  const wrong = names.flatMap((name, at): readonly Found[] =>
    name === undefined ? [[`trustStores[${at}]`, 'is no ca:NAME, signingAuthority:NAME or tsa:NAME']] : [],
  );
  // A store for timestamps vouches for no signer.
  const vouching = names.some((name) => name !== undefined && !name.startsWith('tsa:'));
  return vouching || wrong.length > 0 ? wrong : [['trustStores', 'names no store of type ca or signingAuthority']];
}

function ofIdentities(identities: readonly string[]): readonly Found[] {
  if (identities.length === 0) return [['trustedIdentities', 'names nobody; "*" is anybody whom the stores vouch for']];
  if (identities.includes('*')) {
    return identities.length === 1 ? [] : [['trustedIdentities', '"*" stands alone']];
  }
  const parsed = identities.map(parseIdentity);
  const wrong = parsed.flatMap((identity, at): readonly Found[] =>
    typeof identity === 'string' ? [[`trustedIdentities[${at}]`, identity]] : [],
  );
  const overlapping = parsed.flatMap((identity, at): readonly Found[] => {
    if (typeof identity === 'string') return [];
    const other = parsed.findIndex(
      (each, index) => index !== at && typeof each !== 'string' && isPartOf(identity, each),
    );
    return other === -1 ? [] : [[`trustedIdentities[${at}]`, `says what trustedIdentities[${other}] says as well`]];
  });
  return [...wrong, ...overlapping];
}

function ofNames(statements: readonly WrittenStatement[]): readonly Problem[] {
  const names = statements.map(({ name }) => name);
  return names.flatMap((name, index) =>
    names.indexOf(name) === index
      ? []
      : [{ path: `trustPolicies[${index}].name`, message: 'is the name of another one' }],
  );
}

function ofScopes(statements: readonly WrittenStatement[]): readonly Problem[] {
  const seen = new Set<string>();
  return statements.flatMap(({ registryScopes }, index) =>
    registryScopes.flatMap((scope, at): readonly Problem[] => {
      const path = `trustPolicies[${index}].registryScopes[${at}]`;
      if (seen.has(scope)) return [{ path, message: 'is in the scopes already' }];
      seen.add(scope);
      if (scope === '*') return registryScopes.length === 1 ? [] : [{ path, message: '"*" stands alone' }];
      return isScope(scope) ? [] : [{ path, message: 'is no registry/repository, in lower case and without a tag' }];
    }),
  );
}

/**
 * `registry/repository` of the OCI distribution specification. Registries are compared as they are written, so one in upper
 * case would match nothing, and the repository would be judged by another statement.
 */
function isScope(scope: string): boolean {
  const [registry = '', ...repository] = scope.split('/');
  const [host = '', port, ...more] = registry.split(':');
  return (
    scope.length <= 512 &&
    more.length === 0 &&
    (port === undefined || /^[0-9]{1,5}$/.test(port)) &&
    host.split('.').every((label) => /^[a-z0-9-]+$/.test(label) && !label.startsWith('-') && !label.endsWith('-')) &&
    repository.length > 0 &&
    repository.every((part) => /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$/.test(part))
  );
}
