import { AppError, type Problem, ProblemsError } from '../../error/app-error.js';
import { decodeBase64 } from '../encoding/base64.js';
import { type Certificate, isSelfSigned, parseCertificate } from '../x509/certificate.js';

/** What a store is for: authorities of signers, signing authorities, timestamping authorities. */
export const STORE_TYPES = ['ca', 'signingAuthority', 'tsa'] as const;
export type StoreType = (typeof STORE_TYPES)[number];

/** `ca:name`, as a trust policy writes it. */
export type StoreName = `${StoreType}:${string}`;

/** A named store, its files read and nothing else. */
export interface StoreFiles {
  readonly type: StoreType;
  readonly name: string;
  readonly files: readonly { readonly name: string; readonly bytes: Uint8Array }[];
}

const MAX_FILES = 200;
const MAX_FILE_BYTES = 1024 * 1024;
const MAX_CERTIFICATES = 500;
const BEGIN = '-----BEGIN CERTIFICATE-----';
const END = '-----END CERTIFICATE-----';

/** Whether a store may be named so. Notation's specification of trust stores and policies; `..` would be another directory. */
export function isStoreName(name: string): boolean {
  return /^[a-zA-Z0-9_.-]{1,255}$/.test(name) && !/^\.+$/.test(name);
}

/** `type:name` of a store; undefined where it is none. */
export function toStoreName(text: string): StoreName | undefined {
  const type = STORE_TYPES.find((each) => text.startsWith(`${each}:`));
  if (type === undefined) return undefined;
  const name = text.slice(type.length + 1);
  return isStoreName(name) ? `${type}:${name}` : undefined;
}

/**
 * Reads a named trust store: Notary Project, trust store specification. One certificate that may not be in it voids all of it,
 * for a store that is only partly what somebody meant is not what he meant. Throws a `ProblemsError` `TRUST_STORE_INVALID` that
 * has every problem.
 */
export function readTrustStore({ type, name, files }: StoreFiles): readonly Certificate[] {
  const problems: Problem[] = [];
  const certificates = files.slice(0, MAX_FILES).flatMap((file) => {
    const path = `${type}/${name}/${file.name}`;
    try {
      const read = readFile(file.name, file.bytes);
      read.forEach((certificate, index) => {
        const problem = problemOf(type, certificate);
        if (problem !== undefined) problems.push({ path, message: `certificate ${index + 1} ${problem}` });
      });
      return read;
    } catch (cause) {
      if (!(cause instanceof AppError)) throw cause;
      problems.push({ path, message: cause.message });
      return [];
    }
  });
  const all = { path: `${type}/${name}` };
  if (!isStoreName(name)) problems.push({ ...all, message: 'is named otherwise than a store may be' });
  if (files.length > MAX_FILES) problems.push({ ...all, message: `has more than ${MAX_FILES} files` });
  if (certificates.length > MAX_CERTIFICATES) {
    problems.push({ ...all, message: `has more than ${MAX_CERTIFICATES} certificates` });
  }
  if (certificates.length === 0 && problems.length === 0) problems.push({ ...all, message: 'has no certificate' });
  if (problems.length > 0) throw new ProblemsError('TRUST_STORE_INVALID', 'The trust store cannot be used:', problems);
  return certificates;
}

function problemOf(type: StoreType, certificate: Certificate): string | undefined {
  const authority = certificate.basicConstraints?.ca === true;
  if (type === 'tsa') {
    return authority && isSelfSigned(certificate) ? undefined : 'is no self-signed root of an authority';
  }
  return authority || isSelfSigned(certificate) ? undefined : 'is neither of an authority nor self-signed';
}

const invalid = (what: string) => new AppError('TRUST_STORE_INVALID', what);

function readFile(name: string, bytes: Uint8Array): readonly Certificate[] {
  if (!/\.(pem|crt|cer)$/.test(name)) throw invalid('is no .pem, .crt or .cer');
  if (bytes.byteLength > MAX_FILE_BYTES) throw invalid('is too large');
  // DER starts with a SEQUENCE; a text of PEM cannot, for it would be "0" and then no length.
  if (bytes[0] === 0x30 && (bytes[1] ?? 0) >= 0x80) return [parseCertificate(bytes)];
  const certificates = readPem(Buffer.from(bytes).toString('latin1'));
  if (certificates.length === 0) throw invalid('holds no certificate');
  return certificates;
}

/** RFC 7468, with text around the certificates. Anything else in the form of PEM does not belong in a store. */
function readPem(text: string): readonly Certificate[] {
  const certificates: Certificate[] = [];
  let body: string | undefined;
  for (const line of text.split(/\r?\n/)) {
    const trimmed = line.trim();
    if (trimmed === BEGIN && body === undefined) body = '';
    else if (trimmed === END && body !== undefined) {
      certificates.push(parseCertificate(decodeBody(body)));
      body = undefined;
    } else if (trimmed.startsWith('-----')) throw invalid('holds something else than whole certificates');
    else if (body !== undefined) body += trimmed;
  }
  if (body !== undefined) throw invalid('ends within a certificate');
  return certificates;
}

function decodeBody(body: string): Uint8Array {
  try {
    return decodeBase64(body);
  } catch {
    throw invalid('holds a certificate that is no base64');
  }
}
