import { describe, expect, it } from 'vitest';
import { placesOf } from '../../../local/fuzz/document/place.js';
import { NOW, daysFromNow, makeKeys, makeTsaChain } from '../../support/certificates.js';
import { BODIES, type BodyKind, type Logged, inRoot, logEntry, makeLog } from '../../support/sigstore-logs.js';
import {
  type BundleOptions,
  REKOR2,
  certify,
  goodEntry,
  judgeBundle,
  makeBundle,
  timestamp,
  trust,
  world,
} from '../../support/sigstore-world.js';

const minutes = (count: number) => new Date(NOW.getTime() + count * 60_000);
const judged = (options: BundleOptions = {}, trusted = trust()) => judgeBundle(makeBundle(options), trusted);
const KINDS = Object.keys(BODIES) as BodyKind[];
const optionsOf = (kind: BodyKind): BundleOptions =>
  kind.endsWith('0.0.2') && !kind.startsWith('intoto') ? { ...REKOR2, body: kind } : { body: kind };
/** An entry of this kind about something that differs in one thing. */
const about = (kind: BodyKind, change: (of: Logged) => Partial<Logged>): BundleOptions => {
  const options = optionsOf(kind);
  return { ...options, entries: (of) => [goodEntry({ ...of, ...change(of) }, options)] };
};

describe.each(KINDS)('an entry of the kind %s', (kind) => {
  const stranger = certify(makeKeys());
  const keys = makeKeys();
  it.each<[string, (of: Logged) => Partial<Logged>]>([
    ['another signature', () => ({ signature: Buffer.from('another') })],
    ['other content', () => ({ signed: Buffer.from('x'), payload: Buffer.from('x') })],
    ['another certificate', () => ({ pem: stranger.pem, der: stranger.der })],
    [
      'the bare key of the certificate',
      () => ({
        pem: keys.publicKey.export({ type: 'spki', format: 'pem' }).toString(),
        der: keys.publicKey.export({ type: 'spki', format: 'der' }),
      }),
    ],
  ])('is not of this signature where it is of %s', (_, change) => {
    expect(judged({ ...about(kind, change), keys })).toMatchObject({
      outcome: 'refused',
      code: 'SIGNATURE_NOT_LOGGED',
    });
  });
});

