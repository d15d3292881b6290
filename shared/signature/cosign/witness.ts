import { type KeyObject, createHash } from 'node:crypto';
import { type Bundle, bundleFromJSON } from '@sigstore/bundle';
import { type SignedEntity, VerificationError, Verifier, toSignedEntity } from '@sigstore/verify';
import type { CheckType } from '../result.js';
import { decodeBase64, isBase64 } from '../encoding/base64.js';
import { readToken, tokenOfResponse } from '../timestamp/token.js';
import { Unproved, failed, unknown } from './checks.js';
import { type SignedContent, checkLogBody } from './log-body.js';
import type { LogEntry, Material } from './material.js';
import { countCertificateLogs, countLogs, countTimes } from './independent.js';
import type { CosignTrust } from './trust.js';

/** What a signature is measured by here. */
export interface WitnessTrust extends Pick<CosignTrust, 'trustedRoot' | 'transparencyLog' | 'thresholds'> {
  /** The fixed key that made it; undefined where its certificate's key did. */
  readonly key: KeyObject | undefined;
  /** Whether the signature itself holds. */
  readonly verifies: () => boolean;
}

/**
 * Checks everything that others attest of a signature: that its certificate is of a trusted authority and was valid at every
 * time that is attested, that certificate logs and transparency logs have it, and when it was made. `@sigstore/verify` checks
 * each piece of evidence; that they are of this signature, of distinct witnesses, and of logs that were trusted at the time is
 * checked here. https://github.com/sigstore/architecture-docs/blob/main/client-spec.md §4. Throws.
 */
export function witness(content: SignedContent, material: Material, trust: WitnessTrust): void {
  const { trustedRoot: root, thresholds } = trust;
  const type: CheckType = trust.key === undefined ? 'authenticity' : 'transparencyLog';
  if (root === undefined) {
    throw unknown(type, 'TRUSTED_ROOT_MISSING', 'Nothing says which authorities and logs are trusted.');
  }
  // An entry that nobody asked for tells nothing, not even a time.
  const entries = trust.transparencyLog === 'ignored' ? [] : material.entries;
  const wanted = {
    logs: trust.transparencyLog === 'ignored' ? 0 : atLeastOne(thresholds.transparencyLogs),
    certificateLogs: trust.key === undefined ? atLeastOne(thresholds.certificateLogs) : 0,
    times: atLeastOne(thresholds.timestamps),
  };
  if (entries.length < wanted.logs) throw failed('transparencyLog', 'SIGNATURE_NOT_LOGGED', 'It is in too few logs.');
  for (const entry of entries) {
    checkLogBody(entry, content);
    checkPromise(entry);
    checkCheckpoint(entry);
  }
  const entity = toEntity(content, { ...material, entries }, trust);
  verifyEach(entity, trust, { root, wanted, type });
  const evidence = { entries, entity, root };
  const logs = countLogs(evidence);
  if (logs < wanted.logs) throw failed('transparencyLog', 'SIGNATURE_NOT_LOGGED', 'It is in too few different logs.');
  if (countTimes(evidence) < wanted.times) {
    throw failed(type, 'SIGNATURE_TIME_UNPROVEN', 'Too few different authorities tell when it was made.');
  }
  if (trust.key === undefined && countCertificateLogs(content.verifier, root) < wanted.certificateLogs) {
    throw failed(type, 'SIGNATURE_UNTRUSTED_CERTIFICATE', 'Its certificate is in too few different logs.');
  }
}

function atLeastOne(threshold: number): number {
  return Number.isSafeInteger(threshold) ? Math.max(1, threshold) : Infinity;
}

/** The evidence as the library reads it; what was signed, and by what, stays ours to compare. */
function toEntity(content: SignedContent, material: Material, trust: WitnessTrust): SignedEntity {
  const { signed, payload, signature } = content;
  let entity: SignedEntity;
  try {
    entity = toSignedEntity(toBundle(content, material, trust.key));
    checkTimestamps(entity, material);
  } catch (cause) {
    if (cause instanceof Unproved) throw cause;
    throw failed('integrity', 'SIGNATURE_MALFORMED', 'What vouches for it cannot be read.');
  }
  return {
    ...entity,
    signature: {
      signature: Buffer.from(signature),
      compareSignature: (other) => other.equals(signature),
      compareDigest: (digest) => digest.equals(createHash('sha256').update(payload).digest()),
      compareSignedDigest: (digest) => isDigestOf(digest, signed),
      verifySignature: trust.verifies,
    },
  };
}

/**
 * The library passes over what it has no use for in a timestamp: fields that are not of the form, a second content. No two readers
 * may see two timestamps in one, so each is read once more, strictly. Throws.
 */
function checkTimestamps({ timestamps }: SignedEntity, material: Material): void {
  for (const stamp of timestamps) {
    // RFC 3161 §2.4.2: granted, with or without changes. The library does not look.
    if (stamp.$case === 'timestamp-authority' && ![0n, 1n].includes(stamp.timestamp.status)) {
      throw failed('integrity', 'SIGNATURE_TIME_UNPROVEN', 'A timestamp in it was not granted.');
    }
  }
  for (const timestamp of material.timestamps) readToken(tokenOfResponse(decodeBase64(timestamp)));
}

