import type { SignatureCode } from './result.js';
import type { Certificate } from './x509/certificate.js';
import { statusOf } from './x509/status.js';

/** Something that has to be asked of a certificate authority before a certificate can be judged. Plain http, as RFC 6960 and RFC 5280 have it. */
export type RevocationRequest =
  | { readonly kind: 'ocsp'; readonly id: string; readonly url: string; readonly body: Uint8Array }
  | { readonly kind: 'crl'; readonly id: string; readonly url: string };

/** What came back, and when (RFC 3339). It is kept with the envelopes, so that a verification can be replayed. */
export type RevocationAnswer =
  | { readonly id: string; readonly at: string; readonly outcome: 'answered'; readonly bytes: Uint8Array }
  | { readonly id: string; readonly at: string; readonly outcome: 'failed'; readonly code: string };

/** Answers by the `id` of their request. */
export type RevocationAnswers = ReadonlyMap<string, RevocationAnswer>;

/** What is known of all certificates of a chain. */
export interface Revocation {
  readonly outcome: 'ok' | 'revoked' | 'unknown';
  readonly code: Extract<
    SignatureCode,
    'NOT_REVOKED' | 'CERTIFICATE_REVOKED' | 'REVOCATION_UNANSWERED' | 'REVOCATION_UNKNOWN'
  >;
  readonly message: string;
  /** What has to be asked, and handed in with the next call. Empty where the outcome is final for these answers. */
  readonly needs: readonly RevocationRequest[];
}

/** What revocation is judged with. */
export interface RevocationContext {
  readonly answers: RevocationAnswers;
  /** No answer may be of the future. */
  readonly now: Date;
  /**
   * When the signature was certainly made. Only Notation's scheme `notary.x509.signingAuthority` tells; with it, a certificate
   * that became invalid later is good.
   */
  readonly at?: Date;
}

/**
 * Whether a certificate of the chain is revoked: each but the root, by its OCSP responders (RFC 6960), and by the lists of its
 * issuer (RFC 5280 §6.3) where they decide nothing. One that names neither cannot be revoked. The worst one decides. The chain
 * has to have passed {@link checkSigningChain} or {@link checkTimestampingChain} before.
 *
 * An answer is judged by the time at which it came, not by `now`: it is stored with the signature, and the same verification has
 * to come out the same years later. How old an answer may be is for whoever fetches it: the fetcher keeps none beyond its end.
 *
 * Call it, fetch what it `needs`, and call it again, until it needs nothing: lists are asked for only after responders, and
 * changes of a list only after the list. Where there was no answer, the outcome stays `unknown`.
 */
export function revocationOf(chain: readonly Certificate[], context: RevocationContext): Revocation {
  const statuses = chain.slice(0, -1).map((certificate, index) => {
    const issuer = chain[index + 1] ?? certificate;
    return { place: index + 1, ...statusOf({ certificate, issuer }, context) };
  });
  const found = statuses.find(({ outcome }) => outcome === 'revoked');
  if (found !== undefined) {
    const message = `Certificate ${found.place} of the chain is revoked.`;
    return { outcome: 'revoked', code: 'CERTIFICATE_REVOKED', message, needs: [] };
  }
  const open = statuses.filter(({ outcome }) => outcome === 'unknown');
  const [first] = open;
  if (first === undefined) return { outcome: 'ok', code: 'NOT_REVOKED', message: 'Not revoked.', needs: [] };
  const needs = new Map(open.flatMap((status) => status.needs.map((need) => [need.id, need])));
  const code = needs.size > 0 ? 'REVOCATION_UNANSWERED' : 'REVOCATION_UNKNOWN';
  const message = `Whether certificate ${first.place} of the chain is revoked is not known: ${first.reason}.`;
  return { outcome: 'unknown', code, message, needs: [...needs.values()] };
}
