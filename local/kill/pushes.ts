import { setTimeout as wait } from 'node:timers/promises';
import * as sample from '../sample/image.js';
import { type Artifact, makeIndex } from '../sample/image.js';
import { type PushOptions, push } from '../sample/push.js';
import { type KeyPair, signBundle } from '../signer/signer.js';
import type { Doors } from './doors.js';
import type { Expected } from './judge.js';

/** What a push works with. */
export interface Stage {
  /** `host:port`. */
  readonly registry: string;
  readonly doors: Pick<Doors, 'verdict' | 'release'>;
  readonly keys: KeyPair;
  /** How many pushes there are in all. */
  readonly pushes: number;
}

/** The policy of these pushes. A signature may take as long as some kills cost; a deadline is longer than any run. */
export const POLICY = `version: 1
deadline: 4h
rules:
  - repository: signed/**
    vulnerabilities: { fail: CRITICAL, failFixable: HIGH }
    signature: { require: any, cosign: { keys: [kill.pub] }, grace: 50s }
    onPush: lock-and-untag
  - repository: "**"
    vulnerabilities: { fail: CRITICAL, failFixable: HIGH }
    secrets: fail
    onPush: lock-and-untag
`;

const AMD64 = { os: 'linux', architecture: 'amd64' };
const ARM64 = { os: 'linux', architecture: 'arm64' };
const TAG = 'v1';
const LATE_MILLISECONDS = 5000;
const PATIENCE_MILLISECONDS = 120_000;
/** Many pushes wait behind one another. */
const PATIENCE_MILLISECONDS_EACH = 3000;
const SHUT = 'Failed and quarantined';
/** So many pushes after the image that it mends, and in its repository. */
const FIX_AFTER = 6;

const debian = (openssl: string, name: string) =>
  sample.imageOf([...sample.debianFiles([['libssl3', 'openssl', openssl]]), { path: 'app/name', content: name }]);
const clean = (name: string) => debian('3.0.15-1~deb12u1', name);
const vulnerable = (name: string) => debian('3.0.11-1~deb12u2', name);
const alpine = (name: string, platform: sample.Platform, ...more: Parameters<typeof sample.imageOf>[0][]) =>
  sample.imageOf(
    [
      ...sample.alpineFiles('3.22.1', [['libcrypto3', 'openssl', '3.5.4-r0']]),
      { path: 'app/name', content: name },
      ...more.flat(),
    ],
    platform,
  );

/** One kind of push: what is pushed, and what has to come of it. */
interface Kind {
  readonly name: string;
  readonly run: (place: Place, stage: Stage) => Promise<readonly Expected[]>;
}

interface Place {
  readonly index: number;
  /** Whose contents differ from those of every other push. */
  readonly unique: string;
  readonly name: string;
}

const pass = { verdict: 'pass', reasons: [], served: true, marks: 'both', cards: [] } as const;
const fail = { verdict: 'fail', served: false, marks: 'both', cards: [SHUT] } as const;

/** Pushes an image under the tag, and says what has to come of it. */
async function pushed(
  { name }: Place,
  { artifact, repository }: { readonly artifact: Artifact; readonly repository: string },
  stage: Stage,
): Promise<Pick<Expected, 'name' | 'repository' | 'digest'>> {
  await pushPatiently(artifact, repository, { stage, tag: TAG });
  return { name, repository, digest: artifact.digest };
}

async function signed(place: Place, stage: Stage, lateMilliseconds: number): Promise<readonly Expected[]> {
  const repository = `signed/p${place.index}`;
  const artifact = await clean(place.unique);
  const facts = await pushed(place, { artifact, repository }, stage);
  await wait(lateMilliseconds);
  await pushPatiently(signBundle(artifact, stage.keys), repository, { stage });
  return [{ ...facts, ...pass, tags: { [TAG]: artifact.digest } }];
}

