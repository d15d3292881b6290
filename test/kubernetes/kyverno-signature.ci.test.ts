import { writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TAG } from '../../local/oracle/make/workshop.js';
import { MediaType } from '../../shared/artifact/media-type.js';
import { attach } from './support/attach.js';
import { broken, namespace, pod } from './support/cases.js';
import { type Asked, type Judgement, type Policies, judge, policiesWith } from './support/kyverno.js';
import { tool } from '../support/go-tool.js';
import type { Resource } from './support/resource.js';
import { OLD_FORM } from './support/signers.js';
import { type Signing, openSigning } from './support/signing.js';

const SIGNED = 'lazaret-signed-images';
const ALLOWED = 'lazaret-allowed-images';

let signing: Signing;
let shipped: readonly Resource[];
const copies: Policies[] = [];

async function policies({ settings, trust, ...options }: Parameters<typeof policiesWith>[0] = {}) {
  const copy = policiesWith({
    settings: { registry: signing.registry, ...settings },
    trust: { ...signing.trust, ...trust },
    file: 'base/signed-images.yaml',
    ...options,
  });
  copies.push(copy);
  return copy.read();
}

beforeAll(async () => {
  await tool('kyverno');
  signing = await openSigning();
  shipped = await policies();
});
afterAll(async () => {
  await signing.close();
  for (const each of copies) each.remove();
});

/** With the component for what Cosign signs in the old form. */
const OLD = {
  edits: [],
  file: 'base/kustomization.yaml',
  from: 'components:\n',
  to: 'components:\n  - ../old-form\n',
} as const;
const running = (reference: string): Asked => ({ object: pod({ containers: [{ name: 'web', image: reference }] }) });

/** What the policies say of an object, those that have nothing against it left out. */
async function against(asked: Asked, from: readonly Resource[] = shipped): Promise<readonly Judgement[]> {
  const [said = []] = await judge(from, [asked]);
  const found = (policy: string) => said.some((each) => each.policy === policy);
  // A policy that was not asked has nothing against anything.
  if (!found(ALLOWED) || !found(SIGNED)) throw new Error(`not asked: ${JSON.stringify(said)}`);
  // In which order the policies answer is chance.
  return said.filter(({ result }) => result !== 'pass').toSorted((a, b) => (a.policy < b.policy ? -1 : 1));
}
const unsigned = (reference: string, where = 'container "web"') => [
  {
    policy: SIGNED,
    result: 'fail',
    message: `${where}: ${reference} has no signature that verifies (npx lazaret status ${reference})`,
  },
];

/** Our key says of an image that it has failed. */
async function attestFailure(reference: string): Promise<void> {
  const verdict = signing.at('verdict.json');
  writeFileSync(verdict, JSON.stringify({ verdict: 'fail' }));
  await signing.attest(reference, ['--predicate', verdict, '--type', 'https://example.io/verdict']);
}

describe('an image is let in that is signed by', () => {
  it.each([
    ['Notation, as JWS', (reference: string) => signing.notation(reference)],
    ['Notation, as COSE', (reference: string) => signing.notation(reference, { args: ['--signature-format', 'cose'] })],
    ['Cosign', (reference: string) => signing.cosign(reference)],
    ['both', async (reference: string) => [await signing.notation(reference), await signing.cosign(reference)]],
    [
      'us, beside a stranger',
      async (reference: string) => [
        await signing.notation(reference, { key: 'other' }),
        await signing.cosign(reference, { key: 'other' }),
        await signing.cosign(reference),
      ],
    ],
  ])('%s', async (_, sign) => {
    const reference = await signing.pushImage();
    await sign(reference);
    expect(await against(running(reference))).toEqual([]);
  });

  it('us, as an index', async () => {
    const reference = await signing.pushImage('index');
    await signing.cosign(reference);
    expect(await against(running(reference))).toEqual([]);
  });

  it('us, with a tag beside its digest', async () => {
    const reference = await signing.pushImage();
    await signing.cosign(reference);
    expect(await against(running(reference.replace('@', `:${TAG}@`)))).toEqual([]);
  });
});

