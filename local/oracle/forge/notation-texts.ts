import { Tag } from 'cbor2';
import { encodeCbor } from '../cbor.js';
import type { Target } from './forged.js';
import { type HeaderEntries, NAMES, epoch } from './notation-envelope.js';

/** A protected header that is signed, and ought not to be. */
export interface HeaderForgery {
  readonly name: string;
  readonly edit: (headers: HeaderEntries, now: Date) => HeaderEntries;
  /** Where an encoder would not write it. */
  readonly bytes?: (headers: HeaderEntries) => Uint8Array;
}

type Name = string | number;
const HOUR = 3_600_000;
const without = (headers: HeaderEntries, name: Name) => headers.filter(([own]) => own !== name);
const put = (headers: HeaderEntries, name: Name, value: unknown): HeaderEntries => [
  ...without(headers, name),
  [name, value],
];
const text = (now: Date, ahead = 0) => new Date(now.getTime() + ahead).toISOString().replace(/\.\d+Z/, 'Z');
const later = (now: Date, ahead: number) => epoch(new Date(now.getTime() + ahead));

const set = (name: string, key: Name, value: unknown): HeaderForgery => ({
  name,
  edit: (headers) => put(headers, key, value),
});
const drop = (name: string, key: Name): HeaderForgery => ({ name, edit: (headers) => without(headers, key) });

/** Of both kinds: by the names of the critical list, and how a time is written. */
function common(crit: Name, time: (now: Date, ahead?: number) => unknown): readonly HeaderForgery[] {
  const { scheme, expiry, authenticTime, plugin } = NAMES;
  const critical = (name: string, list: unknown): HeaderForgery => set(`crit ${name}`, crit, list);
  const forgeries: readonly HeaderForgery[] = [
    critical('with a name that is not there', [scheme, 'example']),
    critical('with a name twice', [scheme, scheme]),
    critical('empty', []),
    critical('a text', scheme),
    critical('with a number of no header', [scheme, 99]),
    critical('with the time', [scheme, NAMES.time]),
    drop('without crit', crit),
    drop('without scheme', scheme),
    set('scheme of an authority, with the time', scheme, 'notary.x509.signingAuthority'),
    set('scheme unknown', scheme, 'notary.example'),
    drop('without time', NAMES.time),
    { name: 'time in the future', edit: (headers, now) => put(headers, NAMES.time, time(now, 24 * HOUR)) },
    { name: 'time long ago', edit: (headers, now) => put(headers, NAMES.time, time(now, -50_000 * HOUR)) },
    { name: 'authentic time besides', edit: (headers, now) => put(headers, authenticTime, time(now)) },
    {
      name: 'authentic time besides, critical',
      edit: (headers, now) => put(put(headers, authenticTime, time(now)), crit, [scheme, authenticTime]),
    },
    {
      name: 'scheme of an authority',
      edit: (headers, now) =>
        put(
          put(put(without(headers, NAMES.time), authenticTime, time(now)), scheme, 'notary.x509.signingAuthority'),
          crit,
          [scheme, authenticTime],
        ),
    },
    { name: 'expiry that is not critical', edit: (headers, now) => put(headers, expiry, time(now, HOUR)) },
    {
      name: 'expiry',
      edit: (headers, now) => put(put(headers, expiry, time(now, HOUR)), crit, [scheme, expiry]),
    },
    {
      name: 'expiry that is over',
      edit: (headers, now) =>
        put(put(put(headers, NAMES.time, time(now, -2 * HOUR)), expiry, time(now, -HOUR)), crit, [scheme, expiry]),
    },
    {
      name: 'expiry before the time',
      edit: (headers, now) => put(put(headers, expiry, time(now, -HOUR)), crit, [scheme, expiry]),
    },
    {
      name: 'plugin, critical',
      edit: (headers) => put(put(headers, plugin, 'example'), crit, [scheme, plugin]),
    },
    { name: 'plugin, not critical', edit: (headers) => put(headers, plugin, 'example') },
    { name: 'unknown, not critical', edit: (headers) => put(headers, 'example', 'example') },
    {
      name: 'unknown, critical',
      edit: (headers) => put(put(headers, 'example', 'example'), crit, [scheme, 'example']),
    },
  ];
  return forgeries;
}

