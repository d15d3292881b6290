import { type Json, type Mutation, editBlob, editJson, flipBase64, parse } from './mutation.js';

// RFC 7515, and the Notary Project's *JWS Signature Specification*.

interface Jws extends Json {
  payload: string;
  protected: string;
  signature: string;
  header: Json & { x5c: string[] };
}

const TIMESTAMP = 'io.cncf.notary.timestampSignature';
const isJws = (json: Json): json is Jws => typeof json['protected'] === 'string' && typeof json['payload'] === 'string';

const envelope = (name: string, edit: (jws: Jws) => unknown): Mutation => ({
  name: `jws: ${name}`,
  apply: (layout) => editJson(layout, (json) => isJws(json) && edit(json)),
});
const text = (name: string, edit: (text: string) => string): Mutation => ({
  name: `jws: ${name}`,
  apply: (layout) =>
    editBlob(layout, (bytes) => (isJws(parse(bytes) ?? {}) ? edit(bytes.toString('utf8')) : undefined)),
});
const header = (name: string, edit: (header: Json) => unknown): Mutation =>
  envelope(`protected ${name}`, (jws) => {
    const json = JSON.parse(Buffer.from(jws.protected, 'base64url').toString('utf8')) as Json;
    if (edit(json) === false) return false;
    return (jws.protected = Buffer.from(JSON.stringify(json)).toString('base64url'));
  });
const chain = (name: string, edit: (x5c: string[]) => unknown): Mutation =>
  envelope(`x5c ${name}`, ({ header: { x5c } }) => edit(x5c));

/** What can be wrong with a JWS envelope. What is signed is changed without being signed again. */
export const JWS_MUTATIONS: readonly Mutation[] = [
  envelope('rewritten, with nothing changed', () => true),
  ...['payload', 'protected', 'signature', 'header'].flatMap((member) => [
    envelope(`without ${member}`, (jws) => Reflect.deleteProperty(jws, member)),
    envelope(`${member} null`, (jws) => ((jws as Json)[member] = null)),
    envelope(`${member} empty`, (jws) => ((jws as Json)[member] = member === 'header' ? {} : '')),
    envelope(`${member} in upper case`, (jws) => {
      (jws as Json)[member.toUpperCase()] = (jws as Json)[member];
      return Reflect.deleteProperty(jws, member);
    }),
    envelope(`${member} once more in upper case`, (jws) => ((jws as Json)[member.toUpperCase()] = 'AAAA')),
    envelope(`${member} a number`, (jws) => ((jws as Json)[member] = 1)),
  ]),
  ...['payload', 'protected', 'signature'].flatMap((member) => [
    envelope(
      `${member} one bit changed`,
      (jws) => ((jws as Json)[member] = flipBase64(jws[member] as string, 'base64url')),
    ),
    envelope(`${member} padded`, (jws) => ((jws as Json)[member] = `${jws[member] as string}==`)),
    envelope(`${member} with a newline`, (jws) => ((jws as Json)[member] = `${jws[member] as string}\n`)),
    envelope(`${member} with junk`, (jws) => ((jws as Json)[member] = `${jws[member] as string}*`)),
    text(`${member} twice, the first wrong`, (all) => all.replace('{', `{"${member}":"AAAA",`)),
    text(`${member} twice, the second wrong`, (all) => all.replace(/}$/, `,"${member}":"AAAA"}`)),
  ]),
  envelope('signature in the other alphabet', (jws) => {
    const other = jws.signature.replaceAll('-', '+').replaceAll('_', '/');
    return other !== jws.signature && (jws.signature = other);
  }),
  envelope('unknown member', (jws) => (jws['example'] = true)),
  envelope('a list of signatures besides', (jws) => (jws['signatures'] = [])),
  envelope('in the general form', (jws) => {
    jws['signatures'] = [{ protected: jws.protected, signature: jws.signature, header: jws.header }];
    delete (jws as Json)['signature'];
    delete (jws as Json)['protected'];
    return delete (jws as Json)['header'];
  }),
  envelope('unknown member of the header', (jws) => (jws.header['example'] = true)),
  envelope('alg in the header', (jws) => (jws.header['alg'] = 'none')),
  envelope('crit in the header', (jws) => (jws.header['crit'] = ['example'])),
  envelope('another signing agent', (jws) => (jws.header['io.cncf.notary.signingAgent'] = 'example/1')),
  envelope('signing agent a number', (jws) => (jws.header['io.cncf.notary.signingAgent'] = 1)),
  envelope('without signing agent', (jws) => delete jws.header['io.cncf.notary.signingAgent']),
  envelope(
    'time stamp left out',
    ({ header: found }) => TIMESTAMP in found && Reflect.deleteProperty(found, TIMESTAMP),
  ),
  envelope('time stamp one bit changed', ({ header: found }) => {
    const stamp = found[TIMESTAMP];
    return typeof stamp === 'string' && (found[TIMESTAMP] = flipBase64(stamp));
  }),
  envelope('time stamp of nothing', (jws) => (jws.header[TIMESTAMP] = Buffer.from('no').toString('base64'))),
  envelope('time stamp a number', (jws) => (jws.header[TIMESTAMP] = 1)),
  chain('empty', (x5c) => x5c.splice(0)),
  chain('without the signer', (x5c) => x5c.shift()),
  chain('without the root', (x5c) => x5c.length > 1 && x5c.pop()),
  chain('without what is between', (x5c) => x5c.length > 2 && x5c.splice(1, 1)),
  chain('in reverse', (x5c) => x5c.length > 1 && x5c.reverse()),
  chain('with the root twice', (x5c) => x5c.push(x5c.at(-1) ?? '')),
  chain('with the signer twice', (x5c) => x5c.unshift(x5c[0] ?? '')),
  chain('with junk', (x5c) => x5c.push('AAAA')),
  chain('the signer one bit changed', (x5c) => (x5c[0] = flipBase64(x5c[0] ?? ''))),
  chain('with a newline', (x5c) => (x5c[0] = `${x5c[0] ?? ''}\n`)),
  chain('in the other alphabet', (x5c) => {
    const other = (x5c[0] ?? '').replaceAll('+', '-').replaceAll('/', '_');
    return other !== x5c[0] && (x5c[0] = other);
  }),
  chain('with bytes behind a certificate', (x5c) => {
    x5c[0] = Buffer.concat([Buffer.from(x5c[0] ?? '', 'base64'), Buffer.from([0])]).toString('base64');
  }),
  header('without alg', (json) => delete json['alg']),
  header('alg none', (json) => (json['alg'] = 'none')),
  header('alg HS256', (json) => (json['alg'] = 'HS256')),
  header('without crit', (json) => delete json['crit']),
  header('crit empty', (json) => (json['crit'] = [])),
  header('without scheme', (json) => delete json['io.cncf.notary.signingScheme']),
  header('another scheme', (json) => (json['io.cncf.notary.signingScheme'] = 'notary.x509.signingAuthority')),
  header('without time', (json) => delete json['io.cncf.notary.signingTime']),
  header(
    'without expiry',
    (json) => json['io.cncf.notary.expiry'] !== undefined && delete json['io.cncf.notary.expiry'],
  ),
  text('spaces around it', (all) => ` \n${all}\n `),
  text('bytes behind it', (all) => `${all}{}`),
  text('a byte order mark before it', (all) => `\uFEFF${all}`),
  text('cut short', (all) => all.slice(0, -1)),
  text('in a list', (all) => `[${all}]`),
  text('nothing', () => ''),
];
