import { describe, expect, it } from 'vitest';
import * as sample from '../../local/sample/image.js';
import { type KeyPair, generateKeyPair, signBundle, signLegacy } from '../../local/signer/signer.js';
import { digestOf } from '../../shared/artifact/digest.js';
import { type SingleManifest, parseManifest } from '../../shared/artifact/manifest.js';
import { MediaType } from '../../shared/artifact/media-type.js';
import { type SignatureEvidence, signatureKind } from '../../shared/signature/candidate.js';
import { readEvidence, writeEvidence } from '../../shared/signature/stored-evidence.js';
import { cosignTrust } from '../../shared/signature/cosign/trust.js';
import { parsePublicKey } from '../../shared/signature/trust.js';
import { verifySignatures } from '../../shared/signature/verify-signatures.js';

const keys = generateKeyPair();
const image = await sample.imageOf([{ path: 'a', content: 'a' }]);

function evidenceOf(sign: (subject: typeof image, keys: KeyPair) => sample.Artifact): SignatureEvidence {
  const artifact = sign(image, keys);
  const manifest = parseManifest(artifact.bytes, { mediaType: MediaType.ociManifest }) as SingleManifest;
  const payloads = manifest.layers.flatMap((descriptor) => {
    const blob = artifact.blobs.find(({ bytes }) => digestOf(bytes) === descriptor.digest);
    return blob === undefined ? [] : [{ descriptor, bytes: blob.bytes }];
  });
  const candidate = { kind: signatureKind(manifest)!, manifestDigest: artifact.digest, manifest, payloads };
  const subject = { digest: image.digest, mediaType: image.mediaType, size: image.bytes.byteLength };
  const at = '2026-06-01T12:00:00.000Z';
  const revocation = new Map([
    ['a'.repeat(64), { id: 'a'.repeat(64), at, outcome: 'answered' as const, bytes: Buffer.from('crl') }],
    ['b'.repeat(64), { id: 'b'.repeat(64), at, outcome: 'failed' as const, code: 'TIMEOUT' }],
  ]);
  return { subject, candidates: [candidate], truncated: false, revocation };
}

const judge = (evidence: SignatureEvidence, pair: KeyPair) =>
  verifySignatures(
    evidence,
    {
      require: 'any',
      cosign: cosignTrust({ keys: [parsePublicKey('k', pair.publicKey)], transparencyLog: 'ignored' }),
      attestations: [],
    },
    new Date('2026-06-01T12:00:00Z'),
  );
const stored = (evidence: SignatureEvidence) => writeEvidence(evidence, judge(evidence, keys));
type Json = Record<string, unknown> & { candidates: Record<string, unknown>[] };

describe('signatures that are stored', () => {
  it.each([
    ['a bundle', (subject: typeof image, pair: KeyPair) => signBundle(subject, pair)],
    ['the old form', (subject: typeof image, pair: KeyPair) => signLegacy(subject, pair, 'r/app').artifact],
  ])('are judged as when they were fetched: %s', (_, sign) => {
    const evidence = evidenceOf(sign);
    const read = readEvidence(stored(evidence), image.digest);
    for (const pair of [keys, generateKeyPair()]) expect(judge(read, pair)).toEqual(judge(evidence, pair));
    expect(judge(read, keys).outcome).toBe('verified');
    expect(
      judge(readEvidence(stored({ ...evidence, truncated: true }), image.digest), generateKeyPair()),
    ).toMatchObject({
      outcome: 'inconclusive',
    });
  });

  const evidence = evidenceOf((subject, pair) => signBundle(subject, pair));
  const changed = (change: (json: Json) => unknown) => {
    const json = JSON.parse(Buffer.from(stored(evidence)).toString()) as Json;
    return Buffer.from(JSON.stringify(change(json)));
  };
  it.each([
    ['nothing', Buffer.from('')],
    ['no JSON', Buffer.from('{')],
    ['not UTF-8', Buffer.from([0x22, 0xff, 0x22])],
    ['null', Buffer.from('null')],
    ['another subject', changed((json) => ({ ...json, subject: digestOf('other') }))],
    ['a member that is not known', changed((json) => ({ ...json, trusted: true }))],
    ['a missing member', changed(({ truncated, ...json }) => ({ ...json, was: truncated }))],
    ['a kind that is none', changed((json) => ({ ...json, candidates: [{ ...json.candidates[0], kind: 'gpg' }] }))],
    ['too many', changed((json) => ({ ...json, candidates: Array.from({ length: 101 }, () => json.candidates[0]) }))],
    [
      'an envelope that is another one',
      changed((json) => {
        const [payload] = json.candidates[0]?.['payloads'] as Record<string, unknown>[];
        return { ...json, candidates: [{ ...json.candidates[0], payloads: [{ ...payload, base64: 'AAAA' }] }] };
      }),
    ],
    [
      'an envelope that is no base64',
      changed((json) => {
        const [payload] = json.candidates[0]?.['payloads'] as Record<string, unknown>[];
        return { ...json, candidates: [{ ...json.candidates[0], payloads: [{ ...payload, base64: '%' }] }] };
      }),
    ],
  ])('are not believed for %s', (_, bytes) => {
    expect(() => readEvidence(bytes, image.digest)).toThrow(expect.objectContaining({ code: 'EVIDENCE_MALFORMED' }));
  });
});
