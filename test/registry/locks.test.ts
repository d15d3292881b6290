import { describe, expect, it } from 'vitest';
import * as sample from '../../local/sample/image.js';
import type { Attributes } from '../../local/registry/state.js';
import type { Switches } from '../../local/registry/switches.js';
import { LOGIN_SERVER, createTestRegistry } from '../support/registry.js';

const NOW = () => new Date('2026-06-01T12:00:00Z');

async function open(switches: Partial<Switches> = {}) {
  const registry = await createTestRegistry(NOW, { switches });
  const image = await sample.imageOf([{ path: 'a', content: 'a' }]);
  const referrer = sample.makeArtifact({
    configType: 'application/vnd.oci.image.config.v1+json',
    config: image.blobs[0]!,
    layers: [],
    extra: { artifactType: 'application/x', subject: { mediaType: image.mediaType, digest: image.digest, size: 1 } },
  });
  await registry.push(image, 'app', { tag: 'v1' });
  await registry.push(image, 'app', { tag: 'v2' });
  const other = await sample.imageOf([{ path: 'a', content: 'other' }]);
  await registry.push(other, 'app', { tag: 'other' });
  const status = async (method: string, path: string, body?: Buffer | string) => {
    const { token } = (await (
      await registry.fetch(`https://${LOGIN_SERVER}/oauth2/token?scope=repository:app:*%20registry:catalog:*`)
    ).json()) as { token: string };
    const type = path.startsWith('/acr') ? 'application/json' : image.mediaType;
    const headers = { authorization: `Bearer ${token}`, 'content-type': type };
    const response = await registry.fetch(`https://${LOGIN_SERVER}${path}`, { method, headers, ...(body && { body }) });
    return { status: response.status, body: method === 'HEAD' ? undefined : ((await response.text()) as unknown) };
  };
  const places = {
    repository: '/acr/v1/app',
    tag: '/acr/v1/app/_tags/v1',
    manifest: `/acr/v1/app/_manifests/${image.digest}`,
  };
  const acts: Readonly<Record<string, () => Promise<{ readonly status: number }>>> = {
    'pull by tag': () => status('GET', '/v2/app/manifests/v1'),
    'pull by digest': () => status('GET', `/v2/app/manifests/${image.digest}`),
    'pull by its other tag': () => status('GET', '/v2/app/manifests/v2'),
    'look by digest': () => status('HEAD', `/v2/app/manifests/${image.digest}`),
    'push of the tag': () => status('PUT', '/v2/app/manifests/v1', Buffer.from(other.bytes)),
    'push under a new tag': () => status('PUT', '/v2/app/manifests/v3', Buffer.from(image.bytes)),
    'push of another image': () => status('PUT', '/v2/app/manifests/v4', Buffer.from(other.bytes)),
    'push of a referrer': () => status('PUT', `/v2/app/manifests/${referrer.digest}`, Buffer.from(referrer.bytes)),
    untag: () => status('DELETE', '/acr/v1/app/_tags/v1'),
    'untag of its other tag': () => status('DELETE', '/acr/v1/app/_tags/v2'),
    'deletion of the manifest': () => status('DELETE', `/v2/app/manifests/${image.digest}`),
    'deletion of the repository': () => status('DELETE', '/acr/v1/app'),
    'change of the tag': () => status('PATCH', places.tag, '{"listEnabled":false}'),
    'change of the manifest': () => status('PATCH', places.manifest, '{"listEnabled":false}'),
    'properties of the manifest': () => status('GET', places.manifest),
  };
  return { status, places, acts };
}

const pulls = ['pull by tag', 'pull by digest', 'pull by its other tag', 'look by digest'];
const everyPush = ['push of the tag', 'push under a new tag', 'push of another image', 'push of a referrer'];
const removals = ['untag', 'untag of its other tag', 'deletion of the manifest', 'deletion of the repository'];

