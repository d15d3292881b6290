import { describe, expect, it } from 'vitest';
import type { Identity, RoleMode } from '../../local/registry/roles.js';
import * as sample from '../../local/sample/image.js';
import { signBundle } from '../../local/signer/signer.js';
import { GRANTED } from '../support/granted.js';
import { createLine, onePolicy } from '../support/line.js';
import { BLOB_HOST, LOGIN_SERVER, createTestRegistry, entraToken } from '../support/registry.js';

const NOW = () => new Date('2026-06-01T12:00:00Z');
const repository = (role: 'Reader' | 'Writer' | 'Contributor') => `Container Registry Repository ${role}` as const;
const entra = (name: string, grants: Omit<Identity, 'name' | 'oid'>): Identity => ({ name, oid: name, ...grants });
const DEVELOPER = { name: 'developer', password: 'developer' } as const;

/** What the infrastructure grants, and one who pushes. */
const IDENTITIES: Readonly<Record<RoleMode, readonly Identity[]>> = {
  abac: [
    GRANTED.abac.job,
    GRANTED.abac.app,
    { ...DEVELOPER, roles: [{ role: repository('Writer'), repositoryPrefix: 'app' }] },
  ],
  rbac: [GRANTED.rbac.job, GRANTED.rbac.app, { ...DEVELOPER, roles: [{ role: 'AcrPush' }] }],
};

describe.each(['abac', 'rbac'] as const)('the whole line with the identities that are granted (%s)', (roleMode) => {
  it('scans, verifies, marks, locks, untags and releases, and reaches blob storage without a token', async () => {
    const logged: string[] = [];
    const line = await createLine(
      onePolicy(
        'vulnerabilities: { fail: CRITICAL }\nsignature: { require: any, cosign: { keys: [ci.pub] }, grace: 15m }\nonPush: lock-and-untag',
      ),
      { log: (_, event) => void logged.push(event) },
      {
        roleMode,
        anonymous: false,
        identities: IDENTITIES[roleMode],
        callers: { app: 'app', job: 'job', developer: 'developer' },
        blobOrigin: `https://${BLOB_HOST}`,
        switches: { blobHead: 'redirect' },
      },
    );
    const [good, bad] = [
      await sample.imageOf([{ path: 'a', content: 'good' }]),
      await sample.imageOf([{ path: 'a', content: 'bad' }]),
    ];
    line.answers.set(bad.digest, { vulnerabilities: [{ id: 'CVE-1', severity: 'CRITICAL' }] });
    for (const image of [good, bad]) {
      await line.registry.push(image, 'app', { tag: image === good ? 'good' : 'bad' });
      await line.registry.push(signBundle(image, line.keys), 'app');
    }
    await line.settle();
    const [passes, fails] = [await line.entry('app', good.digest), await line.entry('app', bad.digest)];
    expect([passes?.decision?.verdict, fails?.decision?.verdict]).toEqual(['pass', 'fail']);
    expect(passes?.signature).toMatchObject({ outcome: 'verified' });
    expect([passes?.marks.length, fails?.marks.length]).toEqual([2, 2]);
    expect(fails?.enforcement.state).toBe('quarantined');
    const pulls = await Promise.all([good.digest, bad.digest, 'bad'].map((name) => line.registry.pull('app', name)));
    expect(pulls).toEqual([200, 405, 404]);
    expect(line.registry.blobRequests.length).toBeGreaterThan(0);
    await line.app.release({
      headers: new Headers(),
      query: new URLSearchParams(),
      text: () => Promise.resolve(JSON.stringify({ reference: `${LOGIN_SERVER}/app:bad`, reason: 'needed' })),
    });
    await line.settle();
    expect(await line.registry.pull('app', 'bad')).toBe(200);
    // The sweep lists repositories, which is a right of its own.
    await line.app.reconcile();
    expect(logged.filter((event) => event === 'catalogue-failed' || event === 'repository-failed')).toEqual([]);
  });
});

/** Asks as a client does: challenge, a token for the scope that it names, once more. */
async function ask(
  fetch: typeof globalThis.fetch,
  identity: Identity | undefined,
  [method, path, body]: readonly [string, string, string | undefined],
): Promise<number> {
  const url = `https://${LOGIN_SERVER}${path}`;
  const type = path.startsWith('/acr') ? 'application/json' : 'application/vnd.oci.image.index.v1+json';
  const init = { method, headers: { 'content-type': type }, ...(body !== undefined && { body }) };
  const first = await fetch(url, init);
  if (first.status !== 401) return first.status;
  const challenge = first.headers.get('www-authenticate') ?? '';
  const scope = /scope="([^"]*)"/.exec(challenge)?.[1] ?? '';
  const post = async (door: string, form: Record<string, string>) => {
    const response = await fetch(`https://${LOGIN_SERVER}/oauth2/${door}`, {
      method: 'POST',
      body: new URLSearchParams({ service: LOGIN_SERVER, ...form }).toString(),
    });
    return { status: response.status, json: (await response.json()) as Record<string, string> };
  };
  let grant: Record<string, string> = { grant_type: 'password', refresh_token: '' };
  if (identity?.password !== undefined)
    grant = { grant_type: 'password', username: identity.name, password: identity.password };
  else if (identity !== undefined) {
    const { status, json } = await post('exchange', {
      grant_type: 'access_token',
      access_token: entraToken(identity.oid ?? ''),
    });
    if (status !== 200) return status;
    grant = { grant_type: 'refresh_token', refresh_token: json['refresh_token'] ?? '' };
  }
  const { status, json } = await post('token', { scope, ...grant });
  if (status !== 200) return status;
  const headers = { ...init.headers, authorization: `Bearer ${json['access_token'] ?? ''}` };
  return (await fetch(url, { ...init, headers })).status;
}

