import { describe, expect, it } from 'vitest';
import * as sample from '../../local/sample/image.js';
import { attachBundle, generateKeyPair, signBundle } from '../../local/signer/signer.js';
import { MediaType } from '../../shared/artifact/media-type.js';
import { parseRepository } from '../../shared/artifact/repository.js';
import { toBlob } from '../../local/sample/layer.js';
import type { AskAuthorities } from '../../shared/pipeline/judge-signatures.js';
import type { VerifyReport } from '../../shared/pipeline/verify-report.js';
import { type TrustMaterial, materialOfKeys } from '../../shared/signature/material.js';
import { parsePublicKey } from '../../shared/signature/trust.js';
import { type Made, NOW } from '../support/certificates.js';
import { type Line, createLine, onePolicy } from '../support/line.js';
import * as notation from '../support/notation.js';
import { LOGIN_SERVER } from '../support/registry.js';
import { answered, failed, makeOcsp } from '../support/revocation-authority.js';

const OCSP = 'http://ocsp.example/signer';
const chain = notation.signerChain({ leaf: { ocsp: [OCSP] } });
const plain = notation.signerChain();
const KEYS = 'cosign: { keys: [ci.pub] }';
const NOTATION = 'notation: { config: config }';
const rule = (signature: string) => onePolicy(`signature: { ${signature}, grace: 1s }\nonPush: lock`);
let images = 0;
const anImage = () => sample.imageOf([{ path: 'n', content: String((images += 1)) }]);

/** The line's own key, and whoever the roots of both chains vouch for. */
function materialOf(line: Line): TrustMaterial {
  const stores = new Map([['ca:ours' as const, notation.parsed(chain.root, plain.root)]]);
  const policy = notation.policyOf({ registryScopes: [`${LOGIN_SERVER}/app`] });
  const keys = materialOfKeys([parsePublicKey('ci.pub', line.keys.publicKey)]);
  return { ...keys, notation: new Map([['config', { policy, stores }]]) };
}

async function lineOf(signature: string, askAuthorities?: AskAuthorities): Promise<Line> {
  const line = await createLine(rule(signature));
  const asking = askAuthorities && { askAuthorities };
  line.redeploy({ policyText: rule(signature), material: materialOf(line), ...asking });
  // The certificates of these tests are of another time than the line's clock.
  line.clock.advance(NOW.getTime() - line.clock.now().getTime());
  return line;
}

/** What Notation hangs onto an image. */
function notarise(image: sample.Artifact, { leaf, made }: { readonly leaf: Made; readonly made: readonly Made[] }) {
  const target = { mediaType: image.mediaType, digest: image.digest, size: image.bytes.byteLength };
  const { bytes } = notation.signJws({ chain: made, keys: leaf.keys, payload: { targetArtifact: target } });
  const [empty] = attachBundle(image, Buffer.from('{}')).blobs;
  return sample.makeArtifact({
    configType: MediaType.ociEmpty,
    config: empty!,
    layers: [{ type: 'application/jose+json', blob: toBlob(Buffer.from(bytes)) }],
    extra: { artifactType: MediaType.notarySignature, subject: target },
  });
}

const attest = (image: sample.Artifact, line: Line, predicateType: string) =>
  signBundle(image, line.keys, { predicateType });
const signatureOf = async (line: Line, { digest }: sample.Artifact, repository = 'app') =>
  (await line.entry(repository, digest))?.signature;

