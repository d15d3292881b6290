import { type KeyObject, constants, createHash, generateKeyPairSync, sign } from 'node:crypto';
import { type Certificate, parseCertificate } from '../../shared/signature/x509/certificate.js';
import { KEY_USAGES, type KeyUsage } from '../../shared/signature/x509/known-extensions.js';
import * as der from './der.js';

/** When everything in these tests happens. */
export const NOW = new Date('2026-06-01T12:00:00Z');
export const DAY = 86_400_000;
export const daysFromNow = (days: number) => new Date(NOW.getTime() + days * DAY);

export type KeyType =
  'P-256' | 'P-384' | 'P-521' | 'P-224' | 'Ed25519' | 'RSA-1024' | 'RSA-2048' | 'RSA-3072' | 'RSA-4096';
export type Hash = 'md5' | 'sha1' | 'sha256' | 'sha384' | 'sha512';
export interface Keys {
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
}

const rsaKeys = new Map<string, Keys>();

/** Fresh keys; RSA, which is slow to make, once for each size and `name`. */
export function makeKeys(type: KeyType = 'P-256', name = ''): Keys {
  if (type === 'Ed25519') return generateKeyPairSync('ed25519');
  if (!type.startsWith('RSA-')) return generateKeyPairSync('ec', { namedCurve: type });
  const known = rsaKeys.get(type + name) ?? generateKeyPairSync('rsa', { modulusLength: Number(type.slice(4)) });
  rsaKeys.set(type + name, known);
  return known;
}

/** How something is signed. */
export interface SignOptions {
  readonly hash?: Hash;
  /** RSASSA-PSS, where the key is RSA. */
  readonly pss?: boolean;
}

const HASH_OIDS: Readonly<Record<Hash, string>> = {
  md5: '1.2.840.113549.2.5',
  sha1: '1.3.14.3.2.26',
  sha256: '2.16.840.1.101.3.4.2.1',
  sha384: '2.16.840.1.101.3.4.2.2',
  sha512: '2.16.840.1.101.3.4.2.3',
};
const RSA_OIDS = { md5: 4, sha1: 5, sha256: 11, sha384: 12, sha512: 13 } as const;
const EC_OIDS = { md5: '1', sha1: '1', sha256: '3.2', sha384: '3.3', sha512: '3.4' } as const;

/** The `AlgorithmIdentifier` of a hash. */
export const hashAlgorithm = (hash: Hash) => der.seq(der.oid(HASH_OIDS[hash]), der.nothing());

/** Signs, and says with which `AlgorithmIdentifier`. */
export function signDer(bytes: Uint8Array, { privateKey }: Keys, { hash = 'sha256', pss = false }: SignOptions = {}) {
  if (privateKey.asymmetricKeyType === 'ed25519') {
    return { algorithm: der.seq(der.oid('1.3.101.112')), signature: sign(null, bytes, privateKey) };
  }
  if (privateKey.asymmetricKeyType === 'ec') {
    return {
      algorithm: der.seq(der.oid(`1.2.840.10045.4.${EC_OIDS[hash]}`)),
      signature: sign(hash, bytes, privateKey),
    };
  }
  if (!pss) {
    const algorithm = der.seq(der.oid(`1.2.840.113549.1.1.${RSA_OIDS[hash]}`), der.nothing());
    return { algorithm, signature: sign(hash, bytes, privateKey) };
  }
  const saltLength = createHash(hash).digest().byteLength;
  const algorithm = der.seq(
    der.oid('1.2.840.113549.1.1.10'),
    der.seq(
      der.context(0, hashAlgorithm(hash)),
      der.context(1, der.seq(der.oid('1.2.840.113549.1.1.8'), hashAlgorithm(hash))),
      der.context(2, der.int(saltLength)),
    ),
  );
  const padding = constants.RSA_PKCS1_PSS_PADDING;
  return { algorithm, signature: sign(hash, bytes, { key: privateKey, padding, saltLength }) };
}