describe('an image is refused that', () => {
  it('is unsigned', async () => {
    const reference = await signing.pushImage();
    expect(await against(running(reference))).toEqual(unsigned(reference));
  });

  it('is signed by strangers', async () => {
    const reference = await signing.pushImage();
    await signing.notation(reference, { key: 'other' });
    await signing.cosign(reference, { key: 'other' });
    expect(await against(running(reference))).toEqual(unsigned(reference));
  });

  it.each([
    ['by Notation', (reference: string) => signing.notation(reference)],
    ['by Cosign', (reference: string) => signing.cosign(reference)],
  ])('has the signature of another image, %s', async (_, sign) => {
    const signed = await signing.pushImage();
    await sign(signed);
    const reference = await signing.pushImage();
    await signing.replay(signed, reference);
    expect(await against(running(reference))).toEqual(unsigned(reference));
    expect(await against(running(signed))).toEqual([]);
  });

  it('our key has said something else of', async () => {
    const reference = await signing.pushImage();
    await attestFailure(reference);
    expect(await against(running(reference))).toEqual(unsigned(reference));
    await signing.cosign(reference);
    expect(await against(running(reference))).toEqual([]);
  });

  it('is not there', async () => {
    const reference = (await signing.pushImage()).replace(/.$/, (last) => (last === '0' ? '1' : '0'));
    expect(await against(running(reference))).toMatchObject([{ policy: SIGNED, result: 'error' }]);
  });

  it('has a tag alone, signed as it may be: by both policies', async () => {
    const reference = await signing.pushImage();
    await signing.cosign(reference);
    const tagged = reference.replace(/@.*/, `:${TAG}`);
    expect(await against(running(tagged))).toMatchObject([
      { policy: ALLOWED, result: 'fail' },
      { policy: SIGNED, result: 'fail', message: `image ${tagged} does not have a digest` },
    ]);
  });

  it('is of another registry, by the allow-list: nothing is asked of that registry', async () => {
    const reference = `127.0.0.1:1/team/app@sha256:${'a'.repeat(64)}`;
    expect(await against(running(reference))).toMatchObject([{ policy: ALLOWED, result: 'fail' }]);
  });
});

describe('wherever a Pod names it, an image is refused that is unsigned', () => {
  const good = async () => {
    const reference = await signing.pushImage();
    await signing.cosign(reference);
    return { name: 'web', image: reference };
  };
  it.each<readonly [string, (image: string) => object]>([
    ['init container "first"', (image) => ({ initContainers: [{ name: 'first', image }] })],
    ['ephemeral container "debug"', (image) => ({ ephemeralContainers: [{ name: 'debug', image }] })],
    ['image volume "model"', (image) => ({ volumes: [{ name: 'model', image: { reference: image } }] })],
    ['container "side"', (image) => ({ containers: [{ name: 'side', image }] })],
  ])('%s', async (where, spec) => {
    const reference = await signing.pushImage();
    const { containers = [], ...others } = spec(reference) as { readonly containers?: readonly object[] };
    const object = pod({ containers: [await good(), ...containers], ...others });
    expect(await against({ object })).toEqual(unsigned(reference, where));
    await signing.cosign(reference);
    expect(await against({ object })).toEqual([]);
  });

  it('on an update, but for what the Pod had already', async () => {
    const [old, image] = [await signing.pushImage(), await signing.pushImage()];
    const { object: oldObject } = running(old);
    const update = (more: object): Asked => {
      const object = pod({ containers: [{ name: 'web', image: old }], ...more });
      return { object, oldObject, operation: 'UPDATE' };
    };
    expect(await against(update({}))).toEqual([]);
    const debugged = update({ ephemeralContainers: [{ name: 'debug', image }] });
    expect(await against(debugged)).toEqual(unsigned(image, 'ephemeral container "debug"'));
    await signing.notation(image);
    expect(await against(debugged)).toEqual([]);
    const changed: Asked = { ...running(await signing.pushImage()), oldObject, operation: 'UPDATE' };
    expect(await against(changed)).toMatchObject([{ policy: SIGNED, result: 'fail' }]);
  });
});

