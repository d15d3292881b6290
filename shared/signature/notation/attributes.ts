import { z } from 'zod';
import { fault } from './fault.js';

/** What a Notation payload says that it is. Notary Project, signature specification, "Payload". */
export const PAYLOAD_TYPE = 'application/vnd.cncf.notary.payload.v1+json';

/** The algorithms of the specification; which of them it has to be follows from the signer's key. */
export const ALGORITHMS = ['PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512'] as const;
export type Algorithm = (typeof ALGORITHMS)[number];

/** How a signer is trusted, and what its time is worth. Notary Project, signing scheme. */
export type SigningScheme = 'notary.x509' | 'notary.x509.signingAuthority';

const NAME = {
  scheme: 'io.cncf.notary.signingScheme',
  signingTime: 'io.cncf.notary.signingTime',
  authenticSigningTime: 'io.cncf.notary.authenticSigningTime',
  expiry: 'io.cncf.notary.expiry',
  plugin: 'io.cncf.notary.verificationPlugin',
  pluginVersion: 'io.cncf.notary.verificationPluginMinVersion',
} as const;
const NAMES: ReadonlySet<string> = new Set(['alg', 'cty', 'crit', ...Object.values(NAME)]);
const CRITICAL: ReadonlySet<unknown> = new Set([
  NAME.scheme,
  NAME.authenticSigningTime,
  NAME.expiry,
  NAME.plugin,
  NAME.pluginVersion,
]);
const MAX_ATTRIBUTES = 64;

/** What a signer signed besides the payload. Believed once the signature holds. */
export interface SignedAttributes {
  readonly algorithm: Algorithm;
  readonly scheme: SigningScheme;
  /** By the signer's own clock with `notary.x509`; by the authority's, and so to be relied on, with the other scheme. */
  readonly signingTime: Date;
  readonly expiry?: Date;
  /** The signature asks for a program that verifies it further. */
  readonly plugin: boolean;
  /** Names of attributes that are not critical and mean nothing here. */
  readonly others: readonly string[];
}

const algorithmSchema = z.enum(ALGORITHMS);
const criticalSchema = z.array(z.unknown()).max(MAX_ATTRIBUTES);
const schemeSchema = z.enum(['notary.x509', 'notary.x509.signingAuthority']);
const wrong = (message: string, cause?: unknown) => fault('NOTATION_ATTRIBUTES', message, cause);

/**
 * Reads the signed attributes: Notary Project, signature specification, "Signed Attributes". `header` has them by the names of
 * JWS; `toTime` reads a time in the form of the envelope. Throws `NOTATION_ATTRIBUTES`, and
 * `NOTATION_CRITICAL` for a critical one that is not known.
 */
export function readAttributes(
  header: ReadonlyMap<string, unknown>,
  toTime: (value: unknown) => Date | undefined,
): SignedAttributes {
  if (header.size > MAX_ATTRIBUTES) throw wrong('Too many signed attributes.');
  const others = [...header.keys()].filter((name) => !NAMES.has(name));
  // A known name in another case, or a name of the reserved space: some readers would take it for what it resembles.
  if (others.some((name) => NAMES.has(name.toLowerCase()) || name.toLowerCase().startsWith('io.cncf.notary.'))) {
    throw wrong('A signed attribute has a reserved name that is not known.');
  }
  const algorithm = algorithmSchema.safeParse(header.get('alg'));
  if (!algorithm.success) throw fault('NOTATION_ALGORITHM', 'It is signed with an algorithm that is not allowed.');
  if (header.get('cty') !== PAYLOAD_TYPE) throw wrong('The payload is of another type.');
  const scheme = schemeSchema.safeParse(header.get(NAME.scheme));
  if (!scheme.success) throw wrong('The signing scheme is not known.');
  checkCritical(header, scheme.data);
  const time = (name: string): Date => {
    const at = toTime(header.get(name));
    // No signature is older than the formats; and a time of zero is how some writers say that there is none.
    if (at === undefined || at.getTime() <= 0) throw wrong(`The attribute ${name} is no time.`);
    return at;
  };
  const [wanted, forbidden] =
    scheme.data === 'notary.x509'
      ? [NAME.signingTime, NAME.authenticSigningTime]
      : [NAME.authenticSigningTime, NAME.signingTime];
  if (!header.has(wanted)) throw wrong(`The attribute ${wanted} is missing.`);
  if (header.has(forbidden)) throw wrong(`The attribute ${forbidden} does not go with this signing scheme.`);
  const signingTime = time(wanted);
  const expiry = header.has(NAME.expiry) ? time(NAME.expiry) : undefined;
  if (expiry !== undefined && expiry <= signingTime) throw wrong('It expired before it was made.');
  return {
    algorithm: algorithm.data,
    scheme: scheme.data,
    signingTime,
    ...(expiry !== undefined && { expiry }),
    plugin: header.has(NAME.plugin) || header.has(NAME.pluginVersion),
    others,
  };
}

/** RFC 7515 §4.1.11, RFC 9052 §3.1, and what the specification marks as critical itself. */
function checkCritical(header: ReadonlyMap<string, unknown>, scheme: SigningScheme): void {
  const { data: critical } = criticalSchema.safeParse(header.get('crit'));
  if (critical === undefined) throw wrong('There is no list of critical attributes.');
  if (new Set(critical).size !== critical.length) throw wrong('An attribute is named as critical twice.');
  if (critical.some((name) => !CRITICAL.has(name))) {
    throw fault('NOTATION_CRITICAL', 'A critical attribute is not known.');
  }
  if (critical.some((name) => typeof name !== 'string' || !header.has(name))) {
    throw wrong('An attribute is named as critical and is not there.');
  }
  const wanted = [
    NAME.scheme,
    ...(scheme === 'notary.x509' ? [] : [NAME.authenticSigningTime]),
    ...(header.has(NAME.expiry) ? [NAME.expiry] : []),
  ];
  if (wanted.some((name) => !critical.includes(name))) throw wrong('An attribute has to be critical and is not.');
}