describe('what a policy asks for', () => {
  it.each([
    ['any', ['cosign'], 'verified'],
    ['any', ['notation'], 'verified'],
    ['all', ['cosign'], 'missing'],
    ['all', ['notation'], 'missing'],
    ['all', ['cosign', 'notation'], 'verified'],
    ['any', [], 'missing'],
  ] as const)('of %s, with %j: %s', async (require, kinds, outcome) => {
    const line = await lineOf(`require: ${require}, ${KEYS}, ${NOTATION}`);
    const image = await anImage();
    await line.registry.push(image, 'app');
    if (kinds.some((kind) => kind === 'cosign')) await line.registry.push(signBundle(image, line.keys), 'app');
    if (kinds.some((kind) => kind === 'notation')) await line.registry.push(notarise(image, plain), 'app');
    await line.settle();
    expect(await signatureOf(line, image)).toMatchObject({ state: 'done', outcome });
  });

  it('may be several signers', async () => {
    const second = generateKeyPair();
    const text = 'require: any, cosign: { keys: [ci.pub, second.pub], signers: 2 }';
    const line = await createLine(rule(text));
    const keys = [parsePublicKey('ci.pub', line.keys.publicKey), parsePublicKey('second.pub', second.publicKey)];
    line.redeploy({ policyText: rule(text), material: materialOfKeys(keys) });
    const image = await anImage();
    await line.registry.push(image, 'app');
    // The same signer twice is one.
    await line.registry.push(signBundle(image, line.keys), 'app');
    await line.registry.push(signBundle(image, line.keys), 'app');
    await line.settle();
    expect(await signatureOf(line, image)).toMatchObject({ outcome: 'untrusted', code: 'SIGNERS_TOO_FEW' });
    await line.registry.push(signBundle(image, second), 'app');
    await line.settle();
    expect(await signatureOf(line, image)).toMatchObject({ outcome: 'verified' });
  });

  it('may be an attestation beside the signature, of the type that is named and no other', async () => {
    const wanted = 'https://slsa.dev/provenance/v1';
    const line = await createLine(rule(`require: any, ${KEYS}, attestations: [{ predicateType: ${wanted}, ${KEYS} }]`));
    const image = await anImage();
    await line.registry.push(image, 'app');
    await line.registry.push(signBundle(image, line.keys), 'app');
    await line.registry.push(attest(image, line, 'https://example.com/other'), 'app');
    await line.settle();
    expect(await signatureOf(line, image)).toMatchObject({ outcome: 'untrusted', code: 'SIGNATURE_WRONG_PREDICATE' });
    await line.registry.push(attest(image, line, wanted), 'app');
    await line.wait(60_000);
    await line.app.verify({
      v: 1,
      key: { registry: LOGIN_SERVER, repository: parseRepository('app'), digest: image.digest },
      attempt: 0,
      again: true,
    });
    await line.settle();
    expect(await signatureOf(line, image)).toMatchObject({ outcome: 'verified' });
  });

  it('is found where an image was imported from', async () => {
    const line = await createLine(rule(`require: any, ${KEYS}, signaturesFrom: [${LOGIN_SERVER}/hub/base]`));
    const image = await anImage();
    await line.registry.push(image, 'hub/base');
    await line.registry.push(signBundle(image, line.keys), 'hub/base');
    await line.registry.push(image, 'team/copy');
    await line.settle();
    expect(await signatureOf(line, image, 'team/copy')).toMatchObject({ outcome: 'verified' });
  });

  it.each([
    ['accept', 'pass'],
    ['refuse', 'fail'],
  ])('a signed index may speak for its platforms: %s', async (fromIndex, verdict) => {
    const line = await createLine(rule(`require: any, ${KEYS}, fromIndex: ${fromIndex}`));
    const image = await anImage();
    const index = sample.makeIndex([{ image, platform: { os: 'linux', architecture: 'amd64' } }]);
    await line.registry.push(image, 'app');
    await line.registry.push(index, 'app', { tag: 'v1' });
    await line.registry.push(signBundle(index, line.keys), 'app');
    await line.settle();
    await line.wait(120_000);
    expect((await line.entry('app', image.digest))?.decision?.verdict).toBe(verdict);
  });
});

