import { describe, expect, it } from 'vitest';
import { imageOf } from '../../local/sample/image.js';
import { parseRepository } from '../../shared/artifact/repository.js';
import { parseTag } from '../../shared/artifact/tag.js';
import { createRecent } from '../../shared/artifact/recent.js';
import { LOGIN_SERVER, createTestRegistry } from '../support/registry.js';

const V1 = parseTag('v1');

describe('what is kept', () => {
  it('forgets what was used least recently, and no more', () => {
    const kept = createRecent<number>({ max: 2 });
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

  it('holds so many bytes, and nothing that is larger', () => {
    const kept = createRecent<number>({ max: 10, maxBytes: 10, bytesOf: (value) => value });
    kept.set('a', 4);
    kept.set('b', 6);
    expect(['a', 'b'].map(kept.get)).toEqual([4, 6]);
    kept.set('a', 5);
    expect(['a', 'b'].map(kept.get)).toEqual([5, undefined]);
    kept.set('c', 11);
    kept.set('d', 5);
    expect(['a', 'c', 'd'].map(kept.get)).toEqual([5, undefined, 5]);
    kept.set('a', 11);
    kept.set('e', 5);
    expect(['a', 'd', 'e'].map(kept.get)).toEqual([undefined, 5, 5]);
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
