import { type Digest, digestOf } from '../../../shared/artifact/digest.js';
import { MediaType } from '../../../shared/artifact/media-type.js';
import { parseRepository } from '../../../shared/artifact/repository.js';
import { parseLoginServer } from '../../../shared/artifact/login-server.js';
import { AppError } from '../../../shared/error/app-error.js';
import { collectSignatures } from '../../../shared/pipeline/collect-signatures.js';
import { MAX_SUBJECT_LENGTH, parsePattern } from '../../../shared/signature/cosign/pattern.js';
import { parseCertificate } from '../../../shared/signature/x509/certificate.js';
import { MAX_CRL_ENTRIES, readCrl } from '../../../shared/signature/x509/crl.js';
import { verifySignatures } from '../../../shared/signature/verify-signatures.js';
import { writeDer } from '../document/der.js';
import { TEXTS } from '../texts.js';
import { type Attack, seedNamed } from './attack.js';
import { commonName, makeCertificate, makeKeys, signDer } from './certificate.js';

const keys = makeKeys();

/** A list of revoked certificates, signed by the authority that it is of. */
function list(entries: number): Attack {
  return {
    name: `a list of ${entries} revoked certificates`,
    prepare: () => {
      const issuer = parseCertificate(makeCertificate({ keys }));
      const time = writeDer(0x18, Buffer.from('20260101000000Z'));
      const reason = Buffer.from('300c300a0603551d1504030a0101', 'hex');
      const all = Array.from({ length: entries }, (_, at) => {
        const serial = Buffer.alloc(5, 1);
        serial.writeUInt32BE(at, 1);
        return writeDer(0x30, writeDer(0x02, serial), time, reason);
      });
      const ecdsa = Buffer.from('300a06082a8648ce3d040302', 'hex');
      const next = writeDer(0x18, Buffer.from('20491231000000Z'));
      const version = writeDer(0x02, Buffer.from([1]));
      const signed = writeDer(
        0x30,
        version,
        ecdsa,
        commonName('attacker'),
        time,
        next,
        writeDer(0x30, Buffer.concat(all)),
      );
      const bytes = signDer(signed, keys);
      const point = { urls: [], names: new Set<string>(), foreign: false };
      return () => {
        const reading = readCrl(bytes, { certificate: issuer, issuer, point, at: new Date('2026-12-01T00:00:00Z') });
        return `${bytes.byteLength} bytes, ${typeof reading === 'string' ? reading : 'read'}`;
      };
    },
  };
}

/** Patterns that cost a backtracking engine its life, each against the longest text. */
const patterns: Attack = {
  name: `${TEXTS.length} patterns against ${MAX_SUBJECT_LENGTH} characters`,
  prepare: () => () => {
    const text = `${'a'.repeat(MAX_SUBJECT_LENGTH - 1)}!`;
    const results = TEXTS.map((source) => {
      try {
        return parsePattern(source).matches(text) ? 'takes' : 'leaves';
      } catch (error) {
        if (error instanceof AppError) return 'refused';
        throw error;
      }
    });
    return ['takes', 'leaves', 'refused']
      .map((each) => `${results.filter((one) => one === each).length} ${each}`)
      .join(', ');
  },
};

/** The largest pattern that is taken. */
const largestPattern: Attack = {
  name: `the largest pattern against ${MAX_SUBJECT_LENGTH} characters`,
  prepare: () => () => {
    const pattern = parsePattern('(a?a?a?a?a?a?a?a?){64}b');
    return String(pattern.matches('a'.repeat(MAX_SUBJECT_LENGTH)));
  },
};

/** An image with many referrers, in a registry that answers at once. */
function referrers(count: number): Attack {
  return {
    name: `${count} referrers`,
    prepare: (seeds) => {
      const seed = seedNamed(seeds, 'notation-jws-p-256');
      const text = seed.parts.manifest.toString('utf8');
      const manifests = Array.from({ length: count }, (_, at) => Buffer.from(`${text}${' '.repeat(at)}`));
      const byDigest = new Map(manifests.map((bytes) => [digestOf(bytes), bytes]));
      const descriptors = manifests.map((bytes) => ({
        mediaType: MediaType.ociManifest,
        digest: digestOf(bytes),
        size: bytes.byteLength,
      }));
      const unknown = () => Promise.reject(new AppError('MANIFEST_UNKNOWN', 'not there'));
      const layer = seed.parts.layers[0] ?? Buffer.alloc(0);
      const registry = {
        fetchManifest: (_registry: unknown, _repository: unknown, reference: string) => {
          const bytes = byDigest.get(reference as Digest);
          return bytes === undefined
            ? unknown()
            : Promise.resolve({ bytes, mediaType: MediaType.ociManifest, digest: reference as Digest });
        },
        fetchBlob: () => Promise.resolve(layer),
        listReferrers: () => Promise.resolve({ descriptors, truncated: false }),
      };
      const key = {
        registry: parseLoginServer('registry.azurecr.io'),
        repository: parseRepository('app'),
        digest: seed.subject.digest,
      };
      return async () => {
        const evidence = await collectSignatures(key, { subject: seed.subject }, { registry });
        const { outcome, code } = verifySignatures(evidence, seed.readTrust(seed.parts.trust), seed.parts.now);
        return `${evidence.candidates.length} looked at${evidence.truncated ? ', cut' : ''}: ${outcome}, ${code}`;
      };
    },
  };
}

/** What costs the others most. */
export const OTHER_ATTACKS: readonly Attack[] = [
  list(1000),
  list(MAX_CRL_ENTRIES),
  list(MAX_CRL_ENTRIES + 1),
  patterns,
  largestPattern,
  referrers(1000),
];
