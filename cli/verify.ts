import { openLayout } from '../shared/registry/layout.js';
import type { Digest } from '../shared/artifact/digest.js';
import { type Place, parsePlace, parseReference } from '../shared/artifact/reference.js';
import { type CollectDeps, collectSignatures } from '../shared/pipeline/collect-signatures.js';
import { type AskAuthorities, judgeSignatures } from '../shared/pipeline/judge-signatures.js';
import { type VerifyReport, toVerifyReport } from '../shared/pipeline/verify-report.js';
import { clean } from './clean.js';
import { connect } from './client.js';
import { UsageError } from './usage.js';
import { createAsk } from './verify/ask.js';
import { openRegistry } from './verify/registry.js';
import { type TrustOptions, namesTrust, readTrust } from './verify/trust.js';

/** What `verify` is asked. */
export interface VerifyOptions extends TrustOptions {
  /** An image in a registry; either this or a layout. */
  readonly reference: string | undefined;
  /** `DIR`, `DIR:tag` or `DIR@sha256:…`. */
  readonly layout: string | undefined;
  /** `registry/repository` that a layout stands for. */
  readonly scope: string | undefined;
  /** RFC 3339: the moment of the verification; now where it is absent. */
  readonly at: string | undefined;
  /** Hosts on private addresses that may be asked whether a certificate is revoked. */
  readonly allowHosts: readonly string[];
  readonly endpoint: string | undefined;
  readonly json: boolean;
}

const EXIT: Readonly<Record<VerifyReport['verdict'], number>> = { pass: 0, fail: 1, inconclusive: 2 };

/** What a layout stands for where nobody says. Nothing is asked of this host. */
const NOWHERE = 'layout.invalid/image';

/** Verifies the signatures of an image; returns the exit code. */
export async function verify(
  options: VerifyOptions,
  print: (text: string) => void,
  askAuthorities: AskAuthorities = createAsk(options.allowHosts),
): Promise<number> {
  const report = await verifyNow(options, askAuthorities);
  print(options.json ? JSON.stringify(report) : describe(report));
  return EXIT[report.verdict];
}

async function verifyNow(options: VerifyOptions, askAuthorities: AskAuthorities): Promise<VerifyReport> {
  const { reference, layout: place } = options;
  if ((reference === undefined) === (place === undefined)) {
    throw new UsageError('verify needs one of REF and --layout DIR, DIR:tag or DIR@sha256:…');
  }
  if (reference !== undefined && !namesTrust(options)) return askLazaret(reference, options);
  if (!namesTrust(options)) {
    throw new UsageError(
      'verify needs to know whom to trust: --key, --certificate-identity, --notation-config or --policy',
    );
  }
  const now = timeOf(options.at);
  const { where, named, open } = reference === undefined ? ofLayout(options) : ofRegistry(reference);
  // A call that is wrong is told before anything is asked or opened.
  const trust = await readTrust(options, where);
  const { registry, digest } = await open();
  const key = { ...where, digest };
  const { bytes, mediaType } = await registry.fetchManifest(key.registry, key.repository, digest);
  const subject = { digest, mediaType, size: bytes.byteLength };
  const collected = await collectSignatures(key, { subject, ...trust.collect }, { registry });
  const { result } = await judgeSignatures(collected, trust.requirement, { now, askAuthorities });
  return toVerifyReport(digest, result, named ? key : undefined);
}

/** The Lazaret that looks after this registry verifies it anew, by its own policy. */
async function askLazaret(reference: string, { endpoint, at, scope }: VerifyOptions): Promise<VerifyReport> {
  if ((at ?? scope) !== undefined) {
    throw new UsageError('--at and --scope go with --key, --certificate-identity, --notation-config or --policy');
  }
  const client = await connect(parseReference(reference), endpoint);
  return (await client.get('verifyNow', { reference })) as VerifyReport;
}

interface Source {
  readonly where: Place;
  /** Whether that is where it really is. */
  readonly named: boolean;
  readonly open: () => Promise<{ readonly registry: CollectDeps['registry']; readonly digest: Digest }>;
}

function ofLayout({ layout: place = '', scope }: VerifyOptions): Source {
  const name = scope ?? NOWHERE;
  if (name.indexOf('/') <= 0) throw new UsageError('--scope is registry/repository');
  const where = parsePlace(name);
  const open = async () => {
    const { directory, reference } = parseLayoutPlace(place);
    const { registry, resolve } = await openLayout(directory);
    return { registry, digest: resolve(reference) };
  };
  return { where, named: scope !== undefined, open };
}

function ofRegistry(text: string): Source {
  const reference = parseReference(text);
  const { registry: host, repository, tag, digest: known } = reference;
  const open = async () => {
    const registry = openRegistry(host);
    // A tag is resolved once.
    const digest = known ?? (await registry.fetchManifest(host, repository, tag)).digest;
    return { registry, digest };
  };
  return { where: { registry: host, repository }, named: true, open };
}

/** `DIR`, `DIR:tag` or `DIR@sha256:…`. */
function parseLayoutPlace(place: string): { readonly directory: string; readonly reference: string | undefined } {
  const at = place.lastIndexOf('@sha256:');
  if (at !== -1) return { directory: place.slice(0, at), reference: place.slice(at + 1) };
  const colon = place.lastIndexOf(':');
  if (colon <= place.lastIndexOf('/')) return { directory: place, reference: undefined };
  return { directory: place.slice(0, colon), reference: place.slice(colon + 1) };
}

const RFC_3339 = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?(?:Z|[+-]\d{2}:\d{2})$/;

function timeOf(at: string | undefined): Date {
  if (at === undefined) return new Date();
  const time = new Date(at);
  if (!RFC_3339.test(at) || Number.isNaN(time.getTime())) {
    throw new UsageError('--at is a time such as 2026-06-01T12:00:00Z');
  }
  return time;
}

function describe({ verdict, reference, digest, reasons, parts, signatures }: VerifyReport): string {
  return [
    `${verdict.toUpperCase()}  ${clean(reference ?? digest)}`,
    ...reasons.map(({ code, message }) => `  because    ${clean(code)}: ${clean(message)}`),
    ...parts.map(({ name, outcome }) => `  asks for   ${clean(name)}: ${clean(outcome)}`),
    ...signatures.flatMap(({ kind, digest: own, outcome, signer, checks }) => [
      `  signature  ${clean(kind)} ${clean(own)}: ${clean(outcome)}${signer === null ? '' : `, by ${clean(signer)}`}`,
      ...checks.map(
        ({ type, action, outcome: came, code, message }) =>
          `    ${clean(type).padEnd(18)} ${clean(action).padEnd(8)} ${clean(came).padEnd(7)} ${clean(code)}: ${clean(message)}`,
      ),
    ]),
  ].join('\n');
}
