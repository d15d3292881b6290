import type { SignedEntity, TrustMaterial } from '@sigstore/verify';
import { decodeBase64 } from '../encoding/base64.js';
import { parseCertificate, readExtension } from '../x509/certificate.js';
import { TAG } from '../x509/der.js';
import { failed } from './checks.js';
import type { LogEntry } from './material.js';
import { type SigstoreRoot, keyIdentity } from './trusted-root.js';

/** Evidence that has been verified piece by piece, and is now counted: what one key says twice is said once. */
export interface Evidence {
  readonly entries: readonly LogEntry[];
  readonly entity: SignedEntity;
  readonly root: SigstoreRoot;
}

type Log = TrustMaterial['tlogs'][number];

/** How many different keys of logs have a signature. Throws where a log was not trusted at a time that is attested. */
export function countLogs({ entries, entity, root }: Evidence): number {
  const attested = entity.timestamps
    .filter(isAttested)
    .map((stamp) =>
      stamp.$case === 'timestamp-authority'
        ? stamp.timestamp.signingTime
        : new Date(Number(stamp.tlogEntry.integratedTime) * 1000),
    );
  const keys = entries.map((entry) => {
    const log = logOf(entry, root.material.tlogs);
    // The library looks at the window of a log for its promises alone.
    const trusted = attested.length > 0 && attested.every((at) => log.validFor.start <= at && at <= log.validFor.end);
    if (!trusted) throw failed('transparencyLog', 'SIGNATURE_NOT_LOGGED', 'Its log was not trusted at that time.');
    return keyIdentity(log.publicKey);
  });
  return new Set(keys).size;
}

/** How many different keys attest to the time: of timestamp authorities, and of logs that promise it. */
export function countTimes({ entity, root }: Evidence): number {
  const keys = entity.timestamps.filter(isAttested).map((stamp) => {
    if (stamp.$case === 'transparency-log') {
      const id = stamp.tlogEntry.logId.keyId;
      const log = root.material.tlogs.find(({ logID }) => logID.equals(id));
      return log && keyIdentity(log.publicKey);
    }
    const { signerSerialNumber, signerIssuer } = stamp.timestamp;
    const leaf = root.material.timestampAuthorities
      .map(({ certChain }) => certChain[0])
      .find((first) => first?.serialNumber.equals(signerSerialNumber) === true && first.issuer.equals(signerIssuer));
    return leaf?.publicKey.toString('base64');
  });
  return new Set(keys.filter((key) => key !== undefined)).size;
}

/** How many different keys of certificate logs have signed a certificate. The signatures have been verified. RFC 6962 §3.3. */
export function countCertificateLogs(der: Uint8Array, root: SigstoreRoot): number {
  const list = parseCertificate(der).extensions.get('1.3.6.1.4.1.11129.2.4.2');
  if (list === undefined) return 0;
  const { tag, value: bytes } = readExtension(list, (element) => element);
  if (tag !== TAG.octets) return 0;
  const keys = new Set<string>();
  for (let at = 2; at < bytes.byteLength; at += 2 + bytes.readUInt16BE(at)) {
    // A version of one byte, then the name of the log.
    const id = bytes.subarray(at + 3, at + 35);
    const log = bytes[at + 2] === 0 ? root.material.ctlogs.find(({ logID }) => logID.equals(id)) : undefined;
    if (log !== undefined) keys.add(keyIdentity(log.publicKey));
  }
  return keys.size;
}

/** A time of a log counts where the log has signed it; beside a proof alone it is whatever somebody wrote. */
function isAttested(stamp: SignedEntity['timestamps'][number]): boolean {
  return stamp.$case === 'timestamp-authority' || stamp.tlogEntry.inclusionPromise !== undefined;
}

function logOf({ logId }: LogEntry, logs: readonly Log[]): Log {
  const id = decodeBase64(logId.keyId);
  const log = logs.find(({ logID }) => logID.equals(id));
  if (log === undefined) throw failed('transparencyLog', 'SIGNATURE_NOT_LOGGED', 'Its log is not trusted.');
  return log;
}