/** What a certificate says. Everything may be wrong. */
export interface CertificateOptions extends SignOptions {
  /** Common name. */
  readonly subject?: string;
  /** DER of a name, in place of the common name. */
  readonly subjectDer?: Uint8Array;
  readonly keys?: Keys | KeyType;
  readonly serial?: bigint;
  readonly notBefore?: Date;
  readonly notAfter?: Date;
  /** false: without the extension. */
  readonly basicConstraints?:
    { readonly ca: boolean; readonly pathLength?: number; readonly critical?: boolean } | false;
  readonly keyUsage?: { readonly usages: readonly KeyUsage[]; readonly critical?: boolean } | false;
  readonly extendedKeyUsage?: { readonly purposes: readonly string[]; readonly critical?: boolean } | false;
  /** URLs of OCSP responders, of revocation lists, and of their deltas. */
  readonly ocsp?: readonly string[];
  readonly crl?: readonly string[];
  readonly deltaCrl?: readonly string[];
  /** Further extensions, in DER: see `der.extension`. */
  readonly extensions?: readonly Uint8Array[];
  /** Name the issuer so, whoever signs. */
  readonly issuerDer?: Uint8Array;
}

/** A certificate with its key. */
export interface Made {
  readonly der: Buffer;
  readonly pem: string;
  readonly certificate: Certificate;
  readonly keys: Keys;
  readonly subjectDer: Uint8Array;
}

let serials = 1000n;

/** The extension of distribution points, each with one URL. RFC 5280 §4.2.1.13. */
export const distributionPoints = (id: string, urls: readonly string[]) =>
  der.extension(id, der.seq(...urls.map((url) => der.seq(der.context(0, der.context(0, der.uri(url)))))));

function extensionsOf(options: CertificateOptions): readonly Uint8Array[] {
  const { basicConstraints, keyUsage, extendedKeyUsage, ocsp, crl, deltaCrl, extensions = [] } = options;
  const all: Uint8Array[] = [];
  if (basicConstraints !== undefined && basicConstraints !== false) {
    const { ca, pathLength, critical = true } = basicConstraints;
    const parts = [...(ca ? [der.bool(true)] : []), ...(pathLength === undefined ? [] : [der.int(pathLength)])];
    all.push(der.extension('2.5.29.19', der.seq(...parts), critical));
  }
  if (keyUsage !== undefined && keyUsage !== false) {
    const bytes = Buffer.alloc(2);
    for (const usage of keyUsage.usages) {
      const bit = KEY_USAGES.indexOf(usage);
      bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) | (0x80 >> (bit & 7));
    }
    const value = bytes[1] === 0 ? bytes.subarray(0, 1) : bytes;
    const last = value[value.byteLength - 1] ?? 0;
    const unused = last === 0 ? 0 : 31 - Math.clz32(last & -last);
    all.push(
      der.extension(
        '2.5.29.15',
        last === 0 ? der.bits(Buffer.alloc(0)) : der.bits(value, unused),
        keyUsage.critical ?? true,
      ),
    );
  }
  if (extendedKeyUsage !== undefined && extendedKeyUsage !== false) {
    const { purposes, critical = false } = extendedKeyUsage;
    all.push(der.extension('2.5.29.37', der.seq(...purposes.map((purpose) => der.oid(purpose))), critical));
  }
  if (ocsp !== undefined) {
    const access = ocsp.map((url) => der.seq(der.oid('1.3.6.1.5.5.7.48.1'), der.uri(url)));
    all.push(der.extension('1.3.6.1.5.5.7.1.1', der.seq(...access)));
  }
  if (crl !== undefined) all.push(distributionPoints('2.5.29.31', crl));
  if (deltaCrl !== undefined) all.push(distributionPoints('2.5.29.46', deltaCrl));
  return [...all, ...extensions];
}

