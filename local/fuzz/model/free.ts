import type { SignatureKind } from '../../../shared/signature/candidate.js';
import type { SignatureRequirement } from '../../../shared/signature/requirement.js';
import { statementOf } from '../../../shared/signature/notation/trust.js';
import { isOtherwiseSigned, otherSignature } from '../mutate/other-signature.js';
import type { Difference } from './difference.js';
import type { Leaves } from './leaves.js';

/** What a change is judged with. */
export interface FreeContext {
  readonly kind: SignatureKind;
  readonly requirement: SignatureRequirement;
  /** Everything that the signature says now. */
  readonly after: Leaves;
}

/** A place that anybody may change, for nothing that is signed and nothing that trust rests on is there. */
export interface FreePlace {
  readonly name: string;
  readonly path: RegExp;
  readonly reason: string;
  /** Which changes of it; default: every one. */
  readonly when?: (change: Difference, context: FreeContext) => boolean;
}

const isLegacy = ({ kind }: FreeContext) => kind.startsWith('cosign-legacy');
const isBundle = ({ kind }: FreeContext) => kind === 'sigstore-bundle';
const isNotation = ({ kind }: FreeContext) => kind === 'notation';
const cosignOf = ({ cosign, attestations }: SignatureRequirement) => cosign ?? attestations[0]?.cosign;

/** A key is enough by itself where no log is asked for. */
function isByKeyAlone({ requirement }: FreeContext): boolean {
  const cosign = cosignOf(requirement);
  return cosign !== undefined && cosign.keys.length > 0 && cosign.transparencyLog === 'ignored';
}

const isPromised = ({ after }: FreeContext) =>
  [...after.keys()].some((path) => /(signedEntryTimestamp|SignedEntryTimestamp)$/.test(path));

