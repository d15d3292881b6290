import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { digestOf, parseDigest } from '../../shared/artifact/digest.js';
import { parseLoginServer } from '../../shared/artifact/login-server.js';
import { formatKey, parseReference } from '../../shared/artifact/reference.js';
import { parseRepository } from '../../shared/artifact/repository.js';
import { parseReferrersTag, parseTag } from '../../shared/artifact/tag.js';

const DIGEST = digestOf('x');

function codeOf(work: () => unknown): unknown {
  try {
    work();
    return undefined;
  } catch (error) {
    return (error as { code?: unknown }).code;
  }
}

describe('parsing references', () => {
  it.each([
    ['team.azurecr.io/app:v1', { registry: 'team.azurecr.io', repository: 'app', tag: 'v1' }],
    ['127.0.0.1:5000/team-a/app:v1', { registry: '127.0.0.1:5000', repository: 'team-a/app', tag: 'v1' }],
    [`team.azurecr.io/a/b/c@${DIGEST}`, { registry: 'team.azurecr.io', repository: 'a/b/c', digest: DIGEST }],
    [`team.azurecr.io/app:v1@${DIGEST}`, { registry: 'team.azurecr.io', repository: 'app', tag: 'v1', digest: DIGEST }],
  ])('reads %s', (text, expected) => {
    expect(parseReference(text)).toEqual(expected);
  });

  it.each([
    ['', 'INVALID_REFERENCE'],
    ['app', 'INVALID_REFERENCE'],
    ['team.azurecr.io/app', 'INVALID_REFERENCE'],
    ['TEAM.azurecr.io/app:v1', 'INVALID_LOGIN_SERVER'],
    ['https://team.azurecr.io/app:v1', 'INVALID_LOGIN_SERVER'],
    ['user@host/app:v1', 'INVALID_LOGIN_SERVER'],
    ['host:99999/app:v1', 'INVALID_LOGIN_SERVER'],
    ['host/App:v1', 'INVALID_REPOSITORY'],
    ['host/a//b:v1', 'INVALID_REPOSITORY'],
    ['host/../b:v1', 'INVALID_REPOSITORY'],
    [`host/${'a'.repeat(300)}:v1`, 'INVALID_REPOSITORY'],
    ['host/app:', 'INVALID_TAG'],
    ['host/app:v 1', 'INVALID_TAG'],
    [`host/app:${'t'.repeat(129)}`, 'INVALID_TAG'],
    ['host/app@sha256:abc', 'INVALID_DIGEST'],
    [`host/app@${DIGEST.toUpperCase()}`, 'INVALID_DIGEST'],
    [`host/app@sha512:${'a'.repeat(128)}`, 'INVALID_DIGEST'],
  ])('refuses %j with %s', (text, code) => {
    expect(codeOf(() => parseReference(text))).toBe(code);
  });

  it('reads what it writes', () => {
    const part = fc.stringMatching(/^[a-z0-9]{1,8}$/);
    fc.assert(
      fc.property(fc.array(part, { minLength: 1, maxLength: 4 }), fc.string(), (parts, content) => {
        const key = {
          registry: parseLoginServer('team.azurecr.io'),
          repository: parseRepository(parts.join('/')),
          digest: digestOf(content),
        };
        expect(parseReference(formatKey(key))).toEqual(key);
      }),
    );
  });

  it('never lets anything but its own grammar through', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        for (const parse of [parseTag, parseDigest, parseRepository, parseLoginServer] as ((
          text: string,
        ) => string)[]) {
          if (codeOf(() => parse(text)) === undefined) expect(text).toMatch(/^[a-zA-Z0-9._:/-]+$/);
        }
      }),
    );
  });
});

describe('tags of the referrers schemes', () => {
  const hex = DIGEST.slice(7);
  it('knows their subject', () => {
    expect(parseReferrersTag(`sha256-${hex}`)).toEqual({ subjectHex: hex, suffix: undefined });
    expect(parseReferrersTag(`sha256-${hex}.sig`)).toEqual({ subjectHex: hex, suffix: 'sig' });
  });
  it.each(['v1', `sha256-${hex.slice(1)}`, `sha256-${hex}.exe`, `x-sha256-${hex}`])('leaves %s alone', (tag) => {
    expect(parseReferrersTag(tag)).toBeUndefined();
  });
});
