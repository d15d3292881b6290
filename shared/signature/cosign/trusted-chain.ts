import { AppError } from '../../error/app-error.js';
import type { Certificate } from '../x509/certificate.js';
import { isIssuedBy } from '../x509/chain.js';
import { PURPOSE } from '../x509/known-extensions.js';

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
    if (issuer !== undefined && !isIssuedBy(certificate, issuer)) {
      throw wrong('a certificate is not signed by the next one');
    }
  }
  const wanted = purpose === 'certificates' ? PURPOSE.codeSigning : PURPOSE.timeStamping;
  const authorities = purpose === 'certificates' ? chain : above;
  for (const { basicConstraints, keyUsage, extendedKeyUsage } of authorities) {
    if (basicConstraints?.ca !== true || keyUsage?.usages.has('keyCertSign') !== true) {
      throw wrong('a certificate of its chain is no authority');
    }
    if (extendedKeyUsage?.purposes.includes(wanted) === false) throw wrong('an authority is there for something else');
  }
  if (purpose === 'certificates') return;
  const { basicConstraints, extendedKeyUsage, keyUsage } = leaf;
  const only = extendedKeyUsage?.purposes.length === 1 && extendedKeyUsage.purposes[0] === PURPOSE.timeStamping;
  if (!only || !extendedKeyUsage.critical) throw wrong('its certificate is not for timestamps alone');
  if (basicConstraints?.ca === true || keyUsage?.usages.has('digitalSignature') === false) {
    throw wrong('its certificate may not sign timestamps');
  }
}