describe('where both signatures are wanted', () => {
  it.each([
    ['all', {}],
    ['what nobody knows', {}],
    ['all', OLD],
  ])('refuses with one, and lets in with both: %s', async (signatures, options) => {
    const both = await policies({ settings: { signatures }, ...options });
    const args = options === OLD ? [OLD_FORM] : [];
    const [first, second] = [await signing.pushImage(), await signing.pushImage()];
    await signing.notation(first);
    await signing.cosign(second, { args });
    for (const each of [first, second]) expect(await against(running(each), both)).toEqual(unsigned(each));
    await signing.cosign(first, { args });
    expect(await against(running(first), both)).toEqual([]);
  });
});

describe('in the old form', () => {
  it('Cosign has not signed', async () => {
    const reference = await signing.pushImage();
    await signing.cosign(reference, { args: [OLD_FORM] });
    expect(await against(running(reference))).toEqual(unsigned(reference));
  });

  it('it has, where that is wanted; not for another image, nor a stranger', async () => {
    const old = await policies(OLD);
    const [reference, other, third] = [await signing.pushImage(), await signing.pushImage(), await signing.pushImage()];
    await signing.cosign(reference, { args: [OLD_FORM] });
    await signing.replay(reference, other);
    await signing.cosign(third, { key: 'other', args: [OLD_FORM] });
    expect(await against(running(reference), old)).toEqual([]);
    for (const each of [other, third]) expect(await against(running(each), old)).toEqual(unsigned(each));
    await signing.notation(other);
    expect(await against(running(other), old)).toEqual([]);
  });

  it('it has not, where there is a bundle, be it a stranger’s', async () => {
    const old = await policies(OLD);
    const reference = await signing.pushImage();
    await signing.cosign(reference, { args: [OLD_FORM] });
    await signing.cosign(reference, { key: 'other' });
    expect(await against(running(reference), old)).toEqual(unsigned(reference));
  });

  it('any statement by the key is a signature, whatever it says', async () => {
    const reference = await signing.pushImage();
    await attestFailure(reference);
    expect(await against(running(reference))).toEqual(unsigned(reference));
    expect(await against(running(reference), await policies(OLD))).toEqual([]);
  });
});

describe('break-glass', () => {
  it('lets in what is unsigned, without asking the registry', async () => {
    const annotated = namespace(broken(new Date(), 3)) as { readonly metadata: object };
    const labels = { 'kubernetes.io/metadata.name': 'team' };
    const glass = { ...annotated, metadata: { ...annotated.metadata, labels } };
    const away = await policies({ settings: { registry: '127.0.0.1:1' } });
    const asked = running(`127.0.0.1:1/team/app@sha256:${'a'.repeat(64)}`);
    const by = async (which: Asked) =>
      (await judge(away, [which]))[0]!.filter(({ policy }) => policy === SIGNED).map(({ result }) => result);
    expect(await by(asked)).toEqual(['error']);
    // It concerns the object no more, and says nothing.
    expect(await by({ ...asked, namespace: glass })).toEqual([]);
    const over = { ...glass, metadata: { ...glass.metadata, annotations: {} } };
    expect(await by({ ...asked, namespace: over })).toEqual(['error']);
  });
});