/** A timestamp that is left out is left out as a whole. */
function isWithoutTimestamp(after: string | undefined, context: FreeContext): boolean {
  const isLeft = [...context.after.keys()].some((path) => /(signedTimestamp|SignedRFC3161Timestamp)[.#]/.test(path));
  return !isLeft && (after === undefined || after === '[]' || after === '{}');
}

function storesOf({ requirement: { notation } }: FreeContext): readonly string[] {
  return (notation && statementOf(notation)?.stores) ?? [];
}

const actionsOf = ({ requirement: { notation } }: FreeContext) => notation && statementOf(notation)?.actions;
const isLogged = (check: 'authenticTimestamp' | 'expiry', context: FreeContext) =>
  actionsOf(context)?.[check] === 'logged';
/** Of `valid, not expired` and the like, the second half. */
const sameExpiry = ({ before, after }: Difference) => before?.split(', ')[1] === after?.split(', ')[1];
/** A policy may want timestamps of certificates that have expired alone. */
const isDue = ({ requirement: { notation }, after }: FreeContext) =>
  notation === undefined ||
  statementOf(notation)?.verifyTimestamp === 'always' ||
  after.get('clock')?.startsWith('valid') !== true;
const wantsTimestamp = (context: FreeContext) => storesOf(context).some((name) => name.startsWith('tsa:'));

/** The bytes of a signature, in whichever way it is written. */
function bytesOf(text: string | undefined): Buffer {
  const hex = /^h'([0-9a-f]*)'$/.exec(text ?? '')?.[1];
  return hex === undefined
    ? Buffer.from((text ?? '').replaceAll('-', '+').replaceAll('_', '/'), 'base64')
    : Buffer.from(hex, 'hex');
}

/** In PEM, in base64 or in hexadecimal. */
function certificateOf(text: string | undefined): Buffer {
  const pem = /^-----BEGIN CERTIFICATE-----([^-]*)-----END CERTIFICATE-----\s*$/.exec(text ?? '')?.[1];
  return pem === undefined ? bytesOf(text) : Buffer.from(pem, 'base64');
}

/** Everything that may change without the signature being another one. Whatever else changes has to be refused. */
export const FREE_PLACES: readonly FreePlace[] = [
  {
    name: 'annotations of a manifest',
    path: /^manifest\.(annotations|subject\.other|config\.other)\./,
    reason: 'Nobody signs them, and nothing is read from them.',
  },
  {
    name: 'the manifest of the old form',
    path: /^manifest\./,
    when: (_, context) => isLegacy(context),
    reason: 'It is found by its tag, and each layer is a signature by itself: the payload names the image.',
  },
  {
    name: 'type and configuration of the manifest of a bundle',
    path: /^manifest\.(mediaType|config\.(digest|size|mediaType)|artifactType)$/,
    when: (_, context) => isBundle(context),
    reason: 'It is empty, and the type may be said in either of two ways; the bundle says itself what it is.',
  },
  {
    name: 'type and size of the image in the manifest of a bundle',
    path: /^manifest\.subject\.(mediaType|size)$/,
    when: (_, context) => isBundle(context),
    reason: 'A statement names its image by the digest alone.',
  },
  {
    name: 'the two forms of a Notation manifest',
    path: /^manifest\.(artifactType|config\.(digest|size|mediaType))$/,
    when: (_, context) => isNotation(context),
    reason: 'Before OCI 1.1 the configuration said the type, and could hold anything.',
  },
  {
    name: 'the name of the signing program',
    path: /io\.cncf\.notary\.[sS]igningAgent/,
    reason: 'The unprotected header is not signed; the name is for people, and in COSE not even looked at.',
  },
  {
    name: 'annotations of a layer',
    path: /^annotation (?!dev\.cosignproject\.cosign\/signature|dev\.sigstore\.cosign\/)/,
    when: (_, context) => isLegacy(context),
    reason: 'Only five of them have a meaning, and these are not among them.',
  },
  {
    name: 'annotations of a layer that holds a whole envelope',
    path: /^annotation /,
    when: (_, context) => !isLegacy(context),
    reason: 'Everything is in the envelope.',
  },
  {
    name: 'the chain beside a certificate',
    path: /^annotation dev\.sigstore\.cosign\/chain$/,
    reason: 'The trusted root alone says which authorities there are.',
  },
  {
    name: 'what vouches for a key that needs nobody',
    path: /^(json\.verificationMaterial\.|annotation dev\.sigstore\.cosign\/)/,
    when: (_, context) => isByKeyAlone(context),
    reason: 'Where no log is asked for, a trusted key is enough.',
  },
  {
    name: 'the hint at a key',
    path: /^json\.verificationMaterial\.publicKey(\.hint)?$/,
    when: ({ path, before, after }) =>
      path.endsWith('hint') || [before, after].every((each) => each === undefined || each === '{}'),
    reason: 'Nobody signs it, and nobody believes it: every trusted key is tried, with a hint, an empty one or none.',
  },
  {
    name: 'a timestamp beside the promise of a log',
    path: /(rfc3161Timestamps|timestampVerificationData|\/rfc3161timestamp)/,
    when: ({ after }, context) => !isByKeyAlone(context) && isWithoutTimestamp(after, context) && isPromised(context),
    reason:
      'Whoever leaves a witness out leaves one too few, or one that was not needed: the log tells the time as well.',
  },
  {
    name: 'the promise of a log beside a timestamp',
    path: /inclusionPromise(\.signedEntryTimestamp)?$|tlogEntries\.\d+\.integratedTime$/,
    when: ({ after }, context) =>
      after === undefined && !isPromised(context) && !isWithoutTimestamp(undefined, context),
    reason:
      'The proof shows that the log has it, and the timestamp when it was made; a time without its promise is refused.',
  },
  {
    name: 'the name of a key',
    path: /signatures\.0\.keyid$/,
    when: ({ before, after }) =>
      [before, after].every((name) => name === undefined || name === '' || name.length === 44),
    reason: 'An empty one is none; another one than the key’s own is refused.',
  },
  {
    name: 'a timestamp that nobody asked for',
    path: /io\.cncf\.notary\.timestampSignature/,
    when: (_, context) => isNotation(context) && !(wantsTimestamp(context) && isDue(context)),
    reason: 'None is looked at without a store of authorities for them, nor before it is due by the policy.',
  },
  {
    name: 'parameters that say nothing',
    path: /signer0\.digestAlgorithm$/,
    reason: 'RFC 5754 §2: of SHA-2, absent parameters and NULL mean the same',
    when: ({ before = '', after = '' }) => /^300[bd]06/.test(after) && before.slice(4, 26) === after.slice(4, 26),
  },
  {
    name: 'the answer around a timestamp',
    path: /signedTimestamp\.response\.status$/,
    when: ({ before, after }) => [before, after].every((each) => each === '3003020100' || each === '3003020101'),
    reason: 'RFC 3161 §2.4.2: granted, or granted with changes. Nobody signs it; the token says what was granted.',
  },
  {
    name: 'unsigned parts of a timestamp',
    path: /\.(digestAlgorithms|revocationLists|signer0\.unsignedAttributes|certificates(\.[0-9a-f]+)?)$/,
    reason:
      'RFC 5652 §5.1 leaves them to whoever passes a token on. A certificate that is missing is missed, or in the store.',
  },
  {
    name: 'the other signature',
    path: /(\.sig|\.signature|^cose\/3|cosign\/signature|SignedEntryTimestamp|signedEntryTimestamp)$/,
    when: ({ before, after }) => otherSignature(bytesOf(before))?.equals(bytesOf(after)) === true,
    reason: 'With (r, s), (r, n − s) is a signature too: ECDSA is so. What is signed is the same.',
  },
  {
    name: 'the other signature of a certificate',
    path: /(\.x5c\.\d+|#1821\/\d+|certificate\.rawBytes|cosign\/certificate)$/,
    when: ({ before, after }) => isOtherwiseSigned(certificateOf(before), certificateOf(after)),
    reason: 'The same in the signature of its issuer: names, key and everything else in it are signed as they were.',
  },
  {
    name: 'the clock, where an authority tells the time',
    path: /^clock$/,
    when: (change, context) => sameExpiry(change) && wantsTimestamp(context),
    reason: 'Certificates have to have been valid at the time of the timestamp.',
  },
  {
    name: 'the clock, where the policy does not enforce it',
    path: /^clock$/,
    when: (change, context) =>
      isLogged('authenticTimestamp', context) && (sameExpiry(change) || isLogged('expiry', context)),
    reason: 'Whoever wrote the policy wants to be told, and nothing else.',
  },
];

/** The place that explains a change; undefined where nothing does. */
export function explain(change: Difference, context: FreeContext): FreePlace | undefined {
  return FREE_PLACES.find(({ path, when }) => path.test(change.path) && (when === undefined || when(change, context)));
}
