import { type KeyObject, generateKeyPairSync, sign } from 'node:crypto';
import { chainOf } from '../../local/oracle/make/notation-keys.js';
import { type Artifact, makeArtifact } from '../../local/sample/image.js';
import { type Blob, toBlob } from '../../local/sample/layer.js';
import { MAX_MANIFEST_BYTES } from '../../shared/artifact/manifest.js';
import { MediaType } from '../../shared/artifact/media-type.js';
import { MAX_ENVELOPE_BYTES } from '../../shared/signature/candidate.js';

/** Makes the envelope number `serial`, with so many characters that say nothing in what is signed. */
export type MakeEnvelope = (serial: number, padding: number) => Blob;

/** Of base64, four characters hold three bytes. */
const BASE64 = 3 / 4;

/** The largest envelope that is looked at, or a little less. */
export function largest(make: MakeEnvelope, serial: number, limit = MAX_ENVELOPE_BYTES): Blob {
  const empty = make(serial, 0).bytes.byteLength;
  return make(serial, Math.floor((limit - empty) * BASE64) - 4);
}

/** Notation's signatures of a stranger, in the form of JWS: each of them good, with a chain of three certificates. */
export async function strangersJws(subject: Artifact): Promise<MakeEnvelope> {
  const { signer } = await chainOf('P-256');
  const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const header = encode({
    alg: 'ES256',
    crit: ['io.cncf.notary.signingScheme'],
    cty: 'application/vnd.cncf.notary.payload.v1+json',
    'io.cncf.notary.signingScheme': 'notary.x509',
    'io.cncf.notary.signingTime': '2026-06-01T12:00:00Z',
  });
  const x5c = signer.chain.map((each) => Buffer.from(each.rawData).toString('base64'));
  return (serial, padding) => {
    const annotations = { serial: String(serial), padding: 'x'.repeat(padding) };
    const payload = encode({ targetArtifact: { ...descriptorOf(subject), annotations } });
    const key = { key: signer.keys.privateKey, dsaEncoding: 'ieee-p1363' } as const;
    const signature = sign('sha256', Buffer.from(`${header}.${payload}`), key).toString('base64url');
    return toBlob(JSON.stringify({ payload, protected: header, signature, header: { x5c } }));
  };
}

/** Cosign's bundles of a stranger, each of them good, who says that they are of the key that is trusted: `hint` is that key's. */
export function strangersBundle(subject: Artifact, hint: string): MakeEnvelope {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return (serial, padding) => {
    const [, sha256] = subject.digest.split(':');
    const statement = JSON.stringify({
      _type: 'https://in-toto.io/Statement/v1',
      subject: [{ digest: { sha256 }, annotations: {} }],
      predicateType: 'https://sigstore.dev/cosign/sign/v1',
      predicate: { serial, padding: 'x'.repeat(padding) },
    });
    const dsseEnvelope = seal(Buffer.from(statement), privateKey);
    const verificationMaterial = { publicKey: { hint } };
    return toBlob(JSON.stringify({ mediaType: MediaType.sigstoreBundle, verificationMaterial, dsseEnvelope }));
  };
}

const IN_TOTO = 'application/vnd.in-toto+json';

/** https://github.com/secure-systems-lab/dsse/blob/master/envelope.md */
function seal(body: Buffer, key: KeyObject): object {
  const signed = Buffer.concat([Buffer.from(`DSSEv1 ${IN_TOTO.length} ${IN_TOTO} ${body.byteLength} `), body]);
  return {
    payload: body.toString('base64'),
    payloadType: IN_TOTO,
    signatures: [{ sig: sign('sha256', signed, key).toString('base64') }],
  };
}

/** A signature's manifest. `padded`: as large as a manifest may be, by what it says of its layer. */
export function referrerOf(
  subject: Artifact,
  envelope: Blob,
  { type, serial, padded = false }: { readonly type: string; readonly serial: number; readonly padded?: boolean },
): Artifact {
  const make = (padding: number) =>
    makeArtifact({
      configType: MediaType.ociEmpty,
      config: toBlob('{}'),
      layers: [{ type, blob: envelope, annotations: { padding: 'x'.repeat(padding) } }],
      extra: {
        artifactType: type === MediaType.sigstoreBundle ? type : MediaType.notarySignature,
        subject: descriptorOf(subject),
        annotations: { serial: String(serial) },
      },
    });
  return make(padded ? MAX_MANIFEST_BYTES - make(0).bytes.byteLength : 0);
}

function descriptorOf({ mediaType, digest, bytes }: Artifact): object {
  return { mediaType, digest, size: bytes.byteLength };
}