describe('an entry', () => {
  it.each<[string, BundleOptions, string]>([
    ['promised by a stranger', { entry: { promisedBy: makeKeys() } }, 'SIGNATURE_NOT_LOGGED'],
    ['in a tree that a stranger signs', { entry: { checkpointBy: makeKeys() } }, 'SIGNATURE_NOT_LOGGED'],
    ['of a log that nobody trusts', { entry: { log: makeLog('rekor.test') } }, 'SIGNATURE_NOT_LOGGED'],
    ['without a proof', { entry: { without: 'proof' } }, 'SIGNATURE_MALFORMED'],
    ['with a proof that no checkpoint signs', { entry: { without: 'checkpoint' } }, 'SIGNATURE_MALFORMED'],
    ['whose time nobody promises', { entry: { without: 'promise' } }, 'SIGNATURE_TIME_UNPROVEN'],
    ['without a time, and no timestamp beside it', { ...REKOR2, timestamps: () => [] }, 'SIGNATURE_TIME_UNPROVEN'],
    ['from before the certificate', { entry: { at: minutes(-5) } }, 'SIGNATURE_UNTRUSTED_CERTIFICATE'],
    ['from after the certificate', { entry: { at: minutes(30) } }, 'SIGNATURE_UNTRUSTED_CERTIFICATE'],
    ['missing', { entries: () => [] }, 'SIGNATURE_NOT_LOGGED'],
    ['twice', { entries: (of) => [goodEntry(of), goodEntry(of)] }, 'SIGNATURE_TIME_UNPROVEN'],
  ])('is refused: %s', (_, options, code) => {
    expect(judged(options)).toMatchObject({ outcome: 'refused', code });
  });

  it.each<[string, (entry: ReturnType<typeof goodEntry>) => object, string]>([
    [
      'a proof with another hash',
      (entry) => ({ inclusionProof: { ...entry.inclusionProof, hashes: [] } }),
      'SIGNATURE_NOT_LOGGED',
    ],
    [
      'a proof of another place',
      (entry) => ({ inclusionProof: { ...entry.inclusionProof, logIndex: '0' } }),
      'SIGNATURE_NOT_LOGGED',
    ],
    [
      'a proof of a larger tree',
      (entry) => ({ inclusionProof: { ...entry.inclusionProof, treeSize: '6' } }),
      'SIGNATURE_NOT_LOGGED',
    ],
    [
      'a proof of another root',
      (entry) => ({ inclusionProof: { ...entry.inclusionProof, rootHash: Buffer.alloc(32).toString('base64') } }),
      'SIGNATURE_NOT_LOGGED',
    ],
    ['another place in the log', () => ({ logIndex: '8' }), 'SIGNATURE_NOT_LOGGED'],
    ['another time', (entry) => ({ integratedTime: String(Number(entry.integratedTime) + 1) }), 'SIGNATURE_NOT_LOGGED'],
    ['another kind', () => ({ kindVersion: { kind: 'hashedrekord', version: '0.0.1' } }), 'SIGNATURE_NOT_LOGGED'],
    ['a body that is no JSON', () => ({ canonicalizedBody: 'AAAA' }), 'SIGNATURE_NOT_LOGGED'],
    ['an index that is no number', () => ({ logIndex: '1e3' }), 'SIGNATURE_MALFORMED'],
    ['a member that nobody knows', () => ({ extra: 1 }), 'SIGNATURE_MALFORMED'],
  ])('is refused with %s', (_, change, code) => {
    const bundle = makeBundle();
    const [entry] = bundle.verificationMaterial.tlogEntries;
    Object.assign(entry!, change(entry!));
    expect(judgeBundle(bundle)).toMatchObject({ outcome: 'refused', code });
  });

  it('cannot be told where it is of a kind that is not known', () => {
    const body = { apiVersion: '0.0.1', kind: 'rekord', spec: {} };
    const result = judged({ entries: () => [logEntry({ log: world.rekor, body })] });
    expect(result).toMatchObject({ outcome: 'inconclusive', code: 'UNSUPPORTED' });
  });
  it('is refused where it holds a member twice, of which readers take one or the other', () => {
    const entries = (of: Logged) => {
      const body = BODIES['dsse 0.0.1'](of);
      const raw = Buffer.from(JSON.stringify(body).replace('{', '{"kind":"hashedrekord",'));
      return [logEntry({ log: world.rekor, body, raw })];
    };
    expect(judged({ entries }).code).toBe('SIGNATURE_NOT_LOGGED');
  });
});

describe('a log', () => {
  const closed = (index: number) =>
    trust({}, (root) => Object.assign(root.tlogs[index]!.publicKey.validFor, { end: minutes(-1).toISOString() }));
  it('has to be trusted at the time that it promises', () => {
    expect(judged({}, closed(0)).code).toBe('SIGNATURE_NOT_LOGGED');
    expect(judged({}, closed(1)).outcome).toBe('verified');
  });
  it('has to be trusted at the time of the timestamp where it tells none', () => {
    expect(judged(REKOR2, closed(1))).toMatchObject({ outcome: 'refused', code: 'SIGNATURE_NOT_LOGGED' });
    expect(judged(REKOR2, closed(0)).outcome).toBe('verified');
  });
  const later = (index: number) =>
    trust({}, (root) => Object.assign(root.tlogs[index]!.publicKey.validFor, { start: minutes(1).toISOString() }));
  it('is not trusted before it is', () => {
    expect(judged({}, later(0)).code).toBe('SIGNATURE_NOT_LOGGED');
    expect(judged(REKOR2, later(1)).code).toBe('SIGNATURE_NOT_LOGGED');
  });
});

