import { setTimeout as wait } from 'node:timers/promises';
import type { Artifact } from '../../local/sample/image.js';
import type { Coverage } from '../../shared/pipeline/coverage.js';
import type { Status } from '../../shared/pipeline/lookup.js';
import type { EnforcementMode } from '../../shared/policy/operation.js';
import { EXISTING, IMAGES } from './rollout-registry.js';
import type { Story } from './story.js';

/** What the chapters work with. */
export interface Stage {
  readonly story: Story;
  /** The registry's `host:port`. */
  readonly registry: string;
  /** Where the functions listen. */
  readonly endpoint: () => string;
  /** Deploys Lazaret with these settings, in the place of what ran before. */
  readonly deploy: (policyFile: string, mode: EnforcementMode) => Promise<void>;
  readonly policies: Readonly<Record<'draft' | 'first' | 'strict', string>>;
  /** New quarantines an hour. */
  readonly quarantinesPerHour: number;
  readonly push: (repository: string, image: Artifact) => Promise<void>;
  /** Whether a node that has no copy of it gets the image. */
  readonly isServed: (repository: string, reference: string) => Promise<boolean>;
  /** Takes the lock off a digest, as its owner can by hand. */
  readonly unlock: (repository: string, digest: string) => Promise<void>;
  /** What the cards in the inbox say in one line each. */
  readonly cards: () => Promise<readonly string[]>;
}

/** Failing images that were there before, in a repository that nothing depends on. */
const OLD_AND_BAD = ['shop/web', 'shop/search', 'shop/mail'] as const;
const WAIT_MILLISECONDS = 60_000;

/** The story, in order. */
export const CHAPTERS: readonly ((stage: Stage) => Promise<void>)[] = [
  checkPolicy,
  observeFirst,
  observePush,
  enforce,
  compare,
  meetBrake,
  letGo,
  undo,
  switchOff,
];

async function checkPolicy({ story, policies }: Stage): Promise<void> {
  story.chapter('A policy, checked before it is deployed', 'All mistakes are told at once.');
  await story.lazaret(['policy', 'check', policies.draft], {
    exit: 1,
    says: ['rules[0].onPush (line 5)', 'there is no catch-all'],
  });
  await story.lazaret(['policy', 'check', policies.first], { exit: 0, says: ['fine: 2 rules'] });
}

async function observeFirst({ story, registry, deploy, policies, isServed }: Stage): Promise<void> {
  story.chapter(
    'Observe: a registry that is in use, looked at for the first time',
    `It holds ${EXISTING.length} images that run in production. Lazaret starts with enforcement off.`,
  );
  await deploy(policies.first, 'observe');
  await story.lazaret(['reconcile', registry, '--all'], { exit: 0, says: ['7 repositories'] });
  await until(async () => (await coverageOf(story, registry)).progress.remaining === 0);
  await story.lazaret(['coverage', registry], {
    exit: 0,
    says: [
      `all ${EXISTING.length} judged; 3 would be locked or untagged`,
      '2 pass, 4 fail',
      '0 quarantined',
      '3 would be quarantined if they were not older than this installation',
      '1 fail, and are left alone: their repositories are reserved',
    ],
  });
  const served = await Promise.all(EXISTING.map(([repository]) => isServed(repository, 'v1')));
  story.see('every image can still be pulled', served.every(Boolean));
}

async function observePush({ story, registry, push, isServed, cards }: Stage): Promise<void> {
  story.chapter('A push that fails, while only observed', 'It is judged, marked and told, and nothing is done to it.');
  await push('shop/checkout', await IMAGES.critical('shop/checkout'));
  await story.lazaret(['status', `${registry}/shop/checkout:v1`, '--wait', '100'], {
    exit: 1,
    says: ['CVE-2024-5535', 'enforcement  withheld', 'enforcement is off', 'age          scan'],
  });
  await story.lazaret(['policy', 'explain', `${registry}/shop/checkout:v1`], {
    exit: 1,
    says: ['shop/**', 'vulnerabilities.fail', 'CVE-2024-5535', 'lock-and-untag'],
  });
  story.see('it can be pulled', await isServed('shop/checkout', 'v1'));
  await seeCard({ story, cards }, 'observed only', 'shop/checkout');
}

async function enforce({ story, registry, deploy, policies, isServed }: Stage): Promise<void> {
  story.chapter(
    'Enforce: what was withheld is done, and what was there before is not',
    'LAZARET_ENFORCEMENT=enforce. The next sweep asks for what was withheld.',
  );
  await deploy(policies.first, 'enforce');
  await story.lazaret(['reconcile', registry], { exit: 0, says: ['asked for'] });
  await until(async () => (await statusOf(story, registry, 'shop/checkout')).enforcement.state === 'quarantined');
  await story.lazaret(['status', `${registry}/shop/checkout:v1`], {
    exit: 1,
    says: ['enforcement  quarantined', 'removed by quarantine'],
  });
  story.see('it cannot be pulled any more', !(await isServed('shop/checkout', 'v1')));
  story.see('what was there before can', await isServed('shop/web', 'v1'));
  await story.lazaret(['status', `${registry}/platform/gatekeeper:v1`], {
    exit: 1,
    says: ['the repository is reserved'],
  });
  story.see('what the cluster depends on can', await isServed('platform/gatekeeper', 'v1'));
}

