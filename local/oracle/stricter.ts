/** Where we refuse what an official tool lets pass, and why we do. */
export interface Stricter {
  readonly tool: 'notation' | 'cosign';
  /** Mutations and forgeries by what their names contain. */
  readonly names: readonly string[];
  readonly reason: string;
}

/** By choice. Whatever else we refuse and a tool does not is a disagreement. */
export const STRICTER: readonly Stricter[] = [
  {
    tool: 'notation',
    names: [
      'jws: unknown member',
      'jws: a list of signatures besides',
      'once more in upper case',
      'payload in upper case',
      'protected in upper case',
      'signature in upper case',
      'header in upper case',
      'twice, the first wrong',
      'twice, the second wrong',
      'header ALG besides',
      'header alg twice',
    ],
    reason:
      'a JWS has its four members, each once and by its name: readers that differ on it would read another signature',
  },
  {
    tool: 'notation',
    names: ['padded', 'with a newline', 'with junk', 'in the other alphabet'],
    reason: 'base64 has one way to be written (RFC 4648 §3, §5; RFC 7515 §2)',
  },
  {
    tool: 'notation',
    names: [
      'payload with the name in upper case',
      'payload with members in upper case',
      'payload with the digest twice',
      'payload with the target twice',
      'payload with an unknown member',
      'payload with urls',
      'payload with reserved annotations',
    ],
    reason: 'the payload says what the specification lists, each member once and by its name',
  },
  {
    tool: 'notation',
    names: [
      'header unknown, critical',
      'header b64 false',
      'header crit with a name twice',
      'header crit with the time',
      'header critical by its number',
    ],
    reason:
      'what is critical and unknown has to be refused (RFC 7515 §4.1.11, RFC 9052 §3.1); the tool looks only with a plugin',
  },
  {
    tool: 'notation',
    names: ['authentic time besides'],
    reason: 'the scheme notary.x509 has no authentic signing time: the specification forbids it',
  },
  {
    tool: 'notation',
    names: [
      'header x5c',
      'header jwk',
      'header x5chain',
      'header key identifier',
      'header typ',
      'header unknown, not critical',
    ],
    reason: 'a protected header that is not in the specification is refused: no known signer writes it',
  },
  {
    tool: 'notation',
    names: ['RSA with a salt of'],
    reason: 'RSASSA-PSS has a salt as long as its hash (RFC 7518 §3.5)',
  },
  {
    tool: 'notation',
    names: ['header time with a fraction', 'header time with an offset', 'header time in the future'],
    reason: 'a signing time is a whole second of UTC, and is not ahead of the verification',
  },
  {
    tool: 'notation',
    names: [
      'extended usage any',
      'extended usage unknown',
      'authority with constraints not critical',
      'unknown critical extension',
      'authority for servers',
      'root with room for no authority',
      'subject empty',
      'subject with two',
      'subject without state, anybody',
    ],
    reason: 'certificates are held to RFC 5280 and to the specification, where the tool lets go of them',
  },
  {
    tool: 'notation',
    names: [
      'unprotected alg',
      'unprotected crit',
      'alg in the header',
      'crit in the header',
      'signing agent',
      'unprotected unknown',
    ],
    reason: 'what is not signed says only what the specification puts there',
  },
  {
    tool: 'cosign',
    names: [
      'statement of a vulnerability report',
      'statement of provenance',
      'statement of a summary that says that it failed',
      'predicate type',
      'statement of an unknown version',
      'statement without version',
    ],
    reason: 'a statement is a signature only if its type says so: the tool takes any statement about the image for one',
  },
  {
    tool: 'cosign',
    names: ['payload of another type', 'payload of atomic container', 'payload without type', 'critical in upper case'],
    reason: 'a payload of the older form has its type, by the specification; the tool does not look',
  },
  {
    tool: 'cosign',
    names: ['as two numbers'],
    reason: 'an ECDSA signature is in DER; the tool takes the raw form, too, which no signer writes',
  },
  {
    tool: 'cosign',
    names: ['with a newline', 'in the other alphabet', 'without padding', 'with junk'],
    reason: 'base64 has one way to be written (RFC 4648 §3)',
  },
  {
    tool: 'cosign',
    names: ['in snake case', 'spaces around it', 'twice'],
    reason: 'a bundle is read by the names that tools write, each once',
  },
  {
    tool: 'cosign',
    names: ['layer of a bundle v0', 'media type v0.', 'v0.3 in the old way'],
    reason: 'the type of the layer and that of the bundle say the same, and a version that is not known is not guessed',
  },
  {
    tool: 'cosign',
    names: ['time stamp one bit changed', 'time stamp of nothing', 'rfc3161timestamp', 'log entry without promise'],
    reason: 'every witness that comes along has to hold; the tool passes over one where another is enough',
  },
  {
    tool: 'cosign',
    names: ['log entry of another kind', 'log entry of another version'],
    reason: 'an entry is of the kind that it says it is: its body is compared by the rules of that kind',
  },
  {
    tool: 'cosign',
    names: ['certificate with text before it', 'bundle of a log in upper case', 'legacy: bundle unknown member'],
    reason: 'what vouches for an older signature is read by its form, each member once (RFC 7468 §3 for certificates)',
  },
  {
    tool: 'cosign',
    names: ['manifest: artifactType left out', 'manifest: artifactType in upper case'],
    reason: 'the manifest of a bundle names its type, as the specification of bundles has it',
  },
  {
    tool: 'cosign',
    names: ['manifest: layer of something else', 'manifest: bytes behind it', 'manifest: not what its digest says'],
    reason: 'a manifest is one JSON document with signatures in it, and what its digest says',
  },
  {
    tool: 'notation',
    names: ['unprotected time stamp a text'],
    reason: 'a timestamp is bytes in COSE; the tool does not look at it where no store for timestamps is named',
  },
  ...(['notation', 'cosign'] as const).map((tool) => ({
    tool,
    names: [
      'manifest: without',
      'manifest: schemaVersion',
      'manifest: media type of Docker',
      'manifest: artifactType of',
      'manifest: config',
      'manifest: subject',
      'manifest: layer size below zero',
      'manifest: layer in upper case',
      'manifest: layers twice',
      'manifest: something else',
      'manifest: spaces behind it',
    ],
    reason: 'a manifest is held to the OCI image specification, and says of one kind what it is',
  })),
];

/** The reason why something that a tool lets pass is refused. */
export function reasonFor(tool: Stricter['tool'], name: string): string | undefined {
  return STRICTER.find((each) => each.tool === tool && each.names.some((part) => name.includes(part)))?.reason;
}
