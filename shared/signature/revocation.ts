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