// What Kyverno does otherwise than Lazaret. Should a later one not do it any more, these say so.
describe('Kyverno', () => {
  it('believes every signer of an authority, unless the certificate of the one is named', async () => {
    const [ours, sibling] = [await signing.pushImage(), await signing.pushImage()];
    await signing.notation(ours);
    await signing.notation(sibling, { key: 'sibling' });
    expect(await against(running(sibling))).toEqual([]);
    const one = await policies({ trust: { 'notation-ca.crt': signing.certificate } });
    expect(await against(running(ours), one)).toEqual([]);
    expect(await against(running(sibling), one)).toEqual(unsigned(sibling));
  });

  it('takes an image with its signatures in another repository for signed', async () => {
    const reference = await signing.pushImage();
    await signing.cosign(reference);
    expect(await against(running(await signing.copy(reference, 'elsewhere/app')))).toEqual([]);
  });

  it('hangs where two policies look at the images of one Pod', async () => {
    const reference = await signing.pushImage();
    await signing.cosign(reference);
    const twice = shipped.flatMap((each) =>
      each.kind === 'ImageValidatingPolicy'
        ? [each, { ...each, metadata: { ...each.metadata, name: 'another' } }]
        : [each],
    );
    await expect(against(running(reference), twice)).rejects.toThrow('deadlock');
  });

  it('reads a report that nobody has signed, the first of them, and nothing of its age', async () => {
    const reference = await signing.pushImage();
    await signing.cosign(reference);
    const wanting = await policies({
      from: '  variables:\n',
      to: [
        '    - { name: report, referrer: { type: application/sarif+json } }',
        '  variables:',
        '    - name: findings',
        '      expression: images.containers.map(image, size(extractPayload(image, attestations.report).runs[0].results))',
        '',
      ].join('\n'),
    });
    const withReport = wanting.map((each) =>
      each.kind !== 'ImageValidatingPolicy'
        ? each
        : {
            ...each,
            spec: {
              ...each.spec,
              validations: [
                ...(each.spec['validations'] as readonly object[]),
                { expression: 'variables.findings.all(n, n == 0)', message: 'it has findings' },
              ],
            },
          },
    );
    expect(await against(running(reference), withReport)).toMatchObject([{ policy: SIGNED, result: 'error' }]);
    await attach(reference, { artifactType: MediaType.sarif, bytes: Buffer.from('{"runs":[{"results":[]}]}') });
    expect(await against(running(reference), withReport)).toEqual([]);
  });
});

// Each of these is a policy that one might write. The images that have to be refused pass by it, and so are seen.
describe('a mistake in the policy would be noticed, by', () => {
  it.each<readonly [string, readonly (readonly [string, string])[], (image: string) => object]>([
    [
      'an unsigned image: none is counted, and none is required',
      [
        ['> 0', '>= 0'],
        ['required: true', 'required: false'],
      ],
      (image: string) => ({ containers: [{ name: 'web', image }] }),
    ],
    [
      'an unsigned volume: none is looked for',
      [['.filter(v, has(v.image)).map(v, v.image.reference)', '.filter(v, false).map(v, v.image.reference)']],
      (image: string) => ({ volumes: [{ name: 'model', image: { reference: image } }] }),
    ],
    [
      'an unsigned init container: none is looked for',
      [['object.spec.?initContainers.orValue([]).map(c, c.image)', '[]']],
      (image: string) => ({ initContainers: [{ name: 'first', image }] }),
    ],
    [
      'an unsigned ephemeral container: none is looked for',
      [['object.spec.?ephemeralContainers.orValue([]).map(c, c.image)', '[]']],
      (image: string) => ({ ephemeralContainers: [{ name: 'debug', image }] }),
    ],
    [
      'an unsigned image: of another registry, as it seems',
      [['glob: registry/*', 'glob: registry/team']],
      (image: string) => ({ containers: [{ name: 'web', image }] }),
    ],
  ])('%s', async (_, edits, spec) => {
    const [reference, signed] = [await signing.pushImage(), await signing.pushImage()];
    await signing.cosign(signed);
    const { containers = [{ name: 'web', image: signed }], ...others } = spec(reference) as {
      readonly containers?: readonly object[];
    };
    const object = pod({ containers, ...others });
    expect(await against({ object })).toMatchObject([{ policy: SIGNED, result: 'fail' }]);
    const wrong = await policies({ edits });
    expect(await against({ object }, wrong)).toEqual([]);
  });

  it('nobody, where the expressions let everything in: that a signature is required is said twice', async () => {
    const wrong = await policies({ edits: [['> 0', '>= 0']] });
    const reference = await signing.pushImage();
    expect(await against(running(reference), wrong)).toMatchObject([{ policy: SIGNED, result: 'fail' }]);
  });
});