describe('a certificate that may be revoked', () => {
  const say =
    (status: 'good' | 'revoked' | 'silent', asked: string[] = []): AskAuthorities =>
    (requests) => {
      asked.push(...requests.map(({ url }) => url));
      return Promise.resolve(
        requests.map((request) =>
          status === 'silent'
            ? failed(request)
            : answered(request, makeOcsp({ certificate: chain.leaf, issuer: chain.intermediate, status })),
        ),
      );
    };
  it.each([
    ['good', 'verified', 'SIGNATURE_VERIFIED'],
    ['revoked', 'untrusted', 'CERTIFICATE_REVOKED'],
    ['silent', 'inconclusive', 'REVOCATION_UNKNOWN'],
  ] as const)('is %s', async (status, outcome, code) => {
    const asked: string[] = [];
    const line = await lineOf(`require: any, ${NOTATION}`, say(status, asked));
    const image = await anImage();
    await line.registry.push(image, 'app');
    await line.registry.push(notarise(image, chain), 'app');
    await line.settle();
    expect(await signatureOf(line, image)).toMatchObject({ outcome, code, signatures: [{ kind: 'notation', code }] });
    expect(new Set(asked)).toEqual(new Set([OCSP]));
  });

  it('is asked about for nobody who is not trusted, nor for a signature of something else', async () => {
    const asked: string[] = [];
    const line = await lineOf(`require: any, ${NOTATION}`, say('good', asked));
    const stranger = notation.signerChain({ leaf: { ocsp: ['http://attacker.example'] } });
    const image = await anImage();
    const other = await anImage();
    await line.registry.push(image, 'app');
    await line.registry.push(notarise(image, stranger), 'app');
    const moved = notarise(other, chain);
    const subject = { mediaType: image.mediaType, digest: image.digest, size: image.bytes.byteLength };
    const bytes = Buffer.from(
      JSON.stringify({ ...(JSON.parse(Buffer.from(moved.bytes).toString()) as object), subject }),
    );
    await line.registry.push({ ...moved, ...toBlob(bytes), mediaType: moved.mediaType }, 'app');
    await line.settle();
    expect(await signatureOf(line, image)).toMatchObject({ outcome: 'untrusted' });
    expect(asked).toEqual([]);
  });

  it('is judged anew from what is stored of the answer, though nobody can be asked', async () => {
    const line = await lineOf(`require: any, ${NOTATION}`, say('good'));
    const image = await anImage();
    await line.registry.push(image, 'app', { tag: 'v1' });
    await line.registry.push(notarise(image, chain), 'app');
    await line.settle();
    // Another policy, under which the same signature has to be judged again.
    const material = materialOf(line);
    const away: AskAuthorities = () => Promise.reject(new Error('nobody is there'));
    line.redeploy({ policyText: rule(`require: all, ${NOTATION}`), material, askAuthorities: away });
    const request = {
      headers: new Headers({ 'x-lazaret-caller': 'alice' }),
      query: new URLSearchParams({ reference: `${LOGIN_SERVER}/app:v1` }),
      text: () => Promise.resolve(''),
    };
    expect(await line.app.explain(request)).toMatchObject({
      body: {
        verdict: 'pass',
        conditions: expect.arrayContaining([expect.objectContaining({ name: 'signature', says: 'pass' })]) as unknown,
      },
    });
  });
});

describe('GET verifyNow', () => {
  it('tells every check of every signature, and changes nothing', async () => {
    const line = await lineOf(`require: all, ${KEYS}, ${NOTATION}`);
    const image = await anImage();
    await line.registry.push(image, 'app', { tag: 'v1' });
    await line.registry.push(notarise(image, plain), 'app');
    await line.settle();
    const before = await line.entry('app', image.digest);
    const request = {
      headers: new Headers({ 'x-lazaret-caller': 'alice' }),
      query: new URLSearchParams({ reference: `${LOGIN_SERVER}/app@${image.digest}` }),
      text: () => Promise.resolve(''),
    };
    const { status, body } = await line.app.verifyNow(request);
    expect(status).toBe(200);
    const { verdict, reasons, parts, signatures } = body as VerifyReport;
    expect([verdict, reasons.map(({ code }) => code)]).toEqual(['fail', ['SIGNATURE_MISSING']]);
    expect(parts.map(({ name, outcome }) => [name, outcome])).toEqual([
      ['notation', 'verified'],
      ['cosign', 'missing'],
    ]);
    expect(signatures.flatMap(({ checks }) => checks.map(({ type }) => type))).toEqual([
      ...['integrity', 'authenticity', 'expiry', 'authenticTimestamp', 'revocation', 'subject'],
    ]);
    expect(await line.entry('app', image.digest)).toEqual(before);
  });
});
