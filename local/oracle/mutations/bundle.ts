import { type Json, type Mutation, editBlob, editJson, flipBase64, parse } from './mutation.js';

// https://github.com/sigstore/protobuf-specs/blob/main/protos/sigstore_bundle.proto

interface Dsse extends Json {
  payload: string;
  payloadType: string;
  signatures: (Json & { sig: string })[];
}
interface Entry extends Json {
  logIndex: string;
  integratedTime: string;
  canonicalizedBody: string;
  logId: { keyId: string };
  kindVersion: Json;
  inclusionPromise?: { signedEntryTimestamp: string };
  inclusionProof?: Json & {
    logIndex: string;
    rootHash: string;
    treeSize: string;
    hashes?: string[];
    checkpoint: { envelope: string };
  };
}
interface Bundle extends Json {
  mediaType: string;
  verificationMaterial: Json & {
    publicKey?: { hint: string };
    certificate?: { rawBytes: string };
    tlogEntries?: Entry[];
    timestampVerificationData?: { rfc3161Timestamps?: { signedTimestamp: string }[] };
  };
  dsseEnvelope: Dsse;
}

const isBundle = (json: Json): json is Bundle => 'verificationMaterial' in json && 'dsseEnvelope' in json;

const bundle = (name: string, edit: (bundle: Bundle) => unknown): Mutation => ({
  name: `bundle: ${name}`,
  apply: (layout) => editJson(layout, (json) => isBundle(json) && edit(json)),
});
const text = (name: string, edit: (text: string) => string): Mutation => ({
  name: `bundle: ${name}`,
  apply: (layout) =>
    editBlob(layout, (bytes) => (isBundle(parse(bytes) ?? {}) ? edit(bytes.toString('utf8')) : undefined)),
});
const material = (name: string, edit: (material: Bundle['verificationMaterial']) => unknown): Mutation =>
  bundle(name, ({ verificationMaterial }) => edit(verificationMaterial));
const dsse = (name: string, edit: (envelope: Dsse) => unknown): Mutation =>
  bundle(`envelope ${name}`, ({ dsseEnvelope }) => edit(dsseEnvelope));
const signature = (name: string, edit: (signature: Json & { sig: string }) => unknown): Mutation =>
  dsse(`signature ${name}`, ({ signatures: [first] }) => first !== undefined && edit(first));
const statement = (name: string, edit: (statement: Json & { subject: Json[] }) => unknown): Mutation =>
  dsse(`statement ${name}`, (envelope) => {
    const json = parse(Buffer.from(envelope.payload, 'base64')) as (Json & { subject: Json[] }) | undefined;
    if (json === undefined || edit(json) === false) return false;
    return (envelope.payload = Buffer.from(JSON.stringify(json)).toString('base64'));
  });
const entry = (name: string, edit: (entry: Entry) => unknown): Mutation =>
  material(`log entry ${name}`, ({ tlogEntries: [first] = [] }) => first !== undefined && edit(first));
const proof = (name: string, edit: (proof: NonNullable<Entry['inclusionProof']>) => unknown): Mutation =>
  entry(`proof ${name}`, ({ inclusionProof }) => inclusionProof !== undefined && edit(inclusionProof));

