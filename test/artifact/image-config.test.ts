import { describe, expect, it } from 'vitest';
import { digestOf } from '../../shared/artifact/digest.js';
import { parseImageConfig } from '../../shared/artifact/image-config.js';

const layers = (diff_ids: unknown, type = 'layers') => Buffer.from(JSON.stringify({ rootfs: { type, diff_ids } }));

describe('parsing image configurations', () => {
  it('reads what it claims of its layers', () => {
    expect(parseImageConfig(layers([digestOf('a'), digestOf('b')])).diffIds).toEqual([digestOf('a'), digestOf('b')]);
  });
  it.each([
    ['is not JSON', Buffer.from('{')],
    ['is not UTF-8', Buffer.from([0x22, 0xff, 0x22])],
    ['names no layers', Buffer.from('{}')],
    ['is of another kind', layers([], 'tree')],
    ['names a bad digest', layers(['sha256:1'])],
    ['names no list', layers('sha256:1')],
    ['names more layers than are read', layers(Array(1001).fill(digestOf('a')))],
  ])('refuses one that %s', (_, bytes) => {
    expect(() => parseImageConfig(bytes)).toThrow(
      expect.objectContaining({ code: 'CONFIG_MALFORMED', retryable: false }),
    );
  });
});
