import { MediaType } from '../../../shared/artifact/media-type.js';
import type { Artifact } from '../../sample/image.js';
import type { Issued } from '../../sigstore/authority.js';
import { type PolicyOptions, chainOf, policyFiles } from '../make/notation-keys.js';
import { type Forged, type Target, forgedCase, forgedImage, withReferrer } from './forged.js';
import { certificateForgeries } from './notation-certificates.js';
import {
  type EnvelopeParts,
  type HeaderEntries,
  coseHeaders,
  forgeCose,
  forgeJws,
  jwsHeaders,
} from './notation-envelope.js';
import { COSE_HEADERS, JWS_HEADERS, type HeaderForgery, PAYLOADS } from './notation-texts.js';

const SCOPE = 'registry.example/app';

/** What a forgery is given to begin with. */
export interface NotationWorld {
  readonly image: Artifact;
  readonly target: Target;
  readonly now: Date;
  /** A signer whose authority is trusted. */
  readonly signer: Issued;
  readonly rsaSigner: Issued;
}

/** One forged envelope. */
export interface Forgery {
  readonly name: string;
  readonly format: 'jws' | 'cose';
  readonly parts: EnvelopeParts;
  readonly policy: PolicyOptions;
}

/** All forged signatures of Notation. */
export async function forgeNotation(now: Date): Promise<readonly Forged[]> {
  const [usual, rsa] = [await chainOf('P-256'), await chainOf('RSA-2048')];
  const world = { ...(await forgedImage()), now, signer: usual.signer, rsaSigner: rsa.signer };
  const forgeries = [...textForgeries(world), ...(await certificateForgeries(world))];
  return forgeries.map(({ name, format, parts, policy }): Forged => {
    const bytes = format === 'jws' ? forgeJws(parts) : forgeCose(parts);
    return {
      fixture: forgedCase(`forged-notation-${format}: ${name}`, {
        image: world.image,
        tool: 'notation',
        verify: { notationConfig: 'config', scope: SCOPE },
      }),
      layout: withReferrer(world.image, {
        configType: MediaType.notarySignature,
        layerType: format === 'jws' ? 'application/jose+json' : 'application/cose',
        bytes,
      }),
      files: policyFiles(policy),
    };
  });
}

/** The payload that a signature of the target has. */
export function ordinaryPayload(target: Target): Uint8Array {
  return Buffer.from(JSON.stringify({ targetArtifact: target }));
}

/** The headers that a signature of this kind has. */
export function ordinaryHeaders(format: Forgery['format'], signer: Issued, now: Date): HeaderEntries {
  return format === 'jws' ? jwsHeaders(signer, now) : coseHeaders(signer, now);
}

function textForgeries(world: NotationWorld): readonly Forgery[] {
  const forgeries: Forgery[] = [];
  for (const format of ['jws', 'cose'] as const) {
    const add = (name: string, signer: Issued, change: Partial<EnvelopeParts>) =>
      forgeries.push({
        name,
        format,
        parts: {
          headers: ordinaryHeaders(format, signer, world.now),
          payload: ordinaryPayload(world.target),
          signer,
          ...change,
        },
        policy: { roots: signer.chain.slice(-1) },
      });
    add('ordinary', world.signer, {});
    add('ordinary RSA', world.rsaSigner, {});
    for (const saltLength of [0, 20, 48]) add(`RSA with a salt of ${saltLength}`, world.rsaSigner, { saltLength });
    add('hash of another algorithm', world.signer, { hash: 'sha384' });
    for (const [name, payload] of PAYLOADS) add(`payload ${name}`, world.signer, { payload: payload(world.target) });
    const edits: readonly HeaderForgery[] = format === 'jws' ? JWS_HEADERS : COSE_HEADERS;
    for (const { name, edit, bytes } of edits) {
      const headers = edit(ordinaryHeaders(format, world.signer, world.now), world.now);
      add(`header ${name}`, world.signer, { headers, ...(bytes && { protectedBytes: bytes(headers) }) });
    }
  }
  return forgeries;
}