async function compare({ story, endpoint, policies }: Stage): Promise<void> {
  story.chapter(
    'What a stricter policy would do, before it is deployed',
    'It fails from HIGH on, and no longer spares what was there before.',
  );
  await story.lazaret(['policy', 'diff', policies.first, policies.strict, '--endpoint', endpoint()], {
    exit: 1,
    says: ['4 of 7 digests change', '3 × ', 'shop/worker'],
  });
}

async function meetBrake(stage: Stage): Promise<void> {
  const { story, registry, deploy, policies, isServed, quarantinesPerHour } = stage;
  story.chapter(
    'The brake',
    `The stricter policy is deployed. It quarantines ${quarantinesPerHour} an hour; the rest waits for a person.`,
  );
  await deploy(policies.strict, 'enforce');
  await story.lazaret(['reconcile', registry], { exit: 0, says: ['asked for'] });
  await until(async () => (await coverageOf(story, registry)).braked > 0);
  await story.lazaret(['brake', registry], {
    exit: 1,
    says: ['the brake is ON', 'the policy has changed', 'CVE-2024-5535', 'changed lately  the policy'],
  });
  const open = await served(OLD_AND_BAD, stage);
  story.see(`${OLD_AND_BAD.length} fail that were there before, and one at least can still be pulled`, open > 0);
  await story.lazaret(['status', `${registry}/shop/worker:v1`], {
    exit: 1,
    says: ['it has passed before', 'CVE-2023-4911'],
  });
  story.see('what has passed before has its 72 hours', await isServed('shop/worker', 'v1'));
}

async function letGo(stage: Stage): Promise<void> {
  const { story, registry, cards } = stage;
  story.chapter('A person lets go', 'The change was meant. Who let go, and why, is in the journal.');
  await story.lazaret(['brake', registry, '--resume', '--reason', 'reviewed with the shop team'], {
    exit: 0,
    says: ['the brake is off', 'reviewed with the shop team'],
  });
  await story.lazaret(['reconcile', registry], { exit: 0, says: ['asked for'] });
  await until(async () => (await served(OLD_AND_BAD, stage)) === 0);
  story.see('now none of the three can be pulled', (await served(OLD_AND_BAD, stage)) === 0);
  for (const repository of OLD_AND_BAD) await seeCard({ story, cards }, 'quarantined', repository);
}

async function undo(stage: Stage): Promise<void> {
  const { story, registry, isServed, unlock } = stage;
  story.chapter(
    'An operator opens an image by hand, and one asks for it',
    'What is opened by hand is shut again, three times a day at most. What is released stays open, for a time if it says so.',
  );
  const { digest } = await statusOf(story, registry, 'shop/mail');
  await unlock('shop/mail', digest ?? '');
  story.see('the owner of the registry has opened shop/mail', await isServed('shop/mail', digest ?? ''));
  await story.lazaret(['reconcile', registry, '--all'], { exit: 0, says: ['asked for'] });
  await until(async () => !(await isServed('shop/mail', digest ?? '')));
  story.see('it is shut again', !(await isServed('shop/mail', digest ?? '')));
  const reference = `${registry}/shop/web:v1`;
  await story.lazaret(['release', reference, '--for', '2h', '--reason', 'incident 123'], { exit: 0, says: ['until'] });
  await until(() => isServed('shop/web', 'v1'));
  story.see('shop/web can be pulled, by its old name', await isServed('shop/web', 'v1'));
  await story.lazaret(['status', reference], { exit: 1, says: ['released     by', 'incident 123'] });
}

async function switchOff({ story, registry, deploy, policies, push, isServed }: Stage): Promise<void> {
  story.chapter(
    'The switch, back to observe',
    'At any time: nothing more is done, and what stands stays until somebody releases it.',
  );
  await deploy(policies.strict, 'observe');
  await push('shop/late', await IMAGES.critical('shop/late'));
  await story.lazaret(['status', `${registry}/shop/late:v1`, '--wait', '100'], {
    exit: 1,
    says: ['enforcement is off'],
  });
  story.see('the new push can be pulled', await isServed('shop/late', 'v1'));
  story.see('what was quarantined stays so', !(await isServed('shop/checkout', 'v1')));
  await until(async () => (await coverageOf(story, registry)).progress.remaining === 0);
  await story.lazaret(['coverage', registry], { exit: 0, says: ['all 8 judged', 'unaccounted 0'] });
}

async function coverageOf(story: Story, registry: string): Promise<Coverage> {
  return JSON.parse((await story.quietly(['coverage', registry, '--json'])).output) as Coverage;
}

async function statusOf(story: Story, registry: string, repository: string): Promise<Status> {
  return JSON.parse((await story.quietly(['status', `${registry}/${repository}:v1`, '--json'])).output) as Status;
}

async function served(repositories: readonly string[], { isServed }: Pick<Stage, 'isServed'>): Promise<number> {
  return (await Promise.all(repositories.map((name) => isServed(name, 'v1')))).filter(Boolean).length;
}

/** Cards follow what they tell of. */
async function seeCard({ story, cards }: Pick<Stage, 'story' | 'cards'>, words: string, repository: string) {
  const isThere = async () => (await cards()).some((card) => card.includes(words) && card.includes(repository));
  await until(isThere);
  story.see(`a card in Teams: ${repository} “${words}”`, await isThere());
}

/** Waits until it is so; whoever asks next finds out whether it is. */
async function until(isSo: () => Promise<boolean>): Promise<void> {
  const end = Date.now() + WAIT_MILLISECONDS;
  while (!(await isSo()) && Date.now() < end) await wait(500);
}