/** What can be wrong with a Sigstore bundle. What is signed is changed without being signed again. */
export const BUNDLE_MUTATIONS: readonly Mutation[] = [
  bundle('rewritten, with nothing changed', () => true),
  ...['v0.1', 'v0.2'].map((version) =>
    bundle(
      `media type ${version}`,
      (json) => (json.mediaType = `application/vnd.dev.sigstore.bundle+json;version=${version.slice(1)}`),
    ),
  ),
  bundle(
    'media type v0.3 in the old way',
    (json) => (json.mediaType = 'application/vnd.dev.sigstore.bundle+json;version=0.3'),
  ),
  bundle('media type v0.9', (json) => (json.mediaType = 'application/vnd.dev.sigstore.bundle.v0.9+json')),
  bundle('media type of something else', (json) => (json.mediaType = 'application/json')),
  bundle('without media type', (json) => delete (json as Json)['mediaType']),
  bundle('unknown member', (json) => (json['example'] = true)),
  bundle('name in snake case', (json) => {
    json['dsse_envelope'] = json.dsseEnvelope;
    return delete (json as Json)['dsseEnvelope'];
  }),
  bundle('name in upper case', (json) => {
    json['DSSEENVELOPE'] = json.dsseEnvelope;
    return delete (json as Json)['dsseEnvelope'];
  }),
  bundle('with a message signature besides', (json) => {
    json['messageSignature'] = { messageDigest: { algorithm: 'SHA2_256', digest: 'AAAA' }, signature: 'AAAA' };
  }),
  bundle('without material', (json) => delete (json as Json)['verificationMaterial']),
  bundle('without envelope', (json) => delete (json as Json)['dsseEnvelope']),
  text('media type twice, the first wrong', (all) => all.replace('{', '{"mediaType":"application/json",')),
  text('envelope twice, the second empty', (all) => all.replace(/}$/, ',"dsseEnvelope":{}}')),
  text('spaces around it', (all) => ` \n${all}\n `),
  text('bytes behind it', (all) => `${all}{}`),
  text('a byte order mark before it', (all) => `\uFEFF${all}`),
  text('cut short', (all) => all.slice(0, -1)),
  text('nothing', () => ''),
  material('unknown member of the material', (json) => (json['example'] = true)),
  material('another hint', (json) => json.publicKey && (json.publicKey.hint = 'AAAA')),
  material('without hint', (json) => json.publicKey && delete (json.publicKey as Json)['hint']),
  material('without key', (json) => json.publicKey && delete json.publicKey),
  material('key and certificate', (json) => json.publicKey && (json.certificate = { rawBytes: 'AAAA' })),
  material('certificate and key', (json) => json.certificate && (json.publicKey = { hint: 'AAAA' })),
  material(
    'certificate one bit changed',
    (json) => json.certificate && (json.certificate.rawBytes = flipBase64(json.certificate.rawBytes)),
  ),
  material('certificate as a chain', (json) => {
    if (json.certificate === undefined) return false;
    json['x509CertificateChain'] = { certificates: [json.certificate] };
    return delete json.certificate;
  }),
  material('time stamps left out', (json) => delete json.timestampVerificationData),
  material('time stamp one bit changed', ({ timestampVerificationData: data }) => {
    const [first] = data?.rfc3161Timestamps ?? [];
    return first !== undefined && (first.signedTimestamp = flipBase64(first.signedTimestamp));
  }),
  material('time stamp twice', ({ timestampVerificationData: data }) => {
    const [first] = data?.rfc3161Timestamps ?? [];
    return first !== undefined && data?.rfc3161Timestamps?.push(first);
  }),
  material('time stamp of nothing', (json) => {
    json.timestampVerificationData = { rfc3161Timestamps: [{ signedTimestamp: 'AAAA' }] };
  }),
  material(
    'log entries left out',
    (json) => json.tlogEntries !== undefined && json.tlogEntries.length > 0 && delete json.tlogEntries,
  ),
  material(
    'log entry twice',
    (json) => json.tlogEntries?.[0] !== undefined && json.tlogEntries.push(json.tlogEntries[0]),
  ),
  entry('without promise', (json) => delete json.inclusionPromise),
  entry('without proof', (json) => delete json.inclusionProof),
  entry('without promise and proof', (json) => delete json.inclusionProof && delete json.inclusionPromise),
  entry(
    'promise one bit changed',
    ({ inclusionPromise: promise }) =>
      promise && (promise.signedEntryTimestamp = flipBase64(promise.signedEntryTimestamp)),
  ),
  entry('a second later', (json) => (json.integratedTime = String(Number(json.integratedTime) + 1))),
  entry('without time', (json) => delete (json as Json)['integratedTime']),
  entry('time below zero', (json) => (json.integratedTime = '-1')),
  entry('another index', (json) => (json.logIndex = String(Number(json.logIndex) + 1))),
  entry('of another log', (json) => (json.logId.keyId = flipBase64(json.logId.keyId))),
  entry('body one bit changed', (json) => (json.canonicalizedBody = flipBase64(json.canonicalizedBody))),
  entry('body left out', (json) => delete (json as Json)['canonicalizedBody']),
  entry('of another kind', (json) => (json.kindVersion['kind'] = 'intoto')),
  entry('of another version', (json) => (json.kindVersion['version'] = '0.0.2')),
  entry('unknown member', (json) => (json['example'] = true)),
  proof('another index', (json) => (json.logIndex = String(Number(json.logIndex) + 1))),
  proof('another size', (json) => (json.treeSize = String(Number(json.treeSize) + 1))),
  proof('root one bit changed', (json) => (json.rootHash = flipBase64(json.rootHash))),
  proof('one hash more', (json) => (json.hashes ??= []).push(json.rootHash)),
  proof('one hash less', (json) => json.hashes?.pop() !== undefined),
  proof(
    'hash one bit changed',
    (json) => json.hashes?.[0] !== undefined && (json.hashes[0] = flipBase64(json.hashes[0])),
  ),
  proof(
    'checkpoint without signature',
    (json) => (json.checkpoint.envelope = `${json.checkpoint.envelope.split('\n\n')[0] ?? ''}\n\n`),
  ),
  proof('checkpoint of another origin', (json) => (json.checkpoint.envelope = `x${json.checkpoint.envelope}`)),
  proof('checkpoint left out', (json) => delete (json as Json)['checkpoint']),
  dsse('payload one bit changed', (json) => (json.payload = flipBase64(json.payload))),
  dsse(
    'payload without padding',
    (json) => json.payload.endsWith('=') && (json.payload = json.payload.replaceAll('=', '')),
  ),
  dsse('payload with a newline', (json) => (json.payload = `${json.payload}\n`)),
  dsse('payload with junk', (json) => (json.payload = `${json.payload}*`)),
  dsse('payload empty', (json) => (json.payload = '')),
  dsse('payload left out', (json) => delete (json as Json)['payload']),
  dsse('payloadType of something else', (json) => (json.payloadType = 'text/plain')),
  dsse('payloadType left out', (json) => delete (json as Json)['payloadType']),
  dsse('without signatures', (json) => (json.signatures = [])),
  dsse('signature twice', (json) => json.signatures.push(...json.signatures)),
  dsse('a wrong signature first', (json) => json.signatures.unshift({ sig: 'AAAA' })),
  dsse('a wrong signature last', (json) => json.signatures.push({ sig: 'AAAA' })),
  dsse('unknown member', (json) => (json['example'] = true)),
  signature('one bit changed', (json) => (json.sig = flipBase64(json.sig))),
  signature(
    'with a byte behind it',
    (json) => (json.sig = Buffer.concat([Buffer.from(json.sig, 'base64'), Buffer.from([0])]).toString('base64')),
  ),
  signature('as two numbers', (json) => {
    const raw = rawSignature(Buffer.from(json.sig, 'base64'));
    return raw !== undefined && (json.sig = raw.toString('base64'));
  }),
  signature('with a newline', (json) => (json.sig = `${json.sig}\n`)),
  signature('with junk', (json) => (json.sig = `${json.sig}*`)),
  signature('keyid of somebody', (json) => (json['keyid'] = 'SHA256:example')),
  signature('keyid empty', (json) => (json['keyid'] = '')),
  signature('unknown member', (json) => (json['example'] = true)),
  signature('empty', (json) => (json.sig = '')),
  statement('of another image', ({ subject: [first] }) => first && (first['digest'] = { sha256: '0'.repeat(64) })),
  statement('without subject', (json) => (json.subject = [])),
  statement('of another predicate type', (json) => (json['predicateType'] = 'https://example.com/predicate')),
  statement('rewritten', () => true),
];

/** r and s of an ECDSA signature in DER, each as 32 bytes; undefined where it is another kind. */
function rawSignature(der: Buffer): Buffer | undefined {
  if (der[0] !== 0x30 || der[2] !== 0x02) return undefined;
  const first = 4 + (der[3] ?? 0);
  const numbers = [der.subarray(4, first), der.subarray(first + 2)];
  const padded = numbers.map((number) => Buffer.concat([Buffer.alloc(32), number]).subarray(-32));
  return numbers.every((number) => number.byteLength <= 33) ? Buffer.concat(padded) : undefined;
}