/** Protected headers of JWS. */
export const JWS_HEADERS: readonly HeaderForgery[] = [
  ...common('crit', text),
  set('alg ES384 for a key of P-256', 'alg', 'ES384'),
  set('alg PS256 for a key of P-256', 'alg', 'PS256'),
  set('alg none', 'alg', 'none'),
  set('alg in lower case', 'alg', 'es256'),
  set('alg HS256', 'alg', 'HS256'),
  drop('without alg', 'alg'),
  drop('without cty', 'cty'),
  set('cty of something else', 'cty', 'application/json'),
  set('cty in upper case', 'cty', 'APPLICATION/VND.CNCF.NOTARY.PAYLOAD.V1+JSON'),
  set('b64 false', 'b64', false),
  { name: 'b64 false, critical', edit: (headers) => put(put(headers, 'b64', false), 'crit', [NAMES.scheme, 'b64']) },
  set('typ', 'typ', 'JOSE'),
  set('x5c', 'x5c', []),
  set('jwk', 'jwk', { kty: 'EC' }),
  set('ALG besides', 'ALG', 'none'),
  set('scheme besides in upper case', NAMES.scheme.toUpperCase(), 'notary.example'),
  set('time with a fraction', NAMES.time, '2026-06-01T12:00:00.5Z'),
  set('time with an offset', NAMES.time, '2026-06-01T14:00:00+02:00'),
  set('time in lower case', NAMES.time, '2026-06-01t12:00:00z'),
  set('time with a space', NAMES.time, '2026-06-01 12:00:00Z'),
  set('time a number', NAMES.time, 1_780_000_000),
  set('time of no day', NAMES.time, '2026-02-30T12:00:00Z'),
  set('time empty', NAMES.time, ''),
  {
    name: 'alg twice',
    edit: (headers) => headers,
    bytes: (headers) => Buffer.from(JSON.stringify(Object.fromEntries(headers)).replace('{', '{"alg":"none",')),
  },
  {
    name: 'with spaces',
    edit: (headers) => headers,
    bytes: (headers) => Buffer.from(JSON.stringify(Object.fromEntries(headers), null, 2)),
  },
  {
    name: 'with bytes behind it',
    edit: (headers) => headers,
    bytes: (headers) => Buffer.from(`${JSON.stringify(Object.fromEntries(headers))}{}`),
  },
];

/** Protected headers of COSE. */
export const COSE_HEADERS: readonly HeaderForgery[] = [
  ...common(2, (now, ahead = 0) => later(now, ahead)),
  set('alg of P-384 for a key of P-256', 1, -35),
  set('alg of RSA for a key of P-256', 1, -37),
  set('alg a text', 1, 'ES256'),
  drop('without alg', 1),
  drop('without content type', 3),
  set('content type of something else', 3, 'application/json'),
  set('content type a number', 3, 50),
  set('time a text', NAMES.time, '2026-06-01T12:00:00Z'),
  set('time a text, tagged', NAMES.time, new Tag(0, '2026-06-01T12:00:00Z')),
  set('time a number without tag', NAMES.time, 1_780_000_000),
  set('time with a fraction', NAMES.time, new Tag(1, 1_780_000_000.5)),
  set('x5chain', 33, [Buffer.from('junk')]),
  set('key identifier', 4, Buffer.from('example')),
  set('scheme by its bytes', NAMES.scheme, Buffer.from('notary.x509')),
  {
    name: 'critical by its number',
    edit: (headers) => put(headers, 2, [NAMES.scheme, 3]),
  },
  {
    name: 'alg twice',
    edit: (headers) => headers,
    bytes: (headers) => mapOf([...headers, [1, -7]]),
  },
  {
    name: 'scheme twice, the first another',
    edit: (headers) => headers,
    bytes: (headers) => mapOf([[NAMES.scheme, 'notary.example'], ...headers]),
  },
  {
    name: 'of no fixed length',
    edit: (headers) => headers,
    bytes: (headers) => Buffer.concat([Buffer.from([0xbf]), mapOf(headers).subarray(1), Buffer.from([0xff])]),
  },
  {
    name: 'with bytes behind it',
    edit: (headers) => headers,
    bytes: (headers) => Buffer.concat([mapOf(headers), Buffer.from([0])]),
  },
  {
    name: 'in another order',
    edit: (headers) => headers.toReversed(),
    bytes: mapOf,
  },
];

