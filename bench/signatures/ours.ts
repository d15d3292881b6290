import { collectSignatures } from '../../shared/pipeline/collect-signatures.js';
import { judgeSignatures } from '../../shared/pipeline/judge-signatures.js';
import { cachedEvidence } from '../../shared/registry/cached-evidence.js';
import type { SignatureEvidence, SignedSubject } from '../../shared/signature/candidate.js';
import type { SignatureRequirement } from '../../shared/signature/requirement.js';
import type { SignatureResult } from '../../shared/signature/result.js';
import type { SignedImage } from './image.js';
import { openClient } from './registry.js';

/**
 * How the evidence is come by. `cold`: everything is fetched, the image's own manifest included, and nothing of the registry is
 * kept. `warm`: as the app does it, which knows the image from its ledger, asks for the list of referrers and, where Cosign is
 * wanted, for the tag of its old form every time, and keeps what has a digest.
 */
export type Warmth = 'cold' | 'warm';

/** Collects the evidence of one image, anew each time, with a client of its own. */
export function collector(
  { key, requirement }: Pick<SignedImage, 'key' | 'requirement'>,
  warmth: Warmth,
  counted: () => void = () => undefined,
): () => Promise<SignatureEvidence> {
  const client = openClient(key.registry, counted);
  const fetchSubject = async (): Promise<SignedSubject> => {
    const { bytes, mediaType } = await client.fetchManifest(key.registry, key.repository, key.digest);
    return { digest: key.digest, mediaType, size: bytes.byteLength };
  };
  const cosign = requirement.cosign !== undefined;
  if (warmth === 'cold') {
    return async () => collectSignatures(key, { subject: await fetchSubject(), cosign }, { registry: client });
  }
  const registry = cachedEvidence(client, { clock: () => new Date() });
  let known: Promise<SignedSubject> | undefined;
  return async () => collectSignatures(key, { subject: await (known ??= fetchSubject()), cosign }, { registry });
}

/** Judges what was collected. No certificate here names anybody who could be asked. */
export async function judge(evidence: SignatureEvidence, requirement: SignatureRequirement): Promise<SignatureResult> {
  const askAuthorities = () => Promise.reject(new Error('nobody is to be asked here'));
  return (await judgeSignatures(evidence, requirement, { now: new Date(), askAuthorities })).result;
}
