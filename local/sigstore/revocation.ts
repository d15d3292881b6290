import { createHash } from 'node:crypto';
import * as asn1js from 'asn1js';
import * as pkijs from 'pkijs';
import * as x509 from '@peculiar/x509';
import { FIXTURE_END, FIXTURE_START, type Issued } from './authority.js';

const CRL_NUMBER = '2.5.29.20';
const SHA1 = '1.3.14.3.2.26';
const OCSP_BASIC = '1.3.6.1.5.5.7.48.1.1';
const KEY_COMPROMISE = 1;

/** Says where the list of revoked certificates is. */
export function listedAt(url: string): x509.Extension {
  return new x509.CRLDistributionPointsExtension([url]);
}

/** Says who can be asked about a certificate. */
export function askedAt(url: string): x509.Extension {
  return new x509.AuthorityInfoAccessExtension({ ocsp: url });
}

/** A list of what an authority has revoked (RFC 5280 §5), in DER. */
export async function makeCrl(issuer: Issued, revoked: readonly x509.X509Certificate[]): Promise<Uint8Array> {
  const crl = await x509.X509CrlGenerator.create({
    issuer: issuer.certificate.subject,
    thisUpdate: FIXTURE_START,
    nextUpdate: FIXTURE_END,
    signingKey: issuer.keys.pair.privateKey,
    signingAlgorithm: issuer.keys.algorithm,
    entries: revoked.map(({ serialNumber }) => ({
      serialNumber,
      revocationDate: FIXTURE_START,
      reason: x509.X509CrlReason.keyCompromise,
    })),
    extensions: [new x509.Extension(CRL_NUMBER, false, new Uint8Array([2, 1, 1]))],
  });
  return Buffer.from(crl.rawData);
}

/** What an authority says of one certificate that it issued (RFC 6960), in DER, signed by itself. */
export async function makeOcspResponse(
  issuer: Issued,
  certificate: x509.X509Certificate,
  status: 'good' | 'revoked',
): Promise<Uint8Array> {
  const authority = pkijs.Certificate.fromBER(issuer.certificate.rawData);
  const subject = pkijs.Certificate.fromBER(certificate.rawData);
  const sha1 = (bytes: ArrayBuffer) =>
    new asn1js.OctetString({
      valueHex: Uint8Array.from(createHash('sha1').update(Buffer.from(bytes)).digest()).buffer,
    });
  const key = authority.subjectPublicKeyInfo.subjectPublicKey.valueBlock.valueHexView;
  const single = new pkijs.SingleResponse({
    certID: new pkijs.CertID({
      hashAlgorithm: new pkijs.AlgorithmIdentifier({ algorithmId: SHA1, algorithmParams: new asn1js.Null() }),
      issuerNameHash: sha1(authority.subject.toSchema().toBER()),
      issuerKeyHash: sha1(Uint8Array.from(key).buffer),
      serialNumber: subject.serialNumber,
    }),
    thisUpdate: FIXTURE_START,
    nextUpdate: FIXTURE_END,
  });
  single.certStatus =
    status === 'good'
      ? new asn1js.Primitive({ idBlock: { tagClass: 3, tagNumber: 0 } })
      : new asn1js.Constructed({
          idBlock: { tagClass: 3, tagNumber: 1 },
          value: [
            new asn1js.GeneralizedTime({ valueDate: FIXTURE_START }),
            new asn1js.Constructed({
              idBlock: { tagClass: 3, tagNumber: 0 },
              value: [new asn1js.Enumerated({ value: KEY_COMPROMISE })],
            }),
          ],
        });
  const basic = new pkijs.BasicOCSPResponse();
  basic.tbsResponseData.responderID = authority.subject;
  basic.tbsResponseData.producedAt = FIXTURE_START;
  basic.tbsResponseData.responses = [single];
  await basic.sign(issuer.keys.pair.privateKey, 'SHA-256');
  const response = new pkijs.OCSPResponse({
    responseStatus: new asn1js.Enumerated({ value: 0 }),
    responseBytes: new pkijs.ResponseBytes({
      responseType: OCSP_BASIC,
      response: new asn1js.OctetString({ valueHex: basic.toSchema().toBER() }),
    }),
  });
  return Buffer.from(response.toSchema().toBER());
}
