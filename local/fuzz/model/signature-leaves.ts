import { X509Certificate } from 'node:crypto';
import { digestOf } from '../../../shared/artifact/digest.js';
import type { Descriptor } from '../../../shared/artifact/descriptor.js';
import type { SignatureCandidate } from '../../../shared/signature/candidate.js';
import { COSE_MEDIA_TYPE } from '../../../shared/signature/notation/envelope.js';
import { readCbor } from '../document/cbor.js';
import { type Leaves, cborLeaves, jsonLeaves } from './leaves.js';
import { tokenLeaves } from './token-leaves.js';

/** How many signatures a manifest carries: in Cosign's old form, each layer is one. */
export function signaturesIn({ kind, payloads }: SignatureCandidate): number {
  return kind === 'cosign-legacy' || kind === 'cosign-legacy-attestation' ? payloads.length : 1;
}

/**
 * Everything that one signature says, whatever it is worth. This is read leniently and by other code than the verifier's, since
 * it is what the verifier is held against.
 */
export function signatureLeaves({ kind, manifest, payloads }: SignatureCandidate, index: number, now: Date): Leaves {
  const leaves: Leaves = new Map([['kind', kind]]);
  const { artifactType, subject, config, mediaType, annotations, layers } = manifest;
  leaves.set('manifest.mediaType', mediaType);
  if (artifactType !== undefined) leaves.set('manifest.artifactType', artifactType);
  describe('manifest.subject', subject, leaves);
  describe('manifest.config', config, leaves);
  for (const [name, value] of Object.entries(annotations)) leaves.set(`manifest.annotations.${name}`, value);
  const isLegacy = kind === 'cosign-legacy' || kind === 'cosign-legacy-attestation';
  if (!isLegacy) leaves.set('manifest.layers', String(layers.length));
  const payload = payloads[index];
  if (payload === undefined) return leaves.set('layer', 'absent');
  const { bytes } = payload;
  // A descriptor that is stored with a payload says no more than the manifest does, where that has a single one.
  const descriptor = (isLegacy ? undefined : layers[index]) ?? payload.descriptor;
  const isWhole = digestOf(bytes) === descriptor.digest && bytes.byteLength === descriptor.size;
  leaves.set('layer.intact', String(isWhole));
  leaves.set('layer.mediaType', descriptor.mediaType);
  const own: Leaves = new Map();
  const content = Buffer.from(bytes);
  if (kind === 'cosign-legacy') own.set('payload', content.toString('latin1'));
  else if (kind === 'notation' && descriptor.mediaType === COSE_MEDIA_TYPE) cborLeaves(content, 'cose', own);
  else jsonLeaves(content, 'json', own);
  for (const [name, value] of Object.entries(descriptor.annotations ?? {})) {
    // White space around PEM, and its line ends, say as little as those of JSON.
    if (value.trim().startsWith('-----BEGIN')) own.set(`annotation ${name}`, value.replaceAll(/[\r\n]/g, '').trim());
    else if (value.trim().startsWith('{')) jsonLeaves(Buffer.from(value), `annotation ${name}`, own);
    else own.set(`annotation ${name}`, value);
  }
  for (const [path, value] of own) takeDeeper(path, value, leaves);
  if (kind === 'notation') leaves.set('clock', clockOf(content, now));
  return leaves;
}

function describe(path: string, descriptor: Descriptor | undefined, leaves: Leaves): void {
  if (descriptor === undefined) return;
  const { mediaType, digest, size, annotations, ...others } = descriptor;
  leaves.set(`${path}.mediaType`, mediaType);
  leaves.set(`${path}.digest`, digest);
  leaves.set(`${path}.size`, String(size));
  for (const [name, value] of Object.entries({ ...others, annotations })) {
    if (value !== undefined && value !== null) leaves.set(`${path}.other.${name}`, JSON.stringify(value));
  }
}

/** Time-stamp tokens are taken apart, for not everything in them is signed. */
function takeDeeper(path: string, value: string, leaves: Leaves): void {
  if (!/(signedTimestamp|SignedRFC3161Timestamp|timestampSignature)$/.test(path)) {
    leaves.set(path, value);
    return;
  }
  const hex = /^h'([0-9a-f]*)'$/.exec(value)?.[1];
  const bytes = hex === undefined ? Buffer.from(value, 'base64') : Buffer.from(hex, 'hex');
  // Base64 in another form is another text.
  if (hex === undefined && bytes.toString('base64') !== value) leaves.set(`${path}#form`, value);
  tokenLeaves(bytes, path, leaves);
}

/** Whether certificates and expiry allow this moment, by the signer's own envelope. */
function clockOf(envelope: Buffer, now: Date): string {
  const { certificates, expiry } = envelope[0] === 0x7b ? ofJws(envelope) : ofCose(envelope);
  const valid = certificates.every((der) => {
    try {
      const { validFromDate, validToDate } = new X509Certificate(der);
      return validFromDate <= now && now <= validToDate;
    } catch {
      return false;
    }
  });
  return `${valid ? 'valid' : 'not valid'}, ${expiry !== undefined && now.getTime() >= expiry ? 'expired' : 'not expired'}`;
}

interface Told {
  readonly certificates: readonly Buffer[];
  /** Milliseconds since 1970. */
  readonly expiry: number | undefined;
}

function ofJws(envelope: Buffer): Told {
  try {
    const jws = JSON.parse(envelope.toString('utf8')) as { header: { x5c: string[] }; protected: string };
    const signed = JSON.parse(Buffer.from(jws.protected, 'base64url').toString('utf8')) as Record<string, string>;
    const expiry = signed['io.cncf.notary.expiry'];
    return {
      certificates: jws.header.x5c.map((each) => Buffer.from(each, 'base64')),
      expiry: expiry === undefined ? undefined : Date.parse(expiry),
    };
  } catch {
    return { certificates: [], expiry: undefined };
  }
}

function ofCose(envelope: Buffer): Told {
  const leaves: Leaves = new Map();
  cborLeaves(envelope, '', leaves);
  const signed = readCbor(envelope)?.children[0]?.children[0];
  if (signed !== undefined) cborLeaves(Buffer.from(signed.content), 'signed', leaves);
  const chain = [...leaves].filter(([path]) => path.startsWith('/1/#1821/'));
  const expiry = leaves.get('signed/io.cncf.notary.expiry');
  const seconds = expiry === undefined ? undefined : readCbor(Buffer.from(expiry.slice(1), 'hex'))?.argument;
  return {
    certificates: chain.map(([, value]) => Buffer.from(value.slice(2, -1), 'hex')),
    expiry: seconds === undefined ? undefined : seconds * 1000,
  };
}
