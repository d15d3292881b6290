import { describe, expect, it } from 'vitest';
import {
  type RevocationAnswer,
  type RevocationContext,
  type RevocationRequest,
  revocationOf,
} from '../../shared/signature/revocation.js';
import {
  type ChainOptions,
  type Made,
  NOW,
  daysFromNow,
  distributionPoints,
  makeChain,
} from '../support/certificates.js';
import * as der from '../support/der.js';
import {
  type CrlOptions,
  type EntryOptions,
  type OcspOptions,
  answered,
  failed,
  makeCrl,
  makeOcsp,
  scope,
} from '../support/revocation-authority.js';

const OCSP = 'http://ocsp.test/';
const LIST = 'http://ca.test/list.crl';
const DELTA = 'http://ca.test/delta.crl';

/** What is at an address: bytes, or nothing. */
type Web = Readonly<Record<string, Uint8Array | undefined>>;

/** Asks, fetches and asks again, as the caller does. */
function judge({ chain }: ReturnType<typeof makeChain>, web: Web, context: Partial<RevocationContext> = {}) {
  const answers = new Map<string, RevocationAnswer>();
  const asked: string[] = [];
  for (;;) {
    const result = revocationOf(chain, { answers, now: NOW, ...context });
    if (result.needs.length === 0) return { outcome: result.outcome, code: result.code, asked };
    for (const need of result.needs) {
      const bytes = web[need.url];
      expect(answers.has(need.id)).toBe(false);
      answers.set(need.id, bytes === undefined ? failed(need) : answered(need, bytes));
      asked.push(need.url);
    }
  }
}

const byOcsp = makeChain({ leaf: { ocsp: [OCSP] } });
const byList = makeChain({ leaf: { crl: [LIST] } });
const byBoth = makeChain({ leaf: { ocsp: [OCSP], crl: [LIST] } });
const ocsp = ({ leaf, intermediate }: typeof byOcsp, options: Partial<OcspOptions> = {}) =>
  makeOcsp({ certificate: leaf, issuer: intermediate, ...options });
const list = ({ intermediate }: typeof byOcsp, options: Partial<CrlOptions> = {}) =>
  makeCrl({ issuer: intermediate, ...options });
const entry = ({ leaf }: { readonly leaf: Made }, options: Partial<EntryOptions> = {}) => ({
  serial: leaf.certificate.serial,
  ...options,
});

