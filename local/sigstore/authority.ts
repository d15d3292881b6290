// The certificate library's dependency injection needs it, and must find it first.
import 'reflect-metadata';
import { KeyObject, webcrypto } from 'node:crypto';
import * as x509 from '@peculiar/x509';

/** The kinds of key that certificates are made for. */
export type KeySpec = 'P-256' | 'P-384' | 'P-521' | 'RSA-2048' | 'RSA-3072' | 'RSA-4096';

/** A key pair with the algorithm that it signs certificates with. */
export interface Keys {
  readonly pair: webcrypto.CryptoKeyPair;
  readonly algorithm: Algorithm;
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
}

type Algorithm = webcrypto.EcKeyGenParams & { readonly hash: string };

/** A certificate with its key and everything above it. */
export interface Issued {
  readonly certificate: x509.X509Certificate;
  readonly keys: Keys;
  /** From this certificate to the root. */
  readonly chain: readonly x509.X509Certificate[];
}

/** What a certificate says. */
export interface CertificateOptions {
  /** As RFC 4514 has it; may be empty. */
  readonly subject: string;
  readonly spec?: KeySpec;
  readonly notBefore?: Date;
  readonly notAfter?: Date;
  /** Hexadecimal. Without it a random one. */
  readonly serialNumber?: string;
  /** Without it the certificate is self-signed. */
  readonly issuer?: Issued;
  readonly extensions: readonly x509.Extension[];
}

const HASHES: Readonly<Record<string, string>> = { 'P-256': 'SHA-256', 'P-384': 'SHA-384', 'P-521': 'SHA-512' };
/** Fixtures are to be valid for as long as anybody runs the tests. */
export const FIXTURE_END = new Date('2049-12-31T00:00:00Z');
/** Before anything that a fixture says. */
export const FIXTURE_START = new Date('2026-01-01T00:00:00Z');

/** A fresh key pair. */
export async function generateKeys(spec: KeySpec = 'P-256'): Promise<Keys> {
  const hash = HASHES[spec];
  const parameters =
    hash === undefined
      ? {
          name: 'RSASSA-PKCS1-v1_5',
          hash: 'SHA-256',
          modulusLength: Number(spec.slice(4)),
          publicExponent: new Uint8Array([1, 0, 1]),
        }
      : { name: 'ECDSA', namedCurve: spec, hash };
  const pair = await webcrypto.subtle.generateKey(parameters, true, ['sign', 'verify']);
  return {
    pair,
    algorithm: parameters as unknown as Algorithm,
    privateKey: KeyObject.from(pair.privateKey),
    publicKey: KeyObject.from(pair.publicKey),
  };
}

/** Issues one certificate for a fresh key. */
export async function issue({ issuer, ...options }: CertificateOptions): Promise<Issued> {
  const keys = await generateKeys(options.spec);
  const certificate = await certify(keys.pair.publicKey, { ...options, keys: issuer?.keys ?? keys, issuer });
  return { certificate, keys, chain: [certificate, ...(issuer?.chain ?? [])] };
}

/** Issues one certificate for a key that is there already. */
export async function certify(
  publicKey: webcrypto.CryptoKey,
  options: Omit<CertificateOptions, 'issuer' | 'spec'> & { readonly issuer: Issued | undefined; readonly keys: Keys },
): Promise<x509.X509Certificate> {
  const { keys, issuer, subject } = options;
  return x509.X509CertificateGenerator.create({
    subject,
    issuer: issuer?.certificate.subject ?? subject,
    publicKey,
    signingKey: keys.pair.privateKey,
    signingAlgorithm: keys.algorithm,
    notBefore: options.notBefore ?? FIXTURE_START,
    notAfter: options.notAfter ?? FIXTURE_END,
    ...(options.serialNumber !== undefined && { serialNumber: options.serialNumber }),
    extensions: [...options.extensions],
  });
}

/** What makes a certificate an authority. */
export function authorityExtensions(pathLength?: number): readonly x509.Extension[] {
  return [
    new x509.BasicConstraintsExtension(true, pathLength, true),
    new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
  ];
}

/** What a certificate for signatures says of itself. `usages`: object identifiers of extended key usages. */
export function signerExtensions(
  usages: readonly string[] = [x509.ExtendedKeyUsage.codeSigning],
  criticalUsages = false,
): readonly x509.Extension[] {
  return [
    new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
    ...(usages.length === 0 ? [] : [new x509.ExtendedKeyUsageExtension([...usages], criticalUsages)]),
  ];
}

/** PEM of certificates, one after the other. */
export function toPem(certificates: readonly x509.X509Certificate[]): string {
  return certificates.map((each) => `${each.toString('pem')}\n`).join('');
}

/** A private key as PKCS #8 in PEM. */
export function keyPem({ privateKey }: Keys): string {
  return privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
}
