import { readFile } from 'node:fs/promises';
import { readTrustDirectory } from '../../shared/config/trust-directory.js';
import type { Place } from '../../shared/artifact/reference.js';
import type { Wanted } from '../../shared/pipeline/collect-signatures.js';
import { requirementOf, wantedBy } from '../../shared/pipeline/requirement.js';
import { matchRule } from '../../shared/policy/match.js';
import { parseIdentity } from '../../shared/signature/cosign/identity.js';
import { type CosignTrust, cosignTrust } from '../../shared/signature/cosign/trust.js';
import { parseTrustedRoot } from '../../shared/signature/cosign/trusted-root.js';
import { readNotationMaterial } from '../../shared/signature/notation/material.js';
import type { SignatureRequirement } from '../../shared/signature/requirement.js';
import { parsePublicKey } from '../../shared/signature/trust.js';
import { loadPolicyHere } from '../load-policy.js';
import { UsageError } from '../usage.js';

/** Whom to trust: Cosign's own option names, Notation's own files, or a policy. */
export interface TrustOptions {
  /** A PEM file. */
  readonly key: string | undefined;
  readonly certificateIdentity: string | undefined;
  readonly certificateIdentityRegexp: string | undefined;
  readonly certificateOidcIssuer: string | undefined;
  readonly certificateOidcIssuerRegexp: string | undefined;
  /** A file as Sigstore distributes it. */
  readonly trustedRoot: string | undefined;
  /** Whether nothing is asked of transparency logs. */
  readonly ignoreTransparencyLog: boolean;
  /** A directory with a trust policy and a trust store. */
  readonly notationConfig: string | undefined;
  /** The predicate type of an attestation that is wanted in the place of a Cosign signature. */
  readonly attestationType: string | undefined;
  /** A policy file, whose rule for the image counts. */
  readonly policy: string | undefined;
}

/** Whom to trust, and what has to be fetched for it. */
export interface Trust {
  readonly requirement: SignatureRequirement;
  readonly collect: Wanted;
}

/** Whether the options say whom to trust. */
export function namesTrust(options: TrustOptions): boolean {
  const { key, notationConfig, policy } = options;
  return (key ?? notationConfig ?? policy) !== undefined || namesIdentity(options);
}

function namesIdentity(options: TrustOptions): boolean {
  const { certificateIdentity, certificateIdentityRegexp, certificateOidcIssuer, certificateOidcIssuerRegexp } =
    options;
  return (
    (certificateIdentity ?? certificateIdentityRegexp ?? certificateOidcIssuer ?? certificateOidcIssuerRegexp) !==
    undefined
  );
}

/**
 * Reads what the options name. A key or an identity and Notation's configuration together mean that both have to have signed.
 * Throws {@link UsageError}, or what is wrong with a file.
 */
export async function readTrust(options: TrustOptions, where: Place): Promise<Trust> {
  if (options.policy !== undefined) return ofPolicy(options.policy, options, where);
  const notation = options.notationConfig;
  const cosign = options.key !== undefined || namesIdentity(options) ? await readCosign(options) : undefined;
  const predicateType = predicateTypeOf(options.attestationType);
  if (predicateType !== undefined && cosign === undefined) {
    throw new UsageError('--attestation-type goes with --key or --certificate-identity');
  }
  return {
    requirement: {
      require: 'all',
      ...(cosign && predicateType === undefined && { cosign }),
      ...(notation !== undefined && {
        notation: { ...(await readNotation(notation)), scope: `${where.registry}/${where.repository}` },
      }),
      attestations: cosign && predicateType !== undefined ? [{ predicateType, cosign }] : [],
    },
    collect: {
      cosign: cosign !== undefined && predicateType === undefined,
      attestations: predicateType === undefined ? [] : [predicateType],
    },
  };
}

