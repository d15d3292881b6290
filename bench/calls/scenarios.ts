import { type Artifact, imageOf, makeIndex } from '../../local/sample/image.js';
import { generateKeyPair, signBundle } from '../../local/signer/signer.js';
import { type Counts, countCalls } from './count.js';
import { createCountedLine } from './line.js';

/** What one push costs the registry, apart from what Trivy asks for. */
export interface PushCost {
  readonly name: string;
  readonly push: Counts;
  /** The events of the marks that we have hung onto the image. */
  readonly marks: Counts;
  /** The event of the signature; undefined where there is none. */
  readonly signature: Counts | undefined;
  readonly verdict: string | undefined;
  readonly enforcement: string | undefined;
}

const policy = (rule: string) => `version: 1\nrules:\n  - { repository: "**", ${rule} }\n`;

const SCENARIOS = [
  { name: 'passes, no signature asked for', rule: 'vulnerabilities: { fail: CRITICAL }, onPush: lock-and-untag' },
  {
    name: 'passes, signed with a Cosign bundle',
    rule: 'signature: { require: any, cosign: { keys: [ci.pub] } }, onPush: lock-and-untag',
    signed: true,
  },
  {
    name: 'fails, is locked and untagged',
    rule: 'vulnerabilities: { fail: CRITICAL }, onPush: lock-and-untag',
    severity: 'CRITICAL',
  },
  {
    name: 'fails although signed, is locked and untagged',
    rule: 'vulnerabilities: { fail: CRITICAL }, signature: { require: any, cosign: { keys: [ci.pub] } }, onPush: lock-and-untag',
    severity: 'CRITICAL',
    signed: true,
  },
  {
    name: 'an index of two platforms passes, no signature asked for',
    rule: 'vulnerabilities: { fail: CRITICAL }, onPush: lock-and-untag',
    platforms: ['amd64', 'arm64'],
  },
] as const;

/** The single-platform image of a push, or the index of these. */
async function artifactOf(name: string, architectures: readonly string[]): Promise<Artifact> {
  const platforms = architectures.map((architecture) => ({ os: 'linux', architecture }));
  const files = [{ path: 'name', content: name }];
  if (platforms.length === 0) return imageOf(files);
  return makeIndex(
    await Promise.all(platforms.map(async (platform) => ({ image: await imageOf(files, platform), platform }))),
  );
}

/** Pushes one image for each kind of end, and an index, and counts the calls of the registry. The same every time. */
export async function measurePushes(): Promise<readonly PushCost[]> {
  const costs: PushCost[] = [];
  for (const scenario of SCENARIOS) {
    const keys = generateKeyPair();
    const line = await createCountedLine({
      policy: policy(scenario.rule),
      publicKey: keys.publicKey,
      ...('severity' in scenario && { severity: scenario.severity }),
    });
    // Another push came before: what every push after the first one finds is what is counted.
    await line.push(await imageOf([{ path: 'name', content: 'earlier' }]), 'earlier');
    while (line.events.length > 0) await line.workOff(line.events.splice(0));
    const image = await artifactOf(scenario.name, 'platforms' in scenario ? scenario.platforms : []);
    await line.push(image, 'v1');
    const own = line.events.splice(0);
    const signed = 'signed' in scenario;
    if (signed) await line.push(signBundle(image, keys));
    const signatureEvents = line.events.splice(0);
    const push = countCalls(await line.workOff(own));
    const marks = countCalls(await line.workOff(line.events.splice(0)));
    const signature = signed ? countCalls(await line.workOff(signatureEvents)) : undefined;
    costs.push({
      name: scenario.name,
      push,
      marks,
      signature,
      verdict: await line.verdict(image),
      enforcement: await line.enforcement(image),
    });
  }
  return costs;
}