const INDEX = JSON.stringify({ schemaVersion: 2, manifests: [] });
const CALLS = {
  pull: ['GET', '/v2/app/manifests/v1', 200],
  referrers: ['GET', `/v2/app/referrers/sha256:${'0'.repeat(64)}`, 200],
  push: ['PUT', '/v2/app/manifests/new', 201],
  upload: ['POST', '/v2/app/blobs/uploads/', 202],
  tags: ['GET', '/acr/v1/app/_tags', 200],
  lock: ['PATCH', '/acr/v1/app/_tags/v1', 200],
  lockRepository: ['PATCH', '/acr/v1/app', 200],
  untag: ['DELETE', '/acr/v1/app/_tags/v1', 202],
  deleteManifest: ['DELETE', '/v2/app/manifests/{digest}', 202],
  deleteRepository: ['DELETE', '/acr/v1/app', 202],
  catalog: ['GET', '/acr/v1/_catalog', 200],
  elsewhere: ['GET', '/v2/other/manifests/v1', 200],
} as const;
type Call = keyof typeof CALLS;

const READS: readonly Call[] = ['pull', 'referrers', 'tags', 'elsewhere'];
const HERE: readonly Call[] = ['pull', 'referrers', 'tags'];
const WRITES: readonly Call[] = ['push', 'upload', 'lock', 'lockRepository', 'untag'];
const DELETES: readonly Call[] = ['deleteManifest', 'deleteRepository'];

const scoped = (scopeMap: Identity['scopeMap']): Identity => ({ name: 'token', password: 'secret', scopeMap });
const TABLE: readonly (readonly [string, RoleMode, Identity | undefined, readonly Call[]])[] = [
  ['the scan job', 'abac', GRANTED.abac.job, READS],
  ['the function app', 'abac', GRANTED.abac.app, [...READS, 'catalog', ...WRITES, ...DELETES]],
  ['the scan job', 'rbac', GRANTED.rbac.job, [...READS, 'catalog']],
  ['the function app', 'rbac', GRANTED.rbac.app, [...READS, 'catalog', ...WRITES, ...DELETES]],
  ['a writer', 'abac', entra('x', { roles: [{ role: repository('Writer') }] }), [...READS, ...WRITES]],
  [
    'a writer of one repository',
    'abac',
    entra('x', { roles: [{ role: repository('Writer'), repositoryPrefix: 'app' }] }),
    [...HERE, ...WRITES],
  ],
  [
    'a writer of another',
    'abac',
    entra('x', { roles: [{ role: repository('Writer'), repositoryPrefix: 'team/' }] }),
    [],
  ],
  [
    'a catalog lister',
    'abac',
    entra('x', { roles: [{ role: 'Container Registry Repository Catalog Lister' }] }),
    ['catalog'],
  ],
  ['AcrPush where roles are by repository', 'abac', entra('x', { roles: [{ role: 'AcrPush' }] }), []],
  ['a writer where they are not', 'rbac', entra('x', { roles: [{ role: repository('Writer') }] }), []],
  ['AcrPush', 'rbac', entra('x', { roles: [{ role: 'AcrPush' }] }), [...READS, 'catalog', 'push', 'upload', 'untag']],
  ['AcrDelete', 'rbac', entra('x', { roles: [{ role: 'AcrDelete' }] }), ['tags', 'untag', ...DELETES]],
  ['a token that reads content', 'rbac', scoped({ app: ['content/read'] }), ['pull', 'referrers']],
  [
    'a token that reads and writes metadata',
    'rbac',
    scoped({ app: ['metadata/read', 'metadata/write'] }),
    ['tags', 'lock', 'lockRepository', 'untag'],
  ],
  ['a token by prefix', 'rbac', scoped({ 'ap*': ['content/read'] }), ['pull', 'referrers']],
  ['an identity without a role', 'rbac', entra('x', {}), []],
  ['somebody with a wrong password', 'rbac', { name: 'developer', password: 'wrong' }, []],
  ['nobody', 'rbac', undefined, []],
];

describe('each identity may do what it is granted, and nothing else', () => {
  it.each(TABLE)('%s (%s)', async (_, roleMode, identity, allowed) => {
    for (const [name, [method, path, status]] of Object.entries(CALLS)) {
      const known = identity === undefined || identity.password === 'wrong' ? [] : [identity];
      const owner: Identity =
        roleMode === 'abac'
          ? { name: 'owner', password: 'owner', roles: [{ role: repository('Contributor') }] }
          : { name: 'owner', password: 'owner', roles: [{ role: 'Contributor' }] };
      const registry = await createTestRegistry(NOW, {
        roleMode,
        anonymous: false,
        identities: [...known, owner],
        callers: { app: 'none', job: 'none', developer: 'owner' },
      });
      const image = await sample.imageOf([{ path: 'a', content: 'a' }]);
      for (const place of ['app', 'other']) await registry.push(image, place, { tag: 'v1' });
      const body = method === 'PATCH' ? '{"readEnabled":false}' : method === 'PUT' ? INDEX : undefined;
      const got = await ask(registry.fetch, identity, [method, path.replace('{digest}', image.digest), body]);
      expect([name, got]).toEqual([name, allowed.includes(name as Call) ? status : 401]);
    }
  });
});
