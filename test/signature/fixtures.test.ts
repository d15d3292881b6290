import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readVerifyOptions } from '../../cli/verify/options.js';
import { verify } from '../../cli/verify.js';
import type { AskAuthorities } from '../../shared/pipeline/judge-signatures.js';
import type { FixtureCase } from '../../local/oracle/case.js';
import { readRevocation } from '../../local/oracle/revocation-host.js';

const FIXTURES = join(import.meta.dirname, '..', 'fixtures', 'signatures');
const cases = readdirSync(FIXTURES)
  .filter((name) => existsSync(join(FIXTURES, name, 'case.json')))
  .map((name) => JSON.parse(readFileSync(join(FIXTURES, name, 'case.json'), 'utf8')) as FixtureCase);

const answers = readRevocation(FIXTURES);
const AT = '2026-11-20T12:00:00.000Z';
/** The authorities of the fixtures, without a network between. */
const askAuthorities: AskAuthorities = async (requests) => {
  const files = await answers;
  return requests.map(({ id, url }) => {
    const bytes = files.get(new URL(url).pathname.slice(1));
    return bytes === undefined
      ? { id, at: AT, outcome: 'failed', code: 'BAD_STATUS' }
      : { id, at: AT, outcome: 'answered', bytes };
  });
};

/** The words of the command for one case. */
function wordsOf({ name, image, verify: options }: FixtureCase): readonly string[] {
  const file = (path: string | undefined) => path && join(FIXTURES, name, path);
  const said = {
    layout: `${join(FIXTURES, name, 'layout')}@${image}`,
    'notation-config': file(options.notationConfig),
    scope: options.scope,
    key: file(options.key),
    'certificate-identity': options.certificateIdentity,
    'certificate-identity-regexp': options.certificateIdentityRegexp,
    'certificate-oidc-issuer': options.certificateOidcIssuer,
    'trusted-root': file(options.trustedRoot),
    at: options.at,
    'allow-host': options.allowHost,
    'attestation-type': options.attestationType,
  };
  const words = Object.entries(said).flatMap(([word, value]) => (value === undefined ? [] : [`--${word}=${value}`]));
  return options.insecureIgnoreTlog === true ? [...words, '--insecure-ignore-tlog'] : words;
}

describe('what the official tools have signed', () => {
  it('is of every kind', () => expect(cases.length).toBeGreaterThan(100));
  it.each(cases)('$name', async (fixture) => {
    let said = '';
    const exit = await verify(
      readVerifyOptions([...wordsOf(fixture), '--json']),
      (text) => (said = text),
      askAuthorities,
    );
    expect(JSON.parse(said), fixture.description).toMatchObject({ verdict: fixture.expected });
    expect(exit).toBe({ pass: 0, fail: 1, inconclusive: 2 }[fixture.expected]);
  });
});