const KINDS: readonly Kind[] = [
  {
    name: 'good',
    run: async (place, stage) => {
      const artifact = await clean(place.unique);
      const facts = await pushed(place, { artifact, repository: `shop/p${place.index}` }, stage);
      return [{ ...facts, ...pass, tags: { [TAG]: artifact.digest } }];
    },
  },
  {
    name: 'critical, with a fix',
    run: async (place, stage) => {
      const artifact = await vulnerable(place.unique);
      const facts = await pushed(place, { artifact, repository: `shop/p${place.index}` }, stage);
      // The tag belongs to the fix, where there is one.
      const tags = place.index + FIX_AFTER < stage.pushes ? {} : { [TAG]: undefined };
      return [{ ...facts, ...fail, reasons: ['VULNERABILITIES'], tags }];
    },
  },
  { name: 'signed in time', run: (place, stage) => signed(place, stage, 0) },
  {
    name: 'a secret',
    run: async (place, stage) => {
      const files = sample.debianFiles([['libc6', 'glibc', '2.36-9+deb12u3']]);
      const artifact = await sample.imageOf([...files, ...sample.privateKeyFiles()]);
      const facts = await pushed(place, { artifact, repository: `shop/p${place.index}` }, stage);
      return [{ ...facts, ...fail, reasons: ['SECRETS'], tags: { [TAG]: undefined } }];
    },
  },
  {
    name: 'an index with one bad platform',
    run: async (place, stage) => {
      const good = await alpine(place.unique, AMD64);
      const bad = await alpine(place.unique, ARM64, sample.npmFiles('minimist', '1.2.5'));
      const artifact = makeIndex([
        { image: good, platform: AMD64 },
        { image: bad, platform: ARM64 },
      ]);
      const repository = `shop/p${place.index}`;
      const facts = await pushed(place, { artifact, repository }, stage);
      return [
        { ...facts, ...fail, reasons: ['PLATFORM_FAILS'], marks: 'report', tags: { [TAG]: undefined } },
        { ...pass, name: `${place.name}, linux/amd64`, repository, digest: good.digest, tags: {} },
        {
          ...fail,
          name: `${place.name}, linux/arm64`,
          repository,
          digest: bad.digest,
          reasons: ['VULNERABILITIES'],
          tags: {},
        },
      ];
    },
  },
  {
    name: 'unrecognised',
    run: async (place, stage) => {
      const artifact = await sample.imageOf([
        ...sample.unrecognisedFiles(),
        { path: 'opt/tool/name', content: place.unique },
      ]);
      const facts = await pushed(place, { artifact, repository: `tools/p${place.index}` }, stage);
      const cards = ['Inconclusive and quarantined'];
      return [
        { ...facts, ...fail, verdict: 'inconclusive', reasons: ['UNRECOGNISED'], cards, tags: { [TAG]: undefined } },
      ];
    },
  },
  { name: 'signed late', run: (place, stage) => signed(place, stage, LATE_MILLISECONDS) },
  {
    name: 'the fix, to the tag of a quarantined image',
    run: async (place, stage) => {
      const broken = await vulnerable(uniqueOf(place.index - FIX_AFTER));
      const repository = `shop/p${place.index - FIX_AFTER}`;
      await quarantined(`${stage.registry}/${repository}@${broken.digest}`, stage);
      const artifact = await clean(place.unique);
      const facts = await pushed(place, { artifact, repository }, stage);
      return [{ ...facts, ...pass, tags: { [TAG]: artifact.digest } }];
    },
  },
  {
    name: 'unsigned where a signature is required',
    run: async (place, stage) => {
      const artifact = await clean(place.unique);
      const facts = await pushed(place, { artifact, repository: `signed/p${place.index}` }, stage);
      return [{ ...facts, ...fail, reasons: ['SIGNATURE_MISSING'], tags: { [TAG]: undefined } }];
    },
  },
  {
    name: 'released by a person',
    run: async (place, stage) => {
      const files = sample.alpineFiles('3.10.9', [['musl', 'musl', '1.1.22-r3']]);
      const artifact = await sample.imageOf([...files, { path: 'app/name', content: place.unique }]);
      const facts = await pushed(place, { artifact, repository: `shop/p${place.index}` }, stage);
      const reference = `${stage.registry}/${facts.repository}@${artifact.digest}`;
      await quarantined(reference, stage);
      await stage.doors.release(reference, 'the test releases it');
      const cards = [SHUT, 'Released from quarantine'];
      return [{ ...facts, ...fail, served: true, reasons: ['END_OF_LIFE'], cards, tags: { [TAG]: artifact.digest } }];
    },
  },
];

const uniqueOf = (index: number) => `push ${index}`;

/** Makes push number `index`, whose kind is that of its number. Resolves with what has to come of it. */
export async function makePush(index: number, stage: Stage): Promise<readonly Expected[]> {
  const kind = KINDS[index % KINDS.length];
  if (kind === undefined) throw new Error('no such kind');
  return kind.run({ index, unique: uniqueOf(index), name: `${index} ${kind.name}` }, stage);
}

/** Pushes as clients do whose registry goes away: all of it again, until it is answered. What was not may be there. */
async function pushPatiently(
  artifact: Artifact,
  repository: string,
  { stage, ...options }: PushOptions & { readonly stage: Stage },
): Promise<void> {
  for (const until = Date.now() + PATIENCE_MILLISECONDS; ;) {
    try {
      await push(artifact, { origin: `http://${stage.registry}`, repository, fetch }, options);
      return;
    } catch (error) {
      if (Date.now() > until) throw error;
      await wait(300);
    }
  }
}

/** Waits as a person does who reads the card first. */
async function quarantined(reference: string, { doors, pushes }: Stage): Promise<void> {
  const patience = PATIENCE_MILLISECONDS + pushes * PATIENCE_MILLISECONDS_EACH;
  for (const until = Date.now() + patience; Date.now() < until;) {
    const { settled, enforcement } = await doors.verdict(reference);
    if (settled && enforcement.state === 'quarantined') return;
    await wait(500);
  }
  throw new Error(`${reference} is not quarantined`);
}
