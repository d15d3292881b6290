import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { moveSignatures } from '../move-signatures.js';
import type { ToolName } from '../tools.js';
import { type CosignKey, type KeyKind, makeKey } from './cosign-key.js';
import { type Draft, SCOPE, type Workshop } from './workshop.js';

/** How one image is signed with Cosign. */
interface CosignOrder {
  readonly name: string;
  readonly description: string;
  readonly expected: Draft['expected'];
  readonly why?: string;
  readonly form?: 'image' | 'index';
  readonly tool?: ToolName;
  /** One after the other. The last one is the one that is trusted, unless another is named. */
  readonly steps: readonly { readonly key: CosignKey; readonly args: readonly string[] }[];
  readonly trusted?: CosignKey;
  readonly verify?: Draft['verify'];
}

const COMMON = ['--yes', '--tlog-upload=false', '--allow-http-registry'] as const;
const NO_CONFIG = '--use-signing-config=false';
const SIGN = ['sign', NO_CONFIG, ...COMMON] as const;
const LEGACY = ['sign', NO_CONFIG, '--new-bundle-format=false', '--sign-container-identity', SCOPE, ...COMMON] as const;
const SECOND = ['sign', '--new-bundle-format=false', '--sign-container-identity', SCOPE, ...COMMON] as const;
const PREDICATES: Readonly<Record<string, unknown>> = {
  slsaprovenance: {
    builder: { id: 'https://builder.example/workflow' },
    buildType: 'https://builder.example/type/v1',
    invocation: {},
    materials: [],
  },
  vuln: {
    invocation: { parameters: [], uri: '', event_id: '', 'builder.id': '' },
    scanner: { uri: 'pkg:github/aquasecurity/trivy@0.0.0', version: '0.0.0', db: { uri: '', version: '' }, result: {} },
    metadata: { scanStartedOn: '2026-06-01T12:00:00Z', scanFinishedOn: '2026-06-01T12:00:01Z' },
  },
};
const CANNOT_VERIFY_ITSELF =
  'the tool signs with the hash of the curve, or pre-hashed, and verifies with SHA-256, or pure: it does not know its own signature again';

/** All cases of Cosign that are signed with a key. */
export async function makeCosign(shop: Workshop, progress: (line: string) => void): Promise<readonly Draft[]> {
  const drafts: Draft[] = [];
  const make = async (order: CosignOrder) => {
    progress(order.name);
    const draft = await signWithCosign(shop, order);
    drafts.push(draft);
    return draft;
  };
  const key = await makeKey(shop, 'signer', 'p-256');
  const stranger = await makeKey(shop, 'stranger', 'p-256');
  const forms = [
    { form: 'bundle', tool: 'cosign', args: SIGN, what: 'A Sigstore bundle v0.3' },
    { form: 'legacy', tool: 'cosign', args: LEGACY, what: 'The older form, made by version 3' },
    { form: 'legacy-2', tool: 'cosign-2', args: SECOND, what: 'The older form, made by version 2' },
  ] as const;
  const kinds: readonly KeyKind[] = ['p-256', 'p-384', 'p-521', 'rsa-2048', 'rsa-3072', 'rsa-4096', 'ed25519'];
  for (const { form, tool, args, what } of forms) {
    for (const kind of kinds) {
      const own = await makeKey(shop, `${form}-${kind}`, kind);
      await make({
        name: `cosign-${form}-${kind}`,
        description: `${what}, with a key of kind ${kind}.`,
        expected: 'pass',
        ...(['p-384', 'p-521', 'ed25519'].includes(kind) && { why: CANNOT_VERIFY_ITSELF }),
        tool,
        steps: [{ key: own, args }],
      });
    }
    const usual = { tool, steps: [{ key, args }], expected: 'pass' } as const;
    const ordinary = await make({
      ...usual,
      name: `cosign-${form}-annotations`,
      description: `${what}, which says something besides.`,
      steps: [{ key, args: [...args, '--annotations', 'build=42'] }],
    });
    drafts.push(await wrongSubject(shop, ordinary, form));
    await make({
      ...usual,
      name: `cosign-${form}-index`,
      description: `${what}, of a multi-platform image.`,
      form: 'index',
    });
    await make({
      ...usual,
      name: `cosign-${form}-two`,
      description: `${what}, twice: by a stranger and by the one who is trusted.`,
      steps: [
        { key: stranger, args },
        { key, args },
      ],
    });
    await make({
      ...usual,
      name: `cosign-${form}-stranger`,
      description: `${what}, by a stranger alone.`,
      expected: 'fail',
      steps: [{ key: stranger, args }],
      trusted: key,
    });
  }
  await make({
    name: 'cosign-bundle-beside-legacy',
    description: 'A bundle by a stranger, and the older form by the one who is trusted.',
    expected: 'pass',
    why: 'the tool leaves the older form out as soon as there is any bundle; a good signature is one wherever it is kept',
    steps: [
      { key: stranger, args: SIGN },
      { key, args: LEGACY },
    ],
  });
  await makeAttestations(shop, { key, make });
  return drafts;
}