describe('how many witnesses there are', () => {
  const wanting = (changes: object, changeRoot?: Parameters<typeof trust>[1]) =>
    trust({ thresholds: { transparencyLogs: 1, certificateLogs: 1, timestamps: 1, ...changes } }, changeRoot);
  const second = (of: Logged) => logEntry({ log: world.rekor2, rekor2: true, body: BODIES['dsse 0.0.2'](of) });
  const alias = { ...world.rekor, id: makeLog('x').id };
  const sameKey = (root: { tlogs: object[] }) => root.tlogs.push(inRoot(alias, daysFromNow(-365)));

  it('counts two logs', () => {
    const both = { entries: (of: Logged) => [goodEntry(of), second(of)] };
    expect(judged(both, wanting({ transparencyLogs: 2 })).outcome).toBe('verified');
    expect(judged({}, wanting({ transparencyLogs: 2 })).code).toBe('SIGNATURE_NOT_LOGGED');
  });
  it('counts a log once, however many entries it has', () => {
    const twice = {
      entries: (of: Logged) => [
        goodEntry(of),
        goodEntry(of, { entry: { at: minutes(1) }, body: 'hashedrekord 0.0.1' }),
      ],
    };
    expect(judged(twice).outcome).toBe('verified');
    expect(judged(twice, wanting({ transparencyLogs: 2 })).code).toBe('SIGNATURE_NOT_LOGGED');
  });
  it('counts a log once under two names', () => {
    const twice = { entries: (of: Logged) => [goodEntry(of), goodEntry(of, { entry: { log: alias } })] };
    expect(judged(twice, wanting({}, sameKey)).outcome).toBe('verified');
    expect(judged(twice, wanting({ transparencyLogs: 2 }, sameKey)).code).toBe('SIGNATURE_NOT_LOGGED');
    expect(judged(twice, wanting({ timestamps: 2 }, sameKey)).code).toBe('SIGNATURE_TIME_UNPROVEN');
  });
  it('counts a timestamp authority once, however often it says so', () => {
    const two = {
      timestamps: (signature: Uint8Array) => [timestamp(signature), timestamp(signature, { at: minutes(1) })],
    };
    expect(judged({ ...REKOR2, ...two }).outcome).toBe('verified');
    expect(judged({ ...REKOR2, ...two }, wanting({ timestamps: 2 })).code).toBe('SIGNATURE_TIME_UNPROVEN');
    expect(judged({ ...two }, wanting({ timestamps: 2 })).outcome).toBe('verified');
    expect(judged({ ...two }, wanting({ timestamps: 3 })).code).toBe('SIGNATURE_TIME_UNPROVEN');
    const different = {
      timestamps: (signature: Uint8Array) => [timestamp(signature), timestamp(signature, { tsa: world.tsa2 })],
    };
    expect(judged({ ...REKOR2, ...different }, wanting({ timestamps: 2 })).outcome).toBe('verified');
  });
  it('takes no time that nobody promises, though an authority tells it too', () => {
    const options = { ...{ entry: { without: 'promise' } as const }, timestamps: REKOR2.timestamps };
    expect(judged(options)).toMatchObject({ outcome: 'refused', code: 'SIGNATURE_TIME_UNPROVEN' });
  });
  it('counts a log of certificates once, under two names as well', () => {
    const wanted = wanting({ certificateLogs: 2 });
    expect(judged({ ctLogs: [world.ct, world.ct2] }, wanted).outcome).toBe('verified');
    expect(judged({}, wanted).code).toBe('SIGNATURE_UNTRUSTED_CERTIFICATE');
    expect(judged({ ctLogs: [world.ct, world.ct] }, wanted).code).toBe('SIGNATURE_UNTRUSTED_CERTIFICATE');
    const again = { ...world.ct, id: makeLog('x').id };
    const named = wanting({ certificateLogs: 2 }, (root) => root.ctlogs.push(inRoot(again, daysFromNow(-365))));
    expect(judged({ ctLogs: [world.ct, again] }, named).code).toBe('SIGNATURE_UNTRUSTED_CERTIFICATE');
  });
  it.each([0, -1, NaN])('wants at least one of each, even where %d is asked for', (none) => {
    const wanted = wanting({ transparencyLogs: none, certificateLogs: none, timestamps: none });
    expect(judged({ entries: () => [] }, wanted).code).toBe('SIGNATURE_NOT_LOGGED');
    expect(judged({ ctLogs: [] }, wanted).outcome).toBe('refused');
    expect(judged({ entry: { without: 'promise' } }, wanted).outcome).toBe('refused');
  });
});

