import { describe, expect, it } from 'vitest';
import * as sample from '../../local/sample/image.js';
import type { Switches } from '../../local/registry/switches.js';
import { parseKey } from '../../shared/artifact/reference.js';
import { parseRepository } from '../../shared/artifact/repository.js';
import { parseTag } from '../../shared/artifact/tag.js';
import { LOGIN_SERVER, createTestRegistry } from '../support/registry.js';

const NOW = () => new Date('2026-06-01T12:00:00Z');
const REPOSITORY = parseRepository('app');
const V1 = parseTag('v1');

async function pushed(switches: Partial<Switches>) {
  const registry = await createTestRegistry(NOW, { switches });
  const image = await sample.imageOf([{ path: 'a', content: 'a' }]);
  await registry.push(image, REPOSITORY, { tag: V1 });
  const key = parseKey({ registry: LOGIN_SERVER, repository: REPOSITORY, digest: image.digest });
  return { registry, client: registry.client, image, key };
}

describe('a registry whose HEAD does not see a lock', () => {
  it('is asked as a client asks, with GET', async () => {
    const { client, key } = await pushed({ readLockedHead: 'served' });
    await client.lock(key);
    expect(await client.pullState(LOGIN_SERVER, REPOSITORY, key.digest)).toEqual({ state: 'refused' });
    expect(await client.pullState(LOGIN_SERVER, REPOSITORY, V1)).toEqual({ state: 'refused' });
  });
});