describe('revocation', () => {
  it('asks nothing of a chain whose certificates cannot be revoked', () => {
    expect(judge(makeChain(), {})).toEqual({ outcome: 'ok', code: 'NOT_REVOKED', asked: [] });
    // What a root says of itself does not matter.
    expect(judge(makeChain({ root: { ocsp: [OCSP] } }), {})).toMatchObject({ outcome: 'ok' });
  });

  it.each<[string, string, Web, string[]]>([
    ['ok', 'its responder vouches for it', { [OCSP]: ocsp(byBoth) }, [OCSP]],
    [
      'revoked',
      'its responder revokes it, whatever the list says',
      { [OCSP]: ocsp(byBoth, { status: 'revoked' }), [LIST]: list(byBoth) },
      [OCSP],
    ],
    [
      'ok',
      'its responder does not know it, and the list does not name it',
      { [OCSP]: ocsp(byBoth, { status: 'unknown' }), [LIST]: list(byBoth) },
      [OCSP, LIST],
    ],
    [
      'revoked',
      'its responder does not know it, and the list names it',
      { [OCSP]: ocsp(byBoth, { status: 'unknown' }), [LIST]: list(byBoth, { entries: [entry(byBoth)] }) },
      [OCSP, LIST],
    ],
    ['ok', 'its responder is silent, and the list does not name it', { [LIST]: list(byBoth) }, [OCSP, LIST]],
    [
      'revoked',
      'its responder is silent, and the list names it',
      { [LIST]: list(byBoth, { entries: [entry(byBoth)] }) },
      [OCSP, LIST],
    ],
    ['ok', 'its responder talks nonsense', { [OCSP]: Buffer.from('<html>'), [LIST]: list(byBoth) }, [OCSP, LIST]],
    [
      'revoked',
      'its responder vouches for what was, and the list names it',
      { [OCSP]: ocsp(byBoth, { nextUpdate: daysFromNow(-0.5) }), [LIST]: list(byBoth, { entries: [entry(byBoth)] }) },
      [OCSP, LIST],
    ],
    ['unknown', 'both are silent', {}, [OCSP, LIST]],
    ['unknown', 'both talk nonsense', { [OCSP]: Buffer.alloc(3), [LIST]: Buffer.alloc(3) }, [OCSP, LIST]],
  ])('is %s where %s', (outcome, _, web, asked) => {
    expect(judge(byBoth, web)).toMatchObject({ outcome, asked });
  });

  it.each<[string, string, ChainOptions['leaf'], Web]>([
    ['unknown', 'a responder that is not plain http', { ocsp: ['https://ocsp.test/'] }, {}],
    ['unknown', 'a responder at no address', { ocsp: ['http://ocsp\n.test/'] }, {}],
    ['unknown', 'a list that is not plain http', { crl: ['ldap://ca.test/'] }, {}],
    ['unknown', 'a list nowhere', { extensions: [der.extension('2.5.29.31', der.seq(der.seq()))] }, {}],
    ['unknown', 'no list at all', { crl: [] }, {}],
    [
      'unknown',
      'an address that cannot be read',
      { extensions: [der.extension('1.3.6.1.5.5.7.1.1', der.nothing())] },
      {},
    ],
    [
      'unknown',
      'a list of somebody else',
      {
        extensions: [
          der.extension(
            '2.5.29.31',
            der.seq(der.seq(der.context(0, der.context(0, der.uri(LIST))), der.context(2, der.context(4, der.seq())))),
          ),
        ],
      },
      {},
    ],
    ['unknown', 'too many responders', { ocsp: [1, 2, 3, 4, 5, 6, 7, 8, 9].map((n) => `http://o${n}.test/`) }, {}],
    ['unknown', 'too many lists', { crl: [1, 2, 3, 4, 5].map((n) => `http://l${n}.test/`) }, {}],
  ])('is %s with %s', (outcome, _, leaf, web) => {
    expect(judge(makeChain({ leaf: leaf! }), web)).toMatchObject({ outcome, asked: [] });
  });

  it('asks the next responder only where one says nothing', () => {
    const [first, second] = ['http://one.test/', 'http://two.test/'];
    const world = makeChain({ leaf: { ocsp: ['https://no.test/', first, second] } });
    const good = ocsp(world);
    expect(judge(world, { [first]: good })).toMatchObject({ outcome: 'ok', asked: [first] });
    expect(judge(world, { [second]: good })).toMatchObject({ outcome: 'ok', asked: [first, second] });
    const unknown = ocsp(world, { status: 'unknown' });
    expect(judge(world, { [first]: unknown, [second]: good })).toMatchObject({ outcome: 'unknown', asked: [first] });
  });

  it('wants to be cleared by every distribution point, at one of its addresses', () => {
    const [first, second] = ['http://one.test/', 'http://two.test/'];
    const apart = makeChain({ leaf: { crl: [first, second] } });
    expect(judge(apart, { [first]: list(apart), [second]: list(apart) })).toMatchObject({ outcome: 'ok' });
    expect(judge(apart, { [first]: list(apart) })).toMatchObject({ outcome: 'unknown' });
    const names = list(apart, { entries: [entry(apart)] });
    expect(judge(apart, { [second]: names })).toMatchObject({ outcome: 'revoked' });
    const point = der.seq(der.context(0, der.context(0, der.uri('ldap://ca.test/'), der.uri(first), der.uri(second))));
    const together = makeChain({ leaf: { extensions: [der.extension('2.5.29.31', der.seq(point))] } });
    expect(judge(together, { [second]: list(together) })).toMatchObject({ outcome: 'ok', asked: [first, second] });
  });

  it('is that of the worst certificate', () => {
    const upper = 'http://upper.test/';
    const world = makeChain({ leaf: { ocsp: [OCSP] }, intermediate: { ocsp: [upper] } });
    const of = (status: 'good' | 'revoked') =>
      makeOcsp({ certificate: world.intermediate, issuer: world.root, status });
    expect(judge(world, { [OCSP]: ocsp(world), [upper]: of('good') })).toMatchObject({
      outcome: 'ok',
      asked: [OCSP, upper],
    });
    expect(judge(world, { [OCSP]: ocsp(world), [upper]: of('revoked') })).toMatchObject({ outcome: 'revoked' });
    expect(judge(world, { [upper]: of('revoked') })).toMatchObject({ outcome: 'revoked', code: 'CERTIFICATE_REVOKED' });
    expect(judge(world, { [OCSP]: ocsp(world) })).toMatchObject({ outcome: 'unknown', code: 'REVOCATION_UNKNOWN' });
  });

  it('believes no answer of the future, and none without a time', () => {
    for (const at of [new Date(NOW.getTime() + 6 * 60_000).toISOString(), 'yesterday', '']) {
      const needs = revocationOf(byOcsp.chain, { answers: new Map(), now: NOW }).needs as [RevocationRequest];
      const answers = new Map([[needs[0].id, { ...answered(needs[0], ocsp(byOcsp)), at }]]);
      expect(revocationOf(byOcsp.chain, { answers, now: NOW })).toMatchObject({ outcome: 'unknown', needs: [] });
    }
  });
  it('comes out the same years later', () => {
    const [need] = revocationOf(byOcsp.chain, { answers: new Map(), now: NOW }).needs as [RevocationRequest];
    const answers = new Map([[need.id, answered(need, ocsp(byOcsp))]]);
    expect(revocationOf(byOcsp.chain, { answers, now: daysFromNow(2000) })).toMatchObject({ outcome: 'ok' });
  });

  it('lets a signature pass that was certainly made before its certificate became invalid', () => {
    const invalidFrom = daysFromNow(-3);
    const [before, after] = [{ at: daysFromNow(-4) }, { at: daysFromNow(-2) }];
    for (const [world, web] of [
      [byOcsp, { [OCSP]: ocsp(byOcsp, { status: 'revoked', invalidFrom }) }],
      [byList, { [LIST]: list(byList, { entries: [entry(byList, { invalidFrom })] }) }],
      [byList, { [LIST]: list(byList, { entries: [entry(byList, { invalidFrom, reason: 6 })] }) }],
    ] as const) {
      expect(judge(world, web, before)).toMatchObject({ outcome: 'ok' });
      expect(judge(world, web, after)).toMatchObject({ outcome: 'revoked' });
      expect(judge(world, web, { at: invalidFrom })).toMatchObject({ outcome: 'revoked' });
      expect(judge(world, web)).toMatchObject({ outcome: 'revoked' });
    }
    // The day of revocation is another thing.
    const revoked = ocsp(byOcsp, { status: 'revoked' });
    expect(judge(byOcsp, { [OCSP]: revoked }, before)).toMatchObject({ outcome: 'revoked' });
  });
});