// https://learn.microsoft.com/azure/container-registry/container-registry-image-lock, and the emulator's README
const TABLE: readonly (readonly [
  place: 'repository' | 'tag' | 'manifest',
  lock: keyof Attributes,
  refused: readonly string[],
  switches?: Partial<Switches>,
])[] = [
  ['repository', 'readEnabled', pulls],
  ['repository', 'writeEnabled', [...everyPush, ...removals]],
  [
    'repository',
    'writeEnabled',
    [...everyPush, ...removals, 'change of the tag', 'change of the manifest'],
    { patchInLockedRepository: 'refused' },
  ],
  ['repository', 'deleteEnabled', ['deletion of the repository']],
  ['tag', 'readEnabled', ['pull by tag']],
  ['tag', 'readEnabled', ['pull by tag', 'pull by digest', 'look by digest'], { readLockedTag: 'tag-and-digest' }],
  ['tag', 'writeEnabled', ['push of the tag', 'untag', 'deletion of the manifest', 'deletion of the repository']],
  ['tag', 'deleteEnabled', ['untag', 'deletion of the manifest', 'deletion of the repository']],
  ['tag', 'deleteEnabled', ['untag', 'deletion of the repository'], { deleteWithLockedTag: 'allowed' }],
  ['manifest', 'readEnabled', pulls],
  ['manifest', 'readEnabled', pulls.slice(0, 3), { readLockedHead: 'served' }],
  ['manifest', 'writeEnabled', ['push under a new tag', 'deletion of the manifest', 'deletion of the repository']],
  [
    'manifest',
    'writeEnabled',
    ['deletion of the manifest', 'deletion of the repository'],
    { pushOfWriteLockedDigest: 'allowed' },
  ],
  [
    'manifest',
    'writeEnabled',
    ['push under a new tag', 'push of a referrer', 'deletion of the manifest', 'deletion of the repository'],
    { referrerOfWriteLockedSubject: 'refused' },
  ],
  ['manifest', 'deleteEnabled', ['deletion of the manifest', 'deletion of the repository']],
  ['manifest', 'deleteEnabled', removals, { untagOfLockedManifest: 'refused' }],
];

const rows = TABLE.map(([place, lock, refused, switches]) => [place, lock, refused, switches ?? {}] as const);

describe('a lock refuses what it is documented to refuse, and nothing else', () => {
  it.each(rows)('on the %s, %s off', async (place, lock, refused, switches) => {
    for (const act of Object.keys((await open()).acts)) {
      // Each act meets the lock afresh.
      const { status, places, acts } = await open(switches);
      expect((await status('PATCH', places[place], JSON.stringify({ [lock]: false }))).status).toBe(200);
      const answer = await acts[act]!();
      expect([act, answer.status === 405]).toEqual([act, refused.includes(act)]);
      expect((await status('PATCH', places[place], JSON.stringify({ [lock]: true }))).status).not.toBe(405);
    }
  });

  it('answers with the words of the service', async () => {
    const { status, places } = await open();
    await status('PATCH', places.manifest, '{"readEnabled":false}');
    const { body } = await status('GET', '/v2/app/manifests/v1');
    expect(JSON.parse(String(body))).toEqual({
      errors: [
        {
          code: 'REGISTRY_DISALLOWED_OPERATION',
          message:
            'The operation is disallowed on this registry, repository or image. View troubleshooting steps at https://aka.ms/acr/faq/#why-does-my-pull-or-push-request-fail-with-disallowed-operation',
          detail: {},
        },
      ],
    });
  });

  it('answers 404 for what is read-locked, where the switch says so', async () => {
    const { status, places } = await open({ readLockedStatus: '404' });
    await status('PATCH', places.manifest, '{"readEnabled":false}');
    expect((await status('GET', '/v2/app/manifests/v1')).status).toBe(404);
  });

  it('hides from lists what may not be listed, and gives it to who knows its name', async () => {
    const { status, places } = await open();
    for (const place of Object.values(places)) await status('PATCH', place, '{"listEnabled":false}');
    const lists = ['/v2/_catalog', '/v2/app/tags/list', '/acr/v1/app/_tags', '/acr/v1/app/_manifests'];
    const bodies = await Promise.all(lists.map(async (path) => String((await status('GET', path)).body)));
    expect(JSON.parse(bodies[0]!)).toEqual({ repositories: [] });
    expect(JSON.parse(bodies[1]!)).toEqual({ name: 'app', tags: ['other', 'v2'] });
    expect((JSON.parse(bodies[2]!) as { tags: unknown[] }).tags).toHaveLength(2);
    expect((JSON.parse(bodies[3]!) as { manifests: unknown[] }).manifests).toHaveLength(1);
    for (const path of [...Object.values(places), '/v2/app/manifests/v1'])
      expect((await status('GET', path)).status, path).toBe(200);
  });

  it.each(['', 'null', '[', '{"readEnabled":"no"}'])('refuses the attributes %j', async (body) => {
    const { status, places } = await open();
    expect((await status('PATCH', places.tag, body === '' ? undefined : body)).status).toBe(400);
  });
});
