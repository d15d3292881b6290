import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { digestOf } from '../../../shared/artifact/digest.js';
import { type SingleManifest, parseManifest } from '../../../shared/artifact/manifest.js';
import { MediaType } from '../../../shared/artifact/media-type.js';
import type { SignatureCandidate } from '../../../shared/signature/candidate.js';
import { readTrustStore } from '../../../shared/signature/notation/trust-store.js';
import { verifyNotation } from '../../../shared/signature/notation/verify.js';
import { policyOf, SCOPE } from '../../support/notation.js';

const fixture = (name: string) => readFileSync(join(import.meta.dirname, '..', '..', 'fixtures', 'notation', name));

const subjectBytes = fixture('subject.json');
const subject = { digest: digestOf(subjectBytes), mediaType: MediaType.ociManifest, size: subjectBytes.byteLength };
/** Both the certificate that is valid for a day and the expiry of a day hold then. */
const NOW = new Date('2026-11-28T12:00:00Z');
const LATER = new Date('2026-12-01T00:00:00Z');

function candidateOf(name: string): SignatureCandidate {
  const bytes = fixture(`${name}-manifest.json`);
  const manifest = parseManifest(bytes, { mediaType: MediaType.ociManifest }) as SingleManifest;
  const envelope = fixture(`${name}-envelope.${name.endsWith('jws') ? 'json' : 'cbor'}`);
  return {
    kind: 'notation',
    manifestDigest: digestOf(bytes),
    manifest,
    payloads: [{ descriptor: manifest.layers[0]!, bytes: envelope }],
  };
}

const storeOf = (file: string) =>
  readTrustStore({ type: 'ca', name: 'ours', files: [{ name: file, bytes: fixture(file) }] });
const CASES = [
  ['rsa-jws', 'rsa.crt', 'x509.subject: C=US, S=WA, O=Notary, CN=rsa.example', 'CERTIFICATE_EXPIRED'],
  ['rsa-cose', 'rsa.crt', 'x509.subject: C=US, S=WA, O=Notary, CN=rsa.example', 'CERTIFICATE_EXPIRED'],
  ['ec-jws', 'ec-root.pem', 'x509.subject: C=DE, ST=Hessen, O=Lazaret', 'SIGNATURE_EXPIRED'],
  ['ec-cose', 'ec-root.pem', 'x509.subject: C=DE, ST=Hessen, O=Lazaret', 'SIGNATURE_EXPIRED'],
] as const;

describe.each(CASES)('a signature made by the real notation: %s', (name, file, identity, later) => {
  const verify = (now = NOW, size = subject.size) =>
    verifyNotation(
      candidateOf(name),
      { subject: { ...subject, size }, now, revocation: new Map() },
      {
        scope: SCOPE,
        policy: policyOf({ trustedIdentities: [identity] }),
        stores: new Map([['ca:ours', storeOf(file)]]),
      },
    );

  it('is verified', () => {
    expect(verify()).toMatchObject({ outcome: 'verified', code: 'SIGNATURE_VERIFIED', needs: [] });
  });

  it('is refused once it, or its certificate, has expired', () => {
    expect(verify(LATER)).toMatchObject({ outcome: 'refused', code: later });
  });

  it('is refused for another artifact', () => {
    expect(verify(NOW, 1)).toMatchObject({ outcome: 'refused', code: 'SIGNATURE_OTHER_DIGEST' });
  });

  it('is refused by the store of another', () => {
    const other = file === 'rsa.crt' ? 'ec-root.pem' : 'rsa.crt';
    const trust = {
      scope: SCOPE,
      policy: policyOf({ trustedIdentities: ['*'] }),
      stores: new Map([['ca:ours', storeOf(other)] as const]),
    };
    expect(verifyNotation(candidateOf(name), { subject, now: NOW, revocation: new Map() }, trust)).toMatchObject({
      outcome: 'refused',
      code: 'NOTATION_UNTRUSTED_CERTIFICATE',
    });
  });
});