/** A map of fewer than 24 entries, as they come. */
function mapOf(headers: HeaderEntries): Buffer {
  const entries = headers.flatMap(([name, value]) => [encodeCbor(name), encodeCbor(value)]);
  return Buffer.concat([Buffer.from([0xa0 | headers.length]), ...entries]);
}

type MakePayload = (target: Target) => Uint8Array;
const json =
  (make: (target: Target) => unknown): MakePayload =>
  (target) =>
    Buffer.from(JSON.stringify(make(target)));
const raw =
  (make: (target: Target) => string): MakePayload =>
  (target) =>
    Buffer.from(make(target));
const NONE = `sha256:${'0'.repeat(64)}`;
const ordinary = (target: Target) => JSON.stringify({ targetArtifact: target });

/** Payloads that are signed, and ought not to be, by their name. */
export const PAYLOADS: readonly (readonly [name: string, make: MakePayload])[] = [
  ['with another size', json((target) => ({ targetArtifact: { ...target, size: target.size + 1 } }))],
  ['with another media type', json((target) => ({ targetArtifact: { ...target, mediaType: 'application/json' } }))],
  ['with another digest', json((target) => ({ targetArtifact: { ...target, digest: NONE } }))],
  ['without size', json(({ mediaType, digest }) => ({ targetArtifact: { mediaType, digest } }))],
  ['without media type', json(({ size, digest }) => ({ targetArtifact: { size, digest } }))],
  ['without digest', json(({ size, mediaType }) => ({ targetArtifact: { size, mediaType } }))],
  [
    'with the digest in upper case',
    json((target) => ({ targetArtifact: { ...target, digest: target.digest.toUpperCase() } })),
  ],
  ['with the size as text', json((target) => ({ targetArtifact: { ...target, size: String(target.size) } }))],
  ['with annotations', json((target) => ({ targetArtifact: { ...target, annotations: { example: 'example' } } }))],
  [
    'with reserved annotations',
    json((target) => ({ targetArtifact: { ...target, annotations: { 'io.cncf.notary.x': '' } } })),
  ],
  [
    'with an artifact type',
    json((target) => ({ targetArtifact: { ...target, artifactType: 'application/vnd.example' } })),
  ],
  ['with an unknown member', json((target) => ({ targetArtifact: target, example: true }))],
  ['with an unknown member of the target', json((target) => ({ targetArtifact: { ...target, example: true } }))],
  ['with urls', json((target) => ({ targetArtifact: { ...target, urls: ['https://example.com'] } }))],
  ['with the name in upper case', json((target) => ({ TARGETARTIFACT: target }))],
  [
    'with the name in upper case besides',
    json((target) => ({ targetArtifact: { ...target, digest: NONE }, TARGETARTIFACT: target })),
  ],
  [
    'with members in upper case',
    json(({ mediaType, digest, size }) => ({ targetArtifact: { MEDIATYPE: mediaType, DIGEST: digest, SIZE: size } })),
  ],
  [
    'with the digest twice, the first another',
    raw((target) => ordinary(target).replace('"digest"', `"digest":"${NONE}","digest"`)),
  ],
  ['with the target twice, the first another', raw((target) => ordinary(target).replace('{', '{"targetArtifact":{},'))],
  ['with a fraction', raw((target) => ordinary(target).replace(`:${target.size}`, `:${target.size}.0`))],
  ['with an exponent', raw((target) => ordinary(target).replace(`:${target.size}`, `:${target.size}e0`))],
  ['with bytes behind it', raw((target) => `${ordinary(target)}{}`)],
  ['with spaces', raw((target) => ` ${ordinary(target)}\n`)],
  ['with a byte order mark', raw((target) => `\uFEFF${ordinary(target)}`)],
  ['in a list', json((target) => [{ targetArtifact: target }])],
  ['null', raw(() => 'null')],
  ['empty', raw(() => '')],
  ['an empty object', raw(() => '{}')],
  ['without target', json((target) => target)],
];