/** Makes one certificate; signed by itself where there is no `issuer`. */
export function makeCertificate(options: CertificateOptions, issuer?: Made): Made {
  const keys = typeof options.keys === 'object' ? options.keys : makeKeys(options.keys, options.subject);
  const subjectDer = options.subjectDer ?? der.commonName(options.subject ?? 'test');
  const extensions = extensionsOf(options);
  const signer = issuer?.keys ?? keys;
  const tbs = (algorithm: Uint8Array) =>
    der.seq(
      der.context(0, der.int(2)),
      der.int(options.serial ?? serials++),
      algorithm,
      options.issuerDer ?? issuer?.subjectDer ?? subjectDer,
      der.seq(der.time(options.notBefore ?? daysFromNow(-30)), der.time(options.notAfter ?? daysFromNow(30))),
      subjectDer,
      keys.publicKey.export({ type: 'spki', format: 'der' }),
      ...(extensions.length === 0 ? [] : [der.context(3, der.seq(...extensions))]),
    );
  const { algorithm } = signDer(Buffer.alloc(0), signer, options);
  const signed = tbs(algorithm);
  const bytes = der.seq(signed, algorithm, der.bits(signDer(signed, signer, options).signature));
  const pem = `-----BEGIN CERTIFICATE-----\n${bytes.toString('base64').replaceAll(/.{64}/g, '$&\n')}\n-----END CERTIFICATE-----\n`;
  let parsed: Certificate | undefined;
  // Parsed when it is asked for: some are made to be refused.
  return {
    der: bytes,
    pem,
    keys,
    subjectDer,
    get certificate() {
      return (parsed ??= parseCertificate(bytes));
    },
  };
}

const CA = { usages: ['keyCertSign', 'cRLSign'] } as const;

/** Purposes of keys. RFC 5280 §4.2.1.12. */
export const PURPOSE = {
  any: '2.5.29.37.0',
  serverAuth: '1.3.6.1.5.5.7.3.1',
  clientAuth: '1.3.6.1.5.5.7.3.2',
  codeSigning: '1.3.6.1.5.5.7.3.3',
  emailProtection: '1.3.6.1.5.5.7.3.4',
  timeStamping: '1.3.6.1.5.5.7.3.8',
  ocspSigning: '1.3.6.1.5.5.7.3.9',
} as const;

/** What a chain differs in from a good one. */
export interface ChainOptions {
  readonly root?: CertificateOptions;
  readonly intermediate?: CertificateOptions;
  readonly leaf?: CertificateOptions;
}

const ROOT = {
  subject: 'root',
  notBefore: daysFromNow(-365),
  notAfter: daysFromNow(3650),
  basicConstraints: { ca: true },
  keyUsage: CA,
};
const INTERMEDIATE = { subject: 'intermediate', basicConstraints: { ca: true, pathLength: 0 }, keyUsage: CA };
const LEAF = { subject: 'leaf', keyUsage: { usages: ['digitalSignature'] } } as const;

/** A good chain of root, intermediate and leaf, as far as `options` leaves it so. `chain` goes from the leaf to the root. */
export function makeChain(options: ChainOptions = {}) {
  const root = makeCertificate({ ...ROOT, ...options.root });
  const intermediate = makeCertificate({ ...INTERMEDIATE, ...options.intermediate }, root);
  const leaf = makeCertificate({ ...LEAF, ...options.leaf }, intermediate);
  const made = [leaf, intermediate, root] as const;
  return {
    root,
    intermediate,
    leaf,
    made,
    get chain() {
      return made.map(({ certificate }) => certificate);
    },
  };
}

/** The same for a timestamping authority. */
export function makeTsaChain(options: ChainOptions = {}) {
  const leaf = { subject: 'tsa', extendedKeyUsage: { purposes: [PURPOSE.timeStamping], critical: true } };
  return makeChain({ ...options, leaf: { ...leaf, ...options.leaf } });
}