describe('a timestamp', () => {
  /** The element at `parent` with the one at `child` once more behind everything that it has: nobody has signed these. */
  const doubled = (base64: string, parent: string, child: string): string => {
    const places = placesOf(Buffer.from(base64, 'base64'), '');
    const [outer, inner] = [parent, child].map((path) => places.find((place) => place.path === path)!);
    return outer!.put(outer!.join([...outer!.parts!, inner!.bytes])).toString('base64');
  };
  const stranger = makeTsaChain({ root: { subject: 'tsa root' }, intermediate: { subject: 'tsa intermediate' } });
  const expired = makeTsaChain({ leaf: { notAfter: minutes(-5) }, root: { subject: 'expired root' } });
  it.each<[string, (signature: Uint8Array) => string, string]>([
    ['over something else', () => timestamp(Buffer.from('x')), 'SIGNATURE_TIME_UNPROVEN'],
    ['of a stranger', (signature) => timestamp(signature, { tsa: stranger }), 'SIGNATURE_TIME_UNPROVEN'],
    ['that was not granted', (signature) => timestamp(signature, { status: 2 }), 'SIGNATURE_TIME_UNPROVEN'],
    [
      'from after the certificate',
      (signature) => timestamp(signature, { at: minutes(30) }),
      'SIGNATURE_UNTRUSTED_CERTIFICATE',
    ],
    [
      'of an authority that had expired',
      (signature) => timestamp(signature, { tsa: expired }),
      'SIGNATURE_TIME_UNPROVEN',
    ],
    ['that is no timestamp', () => 'AAAA', 'SIGNATURE_MALFORMED'],
    [
      'with something behind it',
      (signature) =>
        Buffer.concat([Buffer.from(timestamp(signature), 'base64'), Buffer.from([5, 0])]).toString('base64'),
      'SIGNATURE_MALFORMED',
    ],
    ['with a second status', (signature) => doubled(timestamp(signature), '/0', '/0/0'), 'SIGNATURE_MALFORMED'],
    ['with a second token', (signature) => doubled(timestamp(signature), '', '/1'), 'SIGNATURE_MALFORMED'],
    [
      'with its content twice',
      (signature) => doubled(timestamp(signature), '/1/1/0/2', '/1/1/0/2/1'),
      'SIGNATURE_MALFORMED',
    ],
    ['with a field twice', (signature) => doubled(timestamp(signature), '/1/1/0', '/1/1/0/1'), 'SIGNATURE_MALFORMED'],
    [
      'with an algorithm that is followed by another',
      (signature) => doubled(timestamp(signature), '/1/1/0/4/0/4', '/1/1/0/4/0/4/0'),
      'SIGNATURE_MALFORMED',
    ],
  ])('is refused: %s', (_, make, code) => {
    const trusted = trust({}, (root) =>
      root.timestampAuthorities.push({
        ...root.timestampAuthorities[0]!,
        certChain: { certificates: expired.made.map((made) => ({ rawBytes: made.der.toString('base64') })) },
      }),
    );
    expect(judged({ ...REKOR2, timestamps: (signature) => [make(signature)] }, trusted)).toMatchObject({
      outcome: 'refused',
      code,
    });
  });
  it('of an authority that was not trusted at that time is refused', () => {
    const trusted = trust({}, (root) => (root.timestampAuthorities[0]!.validFor.end = minutes(-1).toISOString()));
    expect(judged(REKOR2, trusted).code).toBe('SIGNATURE_TIME_UNPROVEN');
  });
  it('that is wrong spoils the others', () => {
    const timestamps = (signature: Uint8Array) => [timestamp(signature), timestamp(signature, { tsa: stranger })];
    expect(judged({ timestamps }).code).toBe('SIGNATURE_TIME_UNPROVEN');
  });
});
