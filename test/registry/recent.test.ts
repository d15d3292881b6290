import { describe, expect, it } from 'vitest';
import { imageOf } from '../../local/sample/image.js';
import { parseRepository } from '../../shared/artifact/repository.js';
import { parseTag } from '../../shared/artifact/tag.js';
import { createRecent } from '../../shared/registry/recent.js';
import { LOGIN_SERVER, createTestRegistry } from '../support/registry.js';

const V1 = parseTag('v1');

describe('what is kept', () => {
  it('forgets what was used least recently, and no more', () => {
    const kept = createRecent<number>(2);
    kept.set('a', 1);
    kept.set('b', 2);
    expect(kept.get('a')).toBe(1);
    kept.set('c', 3);
    expect(['a', 'b', 'c'].map(kept.get)).toEqual([1, undefined, 3]);
    kept.set('c', 4);
    expect(['a', 'c'].map(kept.get)).toEqual([1, 4]);
    kept.delete('a');
    expect(kept.get('a')).toBeUndefined();
  });
});

describe('tokens', () => {
  it('are asked for once for each repository, however many there are', async () => {
    const registry = await createTestRegistry(() => new Date('2026-06-01T12:00:00Z'));
    const image = await imageOf([{ path: 'a', content: 'a' }]);
    const repositories = Array.from({ length: 250 }, (_, i) => parseRepository(`team/app-${i}`));
    for (const repository of repositories) await registry.push(image, repository, { tag: V1 });
    const tokens = () => registry.requests.filter((each) => each === 'POST /oauth2/token').length;
    const walk = async () => {
      for (const repository of repositories) {
        await registry.client.repositoryUpdatedAt(LOGIN_SERVER, repository);
        await registry.client.pullState(LOGIN_SERVER, repository, V1);
      }
    };
    const before = tokens();
    await walk();
    expect(tokens() - before).toBe(2 * repositories.length);
    await walk();
    expect(tokens() - before).toBe(2 * repositories.length);
  });
});
