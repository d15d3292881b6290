import { sign } from 'node:crypto';
import { makeArtifact } from '../../local/sample/image.js';
import { toBlob } from '../../local/sample/layer.js';
import { MediaType } from '../../shared/artifact/media-type.js';
import type { SignatureCandidate } from '../../shared/signature/candidate.js';
import { SIGNATURE_ANNOTATION } from '../../shared/signature/cosign/annotations.js';
import { preAuthEncoding } from '../../shared/signature/cosign/envelope.js';
import { SIMPLE_SIGNING_TYPE } from '../../shared/signature/cosign/legacy.js';
import { type Keys, makeKeys } from './certificates.js';
import { BODIES, type BodyKind, type EntryOptions, type Logged, base64, logEntry } from './sigstore-logs.js';
import { type Certified, certify, image, statementOf, timestamp, toCandidate, world } from './sigstore-world.js';

/** What a layer of the old form differs in from a good one. */
export interface LayerOptions extends Certified {
  readonly key?: Keys;
  readonly keys?: Keys;
  readonly payload?: Uint8Array;
  readonly critical?: object;
  readonly about?: Partial<Logged>;
  readonly body?: BodyKind;
  readonly entry?: Partial<EntryOptions>;
  readonly withoutLog?: boolean;
  readonly stamped?: boolean;
  readonly annotations?: Readonly<Record<string, string | undefined>>;
}

export const ANNOTATION = {
  signature: SIGNATURE_ANNOTATION,
  certificate: 'dev.sigstore.cosign/certificate',
  chain: 'dev.sigstore.cosign/chain',
  bundle: 'dev.sigstore.cosign/bundle',
  timestamp: 'dev.sigstore.cosign/rfc3161timestamp',
} as const;

/** https://github.com/sigstore/cosign/blob/main/specs/SIGNATURE_SPEC.md */
export const simpleSigning = (critical: object = {}) => ({
  critical: {
    identity: { 'docker-reference': 'registry.test/app' },
    image: { 'docker-manifest-digest': image.digest },
    type: SIMPLE_SIGNING_TYPE,
    ...critical,
  },
  optional: null,
});

/** The annotations that vouch for a signature, as Cosign 2 writes them. */
function vouchers(of: Logged, options: LayerOptions, body: object): Record<string, string | undefined> {
  const entry = logEntry({ log: world.rekor, body, ...options.entry });
  const bundle = {
    SignedEntryTimestamp: entry.inclusionPromise?.signedEntryTimestamp,
    Payload: {
      body: entry.canonicalizedBody,
      integratedTime: Number(entry.integratedTime),
      logIndex: Number(entry.logIndex),
      logID: Buffer.from(entry.logId.keyId, 'base64').toString('hex'),
    },
  };
  return {
    ...(options.key === undefined && { [ANNOTATION.certificate]: of.pem }),
    ...(options.withoutLog !== true && { [ANNOTATION.bundle]: JSON.stringify(bundle) }),
    ...(options.stamped === true && {
      [ANNOTATION.timestamp]: JSON.stringify({ SignedRFC3161Timestamp: timestamp(of.signature) }),
    }),
  };
}

function toLogged(signed: Uint8Array, payload: Uint8Array, options: LayerOptions): Logged {
  const keys = options.key ?? options.keys ?? makeKeys();
  const certificate = options.key === undefined ? certify(keys, options) : undefined;
  return {
    ...{ signed, payload, signature: sign('sha256', signed, keys.privateKey) },
    pem: certificate?.pem.replace('\n\n', '\n') ?? keys.publicKey.export({ type: 'spki', format: 'pem' }).toString(),
    der: certificate?.der ?? keys.publicKey.export({ type: 'spki', format: 'der' }),
  };
}

interface Layer {
  readonly type: string;
  readonly blob: ReturnType<typeof toBlob>;
  readonly annotations: Record<string, string>;
}

const withoutGaps = (annotations: Readonly<Record<string, string | undefined>>): Record<string, string> =>
  Object.fromEntries(Object.entries(annotations).filter((pair): pair is [string, string] => pair[1] !== undefined));

/** One layer of a `.sig` manifest. */
export function sigLayer(options: LayerOptions = {}): Layer {
  const payload = options.payload ?? Buffer.from(JSON.stringify(simpleSigning(options.critical)));
  const logged = toLogged(payload, payload, options);
  const annotations = {
    [ANNOTATION.signature]: base64(logged.signature),
    ...vouchers(logged, options, BODIES[options.body ?? 'hashedrekord 0.0.1']({ ...logged, ...options.about })),
    ...options.annotations,
  };
  return { type: MediaType.simpleSigning, blob: toBlob(payload), annotations: withoutGaps(annotations) };
}

/** One layer of a `.att` manifest. https://github.com/sigstore/cosign/blob/main/specs/ATTESTATION_SPEC.md */
export function attLayer(options: LayerOptions & { readonly statement?: object } = {}): Layer {
  const payloadType = 'application/vnd.in-toto+json';
  const payload = options.payload ?? Buffer.from(JSON.stringify(options.statement ?? statementOf()));
  const logged = toLogged(Buffer.from(preAuthEncoding(payloadType, payload)), payload, options);
  const envelope = {
    payloadType,
    payload: base64(payload),
    signatures: [{ keyid: '', sig: base64(logged.signature) }],
  };
  const annotations = {
    [ANNOTATION.signature]: '',
    predicateType: 'https://unsigned.test',
    ...vouchers(logged, options, BODIES['dsse 0.0.1']({ ...logged, ...options.about })),
    ...options.annotations,
  };
  return { type: MediaType.dsse, blob: toBlob(JSON.stringify(envelope)), annotations: withoutGaps(annotations) };
}

/** The manifest under the tag `sha256-….sig` or `.att`. */
export function legacyCandidate(...layers: readonly Layer[]): SignatureCandidate {
  const config = toBlob(
    JSON.stringify({ rootfs: { type: 'layers', diff_ids: layers.map(({ blob }) => blob.digest) } }),
  );
  return toCandidate(makeArtifact({ configType: MediaType.ociConfig, config, layers: [...layers] }));
}
