import { createHash } from 'node:crypto';
import type { RevocationRequest } from '../revocation.js';
import { type Issued, ocspRequest } from './ocsp.js';

const NOTHING = new Uint8Array();

/** Hexadecimal SHA-256 over kind, address and body: the same question has the same name, whoever asks it. */
function idOf(kind: RevocationRequest['kind'], url: string, body: Uint8Array): string {
  return createHash('sha256').update(`${kind}\n${url}\n`).update(body).digest('hex');
}

/** The question after a certificate, to one responder. */
export function ocspRequestTo(url: string, issued: Issued): RevocationRequest {
  const body = ocspRequest(issued);
  return { kind: 'ocsp', id: idOf('ocsp', url, body), url, body };
}

/** The question after a list. */
export function crlRequest(url: string): RevocationRequest {
  return { kind: 'crl', id: idOf('crl', url, NOTHING), url };
}
