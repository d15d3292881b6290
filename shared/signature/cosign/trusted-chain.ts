import { AppError } from '../../error/app-error.js';
import { type Certificate, isSameName } from '../x509/certificate.js';

/** OIDs of purposes. RFC 5280 §4.2.1.12; RFC 3161 §2.3. */
export const CODE_SIGNING = '1.3.6.1.5.5.7.3.3';
const TIME_STAMPING = '1.3.6.1.5.5.7.3.8';

const wrong = (what: string) => new AppError('CERTIFICATE_UNSUITABLE', what);

/**
 * Checks the chain of an authority in a trusted root, from the certificate that signs to the root: each by the next, and every
 * one allowed to do what it is there for. Of a timestamp authority the first one signs timestamps and nothing else
 * (RFC 3161 §2.3). Whether they are valid is a matter of time, and is looked at with each signature. Throws an `AppError`.
 */
export function checkChain(chain: readonly Certificate[], purpose: 'certificates' | 'timestamps'): void {
  const [leaf, ...above] = chain;
  if (leaf === undefined) throw wrong('it has no certificate');
  for (const [index, certificate] of chain.entries()) {
    const issuer = chain[index + 1];
    if (issuer === undefined) continue;
    if (!isSameName(certificate.issuerDer, issuer.subjectDer) || !certificate.isSignedBy(issuer)) {
      throw wrong('a certificate is not signed by the next one');
    }
  }
  const wanted = purpose === 'certificates' ? CODE_SIGNING : TIME_STAMPING;
  const authorities = purpose === 'certificates' ? chain : above;
  for (const { basicConstraints, keyUsage, extendedKeyUsage } of authorities) {
    if (basicConstraints?.ca !== true || keyUsage?.usages.has('keyCertSign') !== true) {
      throw wrong('a certificate of its chain is no authority');
    }
    if (extendedKeyUsage?.purposes.includes(wanted) === false) throw wrong('an authority is there for something else');
  }
  if (purpose === 'certificates') return;
  const { basicConstraints, extendedKeyUsage, keyUsage } = leaf;
  const only = extendedKeyUsage?.purposes.length === 1 && extendedKeyUsage.purposes[0] === TIME_STAMPING;
  if (!only || !extendedKeyUsage.critical) throw wrong('its certificate is not for timestamps alone');
  if (basicConstraints?.ca === true || keyUsage?.usages.has('digitalSignature') === false) {
    throw wrong('its certificate may not sign timestamps');
  }
}
