import { readFile } from 'node:fs/promises';
import { parseLoginServer } from '../shared/artifact/login-server.js';
import { parseRepository } from '../shared/artifact/repository.js';
import { collectSignatures } from '../shared/pipeline/collect-signatures.js';
import { openLayout } from '../shared/registry/layout.js';
import type { Check, SignatureResult } from '../shared/signature/result.js';
import { parsePublicKey } from '../shared/signature/trust.js';
import { verifySignatures } from '../shared/signature/verify-signatures.js';
import { clean } from './clean.js';
import { UsageError } from './usage.js';

/** What `verify` is asked. */
export interface VerifyOptions {
  /** `DIR`, `DIR:tag` or `DIR@sha256:…`. */
  readonly layout: string | undefined;
  /** A PEM file. */
  readonly key: string | undefined;
  /** Whether nothing is asked of transparency logs. */
  readonly ignoreTransparencyLog: boolean;
  readonly json: boolean;
}

/** What `verify` found. */
export interface VerifyReport {
  readonly verdict: 'pass' | 'fail' | 'inconclusive';
  readonly digest: string;
  readonly reasons: readonly { readonly code: string; readonly message: string }[];
  readonly signatures: readonly {
    readonly kind: string;
    /** Of the signature's own manifest. */
    readonly digest: string;
    readonly checks: readonly Check[];
  }[];
}

const VERDICTS: Readonly<Record<SignatureResult['outcome'], VerifyReport['verdict']>> = {
  verified: 'pass',
  missing: 'fail',
  untrusted: 'fail',
  inconclusive: 'inconclusive',
};
const EXIT: Readonly<Record<VerifyReport['verdict'], number>> = { pass: 0, fail: 1, inconclusive: 2 };

/** A layout is no registry: it is judged as if it came from here. Nothing is asked of this host. */
const NOWHERE = { registry: parseLoginServer('layout.invalid'), repository: parseRepository('image') };

/** Verifies the signatures of an image in an OCI image layout; returns the exit code. Asks no network. */
export async function verify(options: VerifyOptions, print: (text: string) => void): Promise<number> {
  const { layout: place, key: file, ignoreTransparencyLog, json } = options;
  if (place === undefined) throw new UsageError('verify needs --layout DIR, DIR:tag or DIR@sha256:…');
  if (file === undefined) throw new UsageError('verify needs --key FILE: keyless signatures are not verified yet');
  if (!ignoreTransparencyLog)
    throw new UsageError('transparency logs are not verified yet: say --insecure-ignore-tlog to verify without');
  const { directory, reference } = parsePlace(place);
  const pem = await readFile(file, 'utf8').catch(() => {
    throw new UsageError(`the key cannot be read: ${file}`);
  });
  const layout = await openLayout(directory);
  const digest = layout.resolve(reference);
  const { bytes, mediaType } = await layout.registry.fetchManifest(NOWHERE.registry, NOWHERE.repository, digest);
  const subject = { digest, mediaType, size: bytes.byteLength };
  const evidence = await collectSignatures({ ...NOWHERE, digest }, subject, layout);
  const requirement = { require: 'any', cosign: { keys: [parsePublicKey(file, pem)] }, attestations: [] } as const;
  const result = verifySignatures(evidence, requirement, new Date());
  const report = toReport(digest, result);
  print(json ? JSON.stringify(report) : describe(report));
  return EXIT[report.verdict];
}

/** `DIR`, `DIR:tag` or `DIR@sha256:…`. */
function parsePlace(place: string): { readonly directory: string; readonly reference: string | undefined } {
  const at = place.lastIndexOf('@sha256:');
  if (at !== -1) return { directory: place.slice(0, at), reference: place.slice(at + 1) };
  const colon = place.lastIndexOf(':');
  if (colon <= place.lastIndexOf('/')) return { directory: place, reference: undefined };
  return { directory: place.slice(0, colon), reference: place.slice(colon + 1) };
}

function toReport(digest: string, { outcome, code, message, signatures }: SignatureResult): VerifyReport {
  const verdict = VERDICTS[outcome];
  return {
    verdict,
    digest,
    reasons: verdict === 'pass' ? [] : [{ code, message }],
    signatures: signatures.map(({ kind, manifestDigest, checks }) => ({ kind, digest: manifestDigest, checks })),
  };
}

function describe({ verdict, digest, reasons, signatures }: VerifyReport): string {
  return [
    `${verdict.toUpperCase()}  ${digest}`,
    ...reasons.map(({ code, message }) => `  because    ${clean(code)}: ${clean(message)}`),
    ...signatures.flatMap(({ kind, digest: own, checks }) => [
      `  signature  ${clean(kind)} ${own}`,
      ...checks.map(({ outcome, code, message }) => `    ${outcome.padEnd(12)} ${clean(code)}: ${clean(message)}`),
    ]),
  ].join('\n');
}