async function ofPolicy(file: string, options: TrustOptions, where: Place): Promise<Trust> {
  if ((options.key ?? options.notationConfig ?? options.attestationType) !== undefined || namesIdentity(options)) {
    throw new UsageError('--policy says itself whom to trust');
  }
  const { policy, material } = await loadPolicyHere(file);
  const { signature } = matchRule(policy, where).rule;
  if (signature === undefined) throw new UsageError('the policy asks for no signature of this image');
  return {
    requirement: requirementOf(signature, where, material),
    collect: wantedBy(signature),
  };
}

async function readNotation(directory: string) {
  const files = new Map([...(await readTrustDirectory(directory))].map(([path, bytes]) => [`config/${path}`, bytes]));
  if (files.size === 0) throw new UsageError(`there is no trust policy in ${directory}`);
  return readNotationMaterial('config', files);
}

async function readCosign(options: TrustOptions): Promise<CosignTrust> {
  const { key, trustedRoot, ignoreTransparencyLog: ignored } = options;
  if (key !== undefined && namesIdentity(options)) {
    throw new UsageError('--key and --certificate-identity exclude each other');
  }
  if (trustedRoot === undefined && !(key !== undefined && ignored)) {
    throw new UsageError(
      key === undefined
        ? 'identities are vouched for by authorities: name their file with --trusted-root'
        : 'a transparency log is known by --trusted-root; or say --insecure-ignore-tlog to verify without',
    );
  }
  return cosignTrust({
    keys: key === undefined ? [] : [parsePublicKey(key, await read(key))],
    identities: key === undefined ? [identityOf(options)] : [],
    ...(trustedRoot !== undefined && { trustedRoot: parseTrustedRoot(await read(trustedRoot)) }),
    transparencyLog: ignored ? 'ignored' : 'required',
  });
}

/** Cosign's short names. https://github.com/sigstore/cosign/blob/main/specs/ATTESTATION_SPEC.md and its `--type` */
const PREDICATE_TYPES: ReadonlyMap<string, string> = new Map([
  ['custom', 'https://cosign.sigstore.dev/attestation/v1'],
  ['cyclonedx', 'https://cyclonedx.org/bom'],
  ['link', 'https://in-toto.io/Link/v1'],
  ['openvex', 'https://openvex.dev/ns'],
  ['slsaprovenance', 'https://slsa.dev/provenance/v0.2'],
  ['slsaprovenance02', 'https://slsa.dev/provenance/v0.2'],
  ['slsaprovenance1', 'https://slsa.dev/provenance/v1'],
  ['spdx', 'https://spdx.dev/Document'],
  ['spdxjson', 'https://spdx.dev/Document'],
  ['vuln', 'https://cosign.sigstore.dev/attestation/vuln/v1'],
]);

function predicateTypeOf(type: string | undefined): string | undefined {
  if (type === undefined) return undefined;
  const known = PREDICATE_TYPES.get(type) ?? type;
  if (!URL.canParse(known))
    throw new UsageError(`--attestation-type is a URI, or one of ${[...PREDICATE_TYPES.keys()].join(', ')}`);
  return known;
}

function identityOf(options: TrustOptions) {
  const { certificateIdentity: subject, certificateIdentityRegexp: subjectPattern } = options;
  const { certificateOidcIssuer: issuer, certificateOidcIssuerRegexp: issuerPattern } = options;
  if ((subject === undefined) === (subjectPattern === undefined)) {
    throw new UsageError('say one of --certificate-identity and --certificate-identity-regexp');
  }
  if ((issuer === undefined) === (issuerPattern === undefined)) {
    throw new UsageError('say one of --certificate-oidc-issuer and --certificate-oidc-issuer-regexp');
  }
  return parseIdentity({
    ...(subject !== undefined && { subject }),
    ...(subjectPattern !== undefined && { subjectPattern }),
    ...(issuer !== undefined && { issuer }),
    ...(issuerPattern !== undefined && { issuerPattern }),
  });
}

function read(file: string): Promise<string> {
  return readFile(file, 'utf8').catch(() => {
    throw new UsageError(`the file cannot be read: ${file}`);
  });
}
