import type { Certificate } from '../x509/certificate.js';
import { NAME_OIDS } from '../x509/name.js';

/** The attributes of a subject that a trusted identity names, by their short names, each with its one value. */
export type Identity = ReadonlyMap<string, string>;

/** What an identity of the trust policy starts with; no other kind is known. */
export const SUBJECT_PREFIX = 'x509.subject:';
const MAX_IDENTITY = 2048;
const MANDATORY = ['C', 'ST', 'O'] as const;

/** The attribute types that `notation` can compare: a subject with any other one is written in a way that it refuses. */
const TYPES: ReadonlySet<string> = new Set(['C', 'ST', 'L', 'O', 'OU', 'CN', 'SERIALNUMBER', 'STREET', 'POSTALCODE']);
/** What may follow a backslash as it is; everything else is two hexadecimal digits. RFC 4514 §3. */
const ESCAPED: ReadonlySet<string> = new Set(' "#+,;<=>\\');
/** What has to be escaped in a value. RFC 4514 §2.4. */
const UNESCAPED: ReadonlySet<string> = new Set('"<>;\0');

/**
 * Parses `x509.subject: C=…, ST=…, O=…`: Notary Project, trust policy specification, "Trusted Identities Constraints". Returns
 * what is wrong with it as a text, for the problem of a policy.
 */
export function parseIdentity(text: string): Identity | string {
  if (text.length > MAX_IDENTITY) return 'is too long';
  if (!text.startsWith(SUBJECT_PREFIX)) return `does not start with ${SUBJECT_PREFIX}`;
  if (text.includes('=#')) return 'has a value in hexadecimal, or one that looks so';
  const identity = new Map<string, string>();
  for (const part of splitAtCommas(text.slice(SUBJECT_PREFIX.length))) {
    const equals = part.indexOf('=');
    if (equals === -1) return 'has a part without "="';
    const written = part.slice(0, equals).trim();
    const type = written === 'S' ? 'ST' : written;
    if (!TYPES.has(type)) return `has an attribute that is none of ${[...TYPES].join(', ')} (or S)`;
    const value = unescapeValue(part.slice(equals + 1));
    if (value === undefined) return `has a value of ${type} that is not escaped as RFC 4514 has it`;
    if (value === '') return `has no value of ${type}`;
    if (identity.has(type)) return `has ${type} twice`;
    identity.set(type, value);
  }
  const missing = MANDATORY.filter((type) => !identity.has(type));
  return missing.length === 0 ? identity : `names no ${missing.join(', ')}`;
}

/** A backslash takes the next character's meaning away, so that an escaped comma separates nothing. */
function splitAtCommas(text: string): readonly string[] {
  const parts: string[] = [];
  let start = 0;
  for (let at = 0; at < text.length; at += 1) {
    if (text[at] === '\\') at += 1;
    else if (text[at] === ',') {
      parts.push(text.slice(start, at));
      start = at + 1;
    }
  }
  return [...parts, text.slice(start)];
}

/** The value, without the spaces around it that are not escaped; undefined where the escapes are wrong. RFC 4514 §2.4, §3. */
function unescapeValue(text: string): string | undefined {
  const bytes: Buffer[] = [];
  let spaces = 0;
  for (let at = 0; at < text.length; at += 1) {
    const char = text.charAt(at);
    const next = text.charAt(at + 1);
    if (char === ' ') {
      spaces += 1;
      continue;
    }
    // Spaces count where something has been before them; the last ones never get here.
    if (bytes.length > 0) bytes.push(Buffer.alloc(spaces, ' '));
    spaces = 0;
    if (char !== '\\') {
      // A plus makes an attribute one of several, which have no order.
      if (UNESCAPED.has(char) || char === '+') return undefined;
      const whole = String.fromCodePoint(text.codePointAt(at) ?? 0);
      bytes.push(Buffer.from(whole));
      at += whole.length - 1;
    } else if (ESCAPED.has(next) && next !== '') {
      bytes.push(Buffer.from(next));
      at += 1;
    } else {
      const hex = text.slice(at + 1, at + 3);
      if (!/^[0-9a-fA-F]{2}$/.test(hex)) return undefined;
      bytes.push(Buffer.from(hex, 'hex'));
      at += 2;
    }
  }
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Buffer.concat(bytes));
  } catch {
    return undefined;
  }
}

/**
 * The subject of a certificate as what an identity is compared with; undefined where it has an attribute twice, several in one
 * part, or one that cannot be compared. `notation` refuses those as well.
 */
export function identityOf({ subject }: Certificate): Identity | undefined {
  const identity = new Map<string, string>();
  for (const [attribute, ...more] of subject) {
    const type = NAME_OIDS.get(attribute?.type ?? '');
    if (attribute === undefined || more.length > 0 || type === undefined || !TYPES.has(type)) return undefined;
    if (identity.has(type) || attribute.value.includes('=#')) return undefined;
    identity.set(type, attribute.value);
  }
  return identity;
}

/** Whether everything that `identity` names is in `subject`, with the same value. */
export function isPartOf(identity: Identity, subject: Identity): boolean {
  return [...identity].every(([type, value]) => subject.get(type) === value);
}
