import { digestOf, parseDigest } from '../../shared/artifact/digest.js';
import type { SignatureCandidate, SignatureEvidence } from '../../shared/signature/candidate.js';
import type { SignatureRequirement } from '../../shared/signature/requirement.js';
import { type Verifier, ourVerifier } from '../../local/fuzz/verifier.js';

/** A verifier with a fault, and how the fuzzer is to tell of it. */
export interface Planted {
  readonly name: string;
  readonly verify: Verifier;
  readonly kind: 'crash' | 'passed' | 'cost';
  /** Something that the cause says. */
  readonly cause: RegExp;
  /** The seeds in which it shows, by their names; default: any. */
  readonly seeds?: RegExp;
  /** The most milliseconds; default: as many as a verification may take. */
  readonly milliseconds?: number;
}

type Edit = (candidate: SignatureCandidate, evidence: SignatureEvidence) => SignatureCandidate;

/** Looks at something else than what is there: so a check has nothing to find. */
const blind =
  (edit: Edit): Verifier =>
  (evidence, requirement, now) => {
    const candidates = evidence.candidates.map((candidate) => edit(candidate, evidence));
    return ourVerifier({ ...evidence, candidates }, requirement, now);
  };

/** Other bytes in every layer, with descriptors that fit. */
const rewritten = (edit: (text: string) => string): Verifier =>
  blind((candidate) => {
    const payloads = candidate.payloads.map(({ descriptor, bytes }) => {
      if (bytes[0] !== 0x7b || candidate.kind === 'cosign-legacy') return { descriptor, bytes };
      const changed = Buffer.from(edit(Buffer.from(bytes).toString('utf8')));
      if (digestOf(bytes) !== descriptor.digest) return { descriptor, bytes };
      return { descriptor: { ...descriptor, size: changed.byteLength, digest: digestOf(changed) }, bytes: changed };
    });
    const layers = payloads.map(({ descriptor }) => descriptor);
    return { ...candidate, payloads, manifest: { ...candidate.manifest, layers } };
  });

const tolerant = (text: string): string => {
  try {
    return JSON.stringify(JSON.parse(text));
  } catch {
    return text;
  }
};

const withoutTimes: Verifier = (evidence, requirement, now) => {
  const { notation } = requirement;
  if (notation === undefined) return ourVerifier(evidence, requirement, now);
  const statements = notation.policy.statements.map((each) => ({
    ...each,
    actions: { ...each.actions, authenticTimestamp: 'logged' as const },
  }));
  return ourVerifier(evidence, { ...requirement, notation: { ...notation, policy: { statements } } }, now);
};

const withoutLog: Verifier = (evidence, requirement, now) => {
  const ignoring = <Trust extends object>(trust: Trust) => ({ ...trust, transparencyLog: 'ignored' as const });
  const { cosign, attestations } = requirement;
  const changed: SignatureRequirement = {
    ...requirement,
    ...(cosign && { cosign: ignoring(cosign) }),
    attestations: attestations.map((each) => ({ ...each, cosign: ignoring(each.cosign) })),
  };
  return ourVerifier(evidence, changed, now);
};

const anySubject: Verifier = (evidence, requirement, now) => {
  const [candidate] = evidence.candidates;
  const text = Buffer.from(candidate?.payloads[0]?.bytes ?? []).toString('latin1');
  const named = /"docker-manifest-digest":\s*"(sha256:[0-9a-f]{64})"/.exec(text)?.[1];
  const digest = named === undefined ? evidence.subject.digest : parseDigest(named);
  return ourVerifier({ ...evidence, subject: { ...evidence.subject, digest } }, requirement, now);
};

const fragile: Verifier = (evidence, requirement, now) => {
  for (const { payloads } of evidence.candidates) {
    for (const { bytes } of payloads) {
      // A reader that is sure of what it reads.
      if (bytes[0] === 0x7b) Object.keys(JSON.parse(Buffer.from(bytes).toString('latin1')) as object);
    }
  }
  return ourVerifier(evidence, requirement, now);
};

const slow: Verifier = (evidence, requirement, now) => {
  // Not every verification: only where somebody has made something long.
  const isLong = evidence.candidates.some(({ payloads }) => payloads.some(({ bytes }) => bytes.byteLength > 40_000));
  const begun = process.threadCpuUsage();
  while (isLong && process.threadCpuUsage(begun).user < 400_000);
  return ourVerifier(evidence, requirement, now);
};

/** Faults that verifiers have had, one at a time. */
export const PLANTED: readonly Planted[] = [
  {
    name: 'does not look whether a bundle’s or a signature’s manifest is about this image',
    verify: blind((candidate, { subject }) => ({ ...candidate, manifest: { ...candidate.manifest, subject } })),
    kind: 'passed',
    cause: /manifest\.subject/,
  },
  {
    name: 'takes JSON that has a member twice',
    verify: rewritten(tolerant),
    kind: 'passed',
    cause: /#twice/,
  },
  {
    name: 'takes base64 with junk in it',
    verify: rewritten((text) => text.replaceAll(/\\[nrt]|\\u00a0|\\u200b|[\u00a0\u200b]/g, '')),
    kind: 'passed',
    cause: /json\./,
    seeds: /^(notation-jws|cosign-bundle)-p-/,
  },
  {
    name: 'does not compare layers with their digests',
    verify: blind((candidate) => {
      const payloads = candidate.payloads.map(({ descriptor, bytes }) => ({
        descriptor: { ...descriptor, digest: digestOf(bytes), size: bytes.byteLength },
        bytes,
      }));
      const layers = payloads.map(({ descriptor }) => descriptor);
      return { ...candidate, payloads, manifest: { ...candidate.manifest, layers } };
    }),
    kind: 'passed',
    cause: /layer\.intact/,
  },
  {
    name: 'takes the image that the payload names for the one that is asked about',
    verify: anySubject,
    kind: 'passed',
    cause: /payload/,
    seeds: /^(notation-jws-p-256|cosign-keyless-legacy-2)/,
  },
  { name: 'does not ask for a log', verify: withoutLog, kind: 'passed', cause: /tlogEntries|bundle/ },
  { name: 'does not look at times', verify: withoutTimes, kind: 'passed', cause: /clock|timestamp/ },
  { name: 'throws for what is no JSON', verify: fragile, kind: 'crash', cause: /SyntaxError/ },
  { name: 'takes long for some', verify: slow, kind: 'cost', cause: /layer/, milliseconds: 250 },
];