describe('a list with changes', () => {
  const world = byList;
  const base = (options: Partial<CrlOptions> = {}) => list(world, { freshest: [DELTA], ...options });
  const delta = (options: Partial<CrlOptions> = {}) => list(world, { number: 6, deltaOf: 5, ...options });
  const at = (days: number, options: Partial<EntryOptions> = {}) => [
    entry(world, { at: daysFromNow(days), ...options }),
  ];
  const [hold, remove] = [{ reason: 6 }, { reason: 8 }];
  const here = scope({ urls: [LIST] });

  it.each<[string, string, CrlOptions['entries'], CrlOptions['entries']]>([
    ['ok', 'neither names it', [], []],
    ['revoked', 'the list names it', at(-2), []],
    ['revoked', 'the changes name it', [], at(-2)],
    ['revoked', 'it is held', at(-2, hold), []],
    ['revoked', 'it has been held since', [], at(-2, hold)],
    ['ok', 'it is not held any more', at(-3, hold), at(-2, remove)],
    ['revoked', 'it is held again', at(-3, hold), [...at(-2, remove), ...at(-1, hold)]],
    ['revoked', 'it was held and is taken back at once', at(-2, hold), at(-2, remove)],
    ['revoked', 'it was taken back before it was held', at(-2, hold), at(-3, remove)],
    ['revoked', 'it was revoked, which cannot be taken back', at(-3), at(-2, remove)],
    ['unknown', 'the list takes back', at(-2, remove), []],
  ])('is %s where %s', (outcome, _, entries, changes) => {
    const web = { [LIST]: base({ entries: entries! }), [DELTA]: delta({ entries: changes! }) };
    expect(judge(world, web)).toMatchObject({ outcome });
  });

  it.each<[string, string, Partial<CrlOptions>, Partial<CrlOptions> | undefined]>([
    ['ok', 'of the same number', {}, { number: 5 }],
    ['ok', 'of the same scope', { scope: here }, { scope: here }],
    ['unknown', 'that do not come', {}, undefined],
    ['unknown', 'of an earlier number', {}, { number: 4, deltaOf: 3 }],
    ['unknown', 'since a later list', {}, { number: 8, deltaOf: 6 }],
    ['unknown', 'that are a whole list', {}, { number: 6, deltaOf: undefined as never }],
    ['unknown', 'without a number', {}, { number: false }],
    ['unknown', 'of a list without a number', { number: false }, {}],
    ['unknown', 'of another scope', {}, { scope: here }],
    ['unknown', 'that are over', {}, { nextUpdate: daysFromNow(-0.5) }],
    ['unknown', 'of somebody else', {}, { issuer: makeChain().intermediate }],
    ['unknown', 'of changes', { deltaOf: 4 }, {}],
    ['unknown', 'of a list of some reasons', { scope: scope({ reasons: true }) }, { scope: scope({ reasons: true }) }],
  ])('is %s with changes %s', (outcome, _, options, changes) => {
    expect(judge(world, { [LIST]: base(options), [DELTA]: changes && delta(changes) })).toMatchObject({ outcome });
  });

  it('also has them where the certificate alone tells of them', () => {
    const own = makeChain({ leaf: { crl: [LIST], deltaCrl: [DELTA] } });
    const changes = list(own, { number: 6, deltaOf: 5, entries: [entry(own)] });
    expect(judge(own, { [LIST]: list(own), [DELTA]: changes })).toMatchObject({
      outcome: 'revoked',
      asked: [LIST, DELTA],
    });
    expect(judge(own, { [LIST]: list(own) })).toMatchObject({ outcome: 'unknown' });
    const strange = makeChain({
      leaf: { extensions: [distributionPoints('2.5.29.31', [LIST]), der.extension('2.5.29.46', der.nothing())] },
    });
    expect(judge(strange, { [LIST]: list(strange) })).toMatchObject({ outcome: 'unknown' });
  });
  it('is revoked by a list of some reasons, and not cleared by it', () => {
    const some = { scope: scope({ reasons: true }) };
    expect(judge(world, { [LIST]: list(world, { ...some, entries: [entry(world)] }) })).toMatchObject({
      outcome: 'revoked',
    });
    expect(judge(world, { [LIST]: list(world, some) })).toMatchObject({ outcome: 'unknown' });
  });
});
