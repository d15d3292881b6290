import { AppError, type Problem, ProblemsError } from '../../error/app-error.js';
import { MAX_SUBJECT_LENGTH, type Pattern, parsePattern } from './pattern.js';

/** Who a certificate of Fulcio has to be of. A string is compared as it is; a pattern has to match all of it. */
export interface CertificateIdentity {
  readonly issuer: string | Pattern;
  readonly subject: string | Pattern;
}

/** An identity as a policy writes it: each of the two either exactly or as a pattern. */
export interface IdentityText {
  readonly issuer?: string | undefined;
  readonly issuerPattern?: string | undefined;
  readonly subject?: string | undefined;
  readonly subjectPattern?: string | undefined;
}

/** Who a verified certificate is of. */
export interface SignerIdentity {
  /** Who had looked at the person or the workflow: an OpenID Connect issuer. */
  readonly issuer: string;
  /** The one name in the certificate. */
  readonly subject: string;
}

/** Reads an identity: issuer and subject both have to be there, once each. Throws `IDENTITY_INVALID` with every problem. */
export function parseIdentity(text: IdentityText): CertificateIdentity {
  const problems: Problem[] = [];
  const read = (path: 'issuer' | 'subject'): string | Pattern => {
    const [exact, pattern] = [text[path], text[`${path}Pattern`]];
    if ((exact === undefined) === (pattern === undefined)) {
      problems.push({ path, message: `say either ${path} or ${path}Pattern` });
    } else if (pattern !== undefined) {
      try {
        return parsePattern(pattern);
      } catch (cause) {
        problems.push({
          path: `${path}Pattern`,
          message: cause instanceof AppError ? cause.message : 'it cannot be read',
        });
      }
    } else if (exact === undefined || !isUsableName(exact)) {
      problems.push({ path, message: 'it is empty, too long or holds characters that no identity has' });
    }
    return exact ?? '';
  };
  const identity = { issuer: read('issuer'), subject: read('subject') };
  if (problems.length > 0) throw new ProblemsError('IDENTITY_INVALID', 'an identity cannot be used:', problems);
  return identity;
}

/** Whether a name may be compared at all: bounded, not empty, printable, without white space at its ends. */
export function isUsableName(name: string): boolean {
  return (
    name.length > 0 && name.length <= MAX_SUBJECT_LENGTH && !/[\p{C}\p{Zl}\p{Zp}]/u.test(name) && name.trim() === name
  );
}

/** Whether one of `identities` names this signer, by issuer and subject together. */
export function isTrustedIdentity(identities: readonly CertificateIdentity[], signer: SignerIdentity): boolean {
  const fits = (wanted: string | Pattern, name: string) =>
    isUsableName(name) && (typeof wanted === 'string' ? wanted === name : wanted.matches(name));
  return identities.some(({ issuer, subject }) => fits(issuer, signer.issuer) && fits(subject, signer.subject));
}

/** A signer as one text, the same for each of its certificates. */
export function formatIdentity({ subject, issuer }: SignerIdentity): string {
  return `${subject} (${issuer})`;
}