function isDigestOf(digest: Uint8Array, bytes: Uint8Array): boolean {
  const algorithm = { 32: 'sha256', 48: 'sha384', 64: 'sha512' }[digest.byteLength];
  return algorithm !== undefined && createHash(algorithm).update(bytes).digest().equals(digest);
}

function toBundle(content: SignedContent, { form, entries, timestamps }: Material, key: KeyObject | undefined): Bundle {
  const certificate = { rawBytes: Buffer.from(content.verifier).toString('base64') };
  const legacy = form === 'annotations';
  const signer = legacy ? { x509CertificateChain: { certificates: [certificate] } } : { certificate };
  return bundleFromJSON({
    mediaType: `application/vnd.dev.sigstore.bundle${legacy ? '+json;version=0.1' : '.v0.3+json'}`,
    verificationMaterial: {
      ...(key === undefined ? signer : { publicKey: { hint: 'trusted' } }),
      tlogEntries: entries.map((entry) => ({
        ...entry,
        logIndex: String(entry.logIndex),
        integratedTime: String(entry.integratedTime),
        ...(entry.inclusionProof && {
          inclusionProof: {
            ...entry.inclusionProof,
            logIndex: String(entry.inclusionProof.logIndex),
            treeSize: String(entry.inclusionProof.treeSize),
          },
        }),
      })),
      timestampVerificationData: {
        rfc3161Timestamps: timestamps.map((signedTimestamp) => ({ signedTimestamp })),
      },
    },
    messageSignature: {
      messageDigest: {
        algorithm: 'SHA2_256',
        digest: createHash('sha256').update(content.signed).digest('base64'),
      },
      signature: Buffer.from(content.signature).toString('base64'),
    },
  });
}

interface Wanted {
  readonly root: NonNullable<WitnessTrust['trustedRoot']>;
  readonly wanted: { readonly logs: number; readonly certificateLogs: number; readonly times: number };
  readonly type: CheckType;
}

function verifyEach(entity: SignedEntity, { key }: WitnessTrust, { root, wanted, type }: Wanted): void {
  const material = {
    ...root.material,
    publicKey: () => {
      if (key === undefined) throw new Error('no key was found');
      return { publicKey: key, validFor: () => true };
    },
  };
  try {
    new Verifier(material, {
      tlogThreshold: wanted.logs,
      ctlogThreshold: wanted.certificateLogs,
      timestampThreshold: wanted.times,
    }).verify(entity);
  } catch (cause) {
    if (cause instanceof VerificationError) throw toUnproved(cause.code, type);
    throw failed('integrity', 'SIGNATURE_MALFORMED', 'What vouches for it cannot be used.');
  }
}

function toUnproved(code: VerificationError['code'], type: CheckType): Unproved {
  switch (code) {
    case 'TLOG_ERROR':
    case 'TLOG_INCLUSION_PROOF_ERROR':
    case 'TLOG_INCLUSION_PROMISE_ERROR':
    case 'TLOG_MISSING_INCLUSION_ERROR':
    case 'TLOG_BODY_ERROR':
      return failed('transparencyLog', 'SIGNATURE_NOT_LOGGED', 'A log entry of it does not hold.');
    case 'TIMESTAMP_ERROR':
      return failed(type, 'SIGNATURE_TIME_UNPROVEN', 'Nobody who is trusted tells when it was made.');
    case 'CERTIFICATE_ERROR':
      return failed(
        type,
        'SIGNATURE_UNTRUSTED_CERTIFICATE',
        'Its certificate is not of a trusted authority at that time.',
      );
    case 'SIGNATURE_ERROR':
    case 'PUBLIC_KEY_ERROR':
      return failed(type, 'SIGNATURE_INVALID', 'The signature does not hold.');
    case 'NOT_IMPLEMENTED_ERROR':
      return unknown(type, 'UNSUPPORTED', 'It is of a kind that is not verified.');
  }
}

/** A log's promise is what its time is signed with: without one, the time of an entry is anybody's. */
function checkPromise({ integratedTime, inclusionPromise }: LogEntry): void {
  if (integratedTime !== 0 && inclusionPromise === undefined) {
    throw failed('transparencyLog', 'SIGNATURE_TIME_UNPROVEN', 'Its log entry names a time that nobody has signed.');
  }
}

/** The proof names the tree that the checkpoint signs: the library reckons with the latter and leaves the former out. */
function checkCheckpoint({ inclusionProof: proof }: LogEntry): void {
  if (proof === undefined) return;
  const [, size, root] = proof.checkpoint.envelope.split('\n', 3);
  if (size !== String(proof.treeSize) || root !== proof.rootHash) {
    throw failed('transparencyLog', 'SIGNATURE_NOT_LOGGED', 'Its proof and its checkpoint are of two trees.');
  }
  // Signed notes have their signatures behind an empty line, each behind a dash and a name. The library reads any base64.
  const signatures = proof.checkpoint.envelope.split('\n\n').slice(1).join('\n\n').split('\n');
  for (const line of signatures) {
    const encoded = line.split(' ').at(-1) ?? '';
    if (!isBase64(encoded)) {
      throw failed('transparencyLog', 'SIGNATURE_NOT_LOGGED', 'Its checkpoint cannot be read.');
    }
  }
}