async function makeAttestations(
  shop: Workshop,
  { key, make }: { readonly key: CosignKey; readonly make: (order: CosignOrder) => Promise<Draft> },
): Promise<void> {
  for (const [type, predicate] of Object.entries(PREDICATES)) {
    const file = join(shop.work, `${type}.json`);
    await writeFile(file, JSON.stringify(predicate));
    const attest = ['attest', NO_CONFIG, '--type', type, '--predicate', file, ...COMMON];
    const old = ['attest', '--type', type, '--predicate', file, ...COMMON];
    await make({
      name: `cosign-bundle-attest-${type}`,
      description: `An attestation of type ${type} as a Sigstore bundle.`,
      expected: 'pass',
      steps: [{ key, args: attest }],
      verify: { attestationType: type },
    });
    await make({
      name: `cosign-legacy-attest-${type}`,
      description: `An attestation of type ${type} in the older form.`,
      expected: 'pass',
      tool: 'cosign-2',
      steps: [{ key, args: old }],
      verify: { attestationType: type },
    });
    await make({
      name: `cosign-bundle-attest-${type}-alone`,
      description: `An attestation of type ${type} where a signature is asked for.`,
      expected: 'fail',
      why: 'the tool takes any statement about the image for a signature of it, whatever it states',
      steps: [{ key, args: attest }],
    });
  }
}

async function signWithCosign(shop: Workshop, order: CosignOrder): Promise<Draft> {
  const { name, description, expected, why, tool = 'cosign', steps, verify } = order;
  const reference = await shop.pushImage(name, order.form);
  const made: string[] = [];
  for (const { key, args } of steps) made.push(await shop.sign(tool, [...args, '--key', key.file, reference]));
  const trusted = order.trusted ?? steps.at(-1)?.key;
  if (trusted === undefined) throw new Error(`${name}: nobody is trusted`);
  return {
    name,
    description,
    made,
    tool: 'cosign',
    verify: { key: 'cosign.pub', insecureIgnoreTlog: true, ...verify },
    expected,
    ...(why !== undefined && { why }),
    layout: await shop.layoutOf(name),
    files: { 'cosign.pub': trusted.publicKey },
  };
}

/** The same signature, put where one of another image would be. */
async function wrongSubject(shop: Workshop, { layout, made, verify, files }: Draft, form: string): Promise<Draft> {
  const name = `cosign-${form}-wrong-subject`;
  await shop.pushImage(name);
  return {
    name,
    description: 'The signature of another image, put where one of this image would be.',
    made: [...made, '(then it was put beside another image)'],
    tool: 'cosign',
    verify,
    expected: 'fail',
    layout: moveSignatures(layout, await shop.layoutOf(name)),
    files,
  };
}
