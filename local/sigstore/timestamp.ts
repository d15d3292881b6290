import { createHash, randomBytes } from 'node:crypto';
import * as asn1js from 'asn1js';
import * as pkijs from 'pkijs';
import * as x509 from '@peculiar/x509';
import { type Issued, authorityExtensions, issue, signerExtensions } from './authority.js';

const TST_INFO = '1.2.840.113549.1.9.16.1.4';
const SIGNED_DATA = '1.2.840.113549.1.7.2';
const CONTENT_TYPE = '1.2.840.113549.1.9.3';
const MESSAGE_DIGEST = '1.2.840.113549.1.9.4';
const SIGNING_TIME = '1.2.840.113549.1.9.5';
const SIGNING_CERTIFICATE_V2 = '1.2.840.113549.1.9.16.2.47';
const POLICY = '1.3.6.1.4.1.57264.2';
const SHA256 = '2.16.840.1.101.3.4.2.1';

/** A time stamp authority: its certificates, and what it answers to a request (RFC 3161, both in DER). */
export interface TimestampAuthority {
  readonly issued: Issued;
  readonly answer: (request: Uint8Array, at: Date) => Promise<Uint8Array>;
}

/** A fresh authority below a root of its own. `extensions` are added to its certificate. */
export async function createTimestampAuthority(
  name: string,
  extensions: readonly x509.Extension[] = [],
): Promise<TimestampAuthority> {
  const root = await issue({ subject: `CN=${name} root,O=Example,ST=WA,C=US`, extensions: authorityExtensions() });
  const issued = await issue({
    subject: `CN=${name},O=Example,ST=WA,C=US`,
    issuer: root,
    extensions: [...signerExtensions([x509.ExtendedKeyUsage.timeStamping], true), ...extensions],
  });
  return { issued, answer: (request, at) => answer(request, { issued, at }) };
}

async function answer(
  der: Uint8Array,
  { issued, at }: { readonly issued: Issued; readonly at: Date },
): Promise<Uint8Array> {
  const request = pkijs.TimeStampReq.fromBER(toArrayBuffer(der));
  const seconds = new Date(Math.floor(at.getTime() / 1000) * 1000);
  const info = new pkijs.TSTInfo({
    version: 1,
    policy: POLICY,
    messageImprint: request.messageImprint,
    serialNumber: new asn1js.Integer({ valueHex: toArrayBuffer(Buffer.from([1, ...randomBytes(7)])) }),
    genTime: seconds,
    accuracy: new pkijs.Accuracy({ seconds: 1 }),
    ...(request.nonce !== undefined && { nonce: request.nonce }),
  });
  const content = Buffer.from(info.toSchema().toBER());
  const encapsulated = new pkijs.EncapsulatedContentInfo({ eContentType: TST_INFO });
  // Given to the constructor it would be cut into pieces, which is BER; Go reads DER alone.
  encapsulated.eContent = octets(content);
  const certificates = issued.chain.map((each) => pkijs.Certificate.fromBER(each.rawData));
  const [signer] = certificates;
  if (signer === undefined) throw new Error('an authority without a certificate');
  const attribute = (type: string, value: asn1js.AsnType) => new pkijs.Attribute({ type, values: [value] });
  const signed = new pkijs.SignedData({
    version: 3,
    encapContentInfo: encapsulated,
    signerInfos: [
      new pkijs.SignerInfo({
        version: 1,
        sid: new pkijs.IssuerAndSerialNumber({ issuer: signer.issuer, serialNumber: signer.serialNumber }),
        signedAttrs: new pkijs.SignedAndUnsignedAttributes({
          type: 0,
          attributes: [
            attribute(CONTENT_TYPE, new asn1js.ObjectIdentifier({ value: TST_INFO })),
            attribute(SIGNING_TIME, new asn1js.UTCTime({ valueDate: seconds })),
            attribute(MESSAGE_DIGEST, octets(createHash('sha256').update(content).digest())),
            attribute(SIGNING_CERTIFICATE_V2, signingCertificate(issued)),
          ],
        }),
      }),
    ],
    // The root is what is trusted: it is not sent.
    certificates: request.certReq === true ? certificates.slice(0, 1) : [],
  });
  await signed.sign(issued.keys.pair.privateKey, 0, 'SHA-256');
  signed.digestAlgorithms = [new pkijs.AlgorithmIdentifier({ algorithmId: SHA256 })];
  const token = new pkijs.ContentInfo({ contentType: SIGNED_DATA, content: signed.toSchema(true) });
  const response = new pkijs.TimeStampResp({
    status: new pkijs.PKIStatusInfo({ status: pkijs.PKIStatus.granted }),
    timeStampToken: token,
  });
  return Buffer.from(response.toSchema().toBER());
}

/** RFC 5035: SHA-256 is the default, so the algorithm is left out. */
function signingCertificate({ certificate }: Issued): asn1js.AsnType {
  const hash = createHash('sha256').update(Buffer.from(certificate.rawData)).digest();
  const id = new asn1js.Sequence({ value: [octets(hash)] });
  return new asn1js.Sequence({ value: [new asn1js.Sequence({ value: [id] })] });
}

function octets(bytes: Uint8Array): asn1js.OctetString {
  return new asn1js.OctetString({ valueHex: toArrayBuffer(bytes) });
}

function toArrayBuffer(bytes: Uint8Array): ArrayBuffer {
  return Uint8Array.from(bytes).buffer;
}
