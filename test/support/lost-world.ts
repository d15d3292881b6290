import { expect } from 'vitest';
import * as sample from '../../local/sample/image.js';
import { type ArtifactKey, parseKey } from '../../shared/artifact/reference.js';
import type { LedgerEntry, TagEntry } from '../../shared/pipeline/entry.js';
import type { Rebuilt } from '../../shared/pipeline/rebuild.js';
import { type Line, createLine } from './line.js';
import { LOGIN_SERVER } from './registry.js';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const OPEN = { readEnabled: true, writeEnabled: true, deleteEnabled: true, listEnabled: true };
export const CRITICAL = { vulnerabilities: [{ id: 'CVE-1', severity: 'CRITICAL', fixed: '2' }] };

const STRICT = 'vulnerabilities: { fail: CRITICAL }, ';
const rules = (slow: string) => `version: 1
existing: observe
rules:
  - { repository: "slow", ${slow}onPush: lock-and-untag, onChange: { enforce: lock-and-untag, after: 720h } }
  - { repository: "untag", ${STRICT}onPush: untag }
  - { repository: "lock", ${STRICT}onPush: lock }
  - { repository: "**", ${STRICT}onPush: lock-and-untag }
`;

export const keyOf = (repository: string, digest: string): ArtifactKey =>
  parseKey({ registry: LOGIN_SERVER, repository, digest });

export const image = (name: string) => sample.imageOf([{ path: 'name', content: name }]);

/** A request to a door, in Ann's name. */
export const door = (body: object = {}) => ({
  headers: new Headers({ 'x-lazaret-caller': 'ann' }),
  query: new URLSearchParams(),
  text: () => Promise.resolve(JSON.stringify(body)),
});

/** Pushes an image, one that fails unless it is told to be `good`, and works off all that follows. */
export async function pushed(line: Line, repository: string, name: string, { tag = 'v1', good = false } = {}) {
  const made = await image(name);
  if (!good) line.answers.set(made.digest, CRITICAL);
  line.clock.advance(1000);
  await line.registry.push(made, repository, { tag });
  await line.settle();
  return made.digest;
}

/** What the timer does for so long. */
export async function minutes(line: Line, count: number, step = 5): Promise<void> {
  for (let passed = 0; passed < count; passed += step) {
    await line.wait(step * MINUTE, step * MINUTE);
    await line.app.reconcile();
    await line.settle();
  }
}

export async function releaseOf(
  line: Line,
  { repository, digest }: Pick<ArtifactKey, 'repository' | 'digest'>,
  span?: string,
) {
  const reference = `${LOGIN_SERVER}/${repository}@${digest}`;
  line.clock.advance(1000);
  const answer = await line.app.release(door({ reference, reason: 'accepted', ...(span && { for: span }) }));
  expect(answer.status).toBe(202);
  await line.settle();
}

/** A line on which everything has happened that the ledger has a word for. */
export async function createLostWorld() {
  const line = await createLine(rules(''));
  const slow = await pushed(line, 'slow', 'passes, and fails later');
  // It is older than the installation.
  const existing = (await image('older than us')).digest;
  line.answers.set(existing, CRITICAL);
  await line.registry.push(await image('older than us'), 'old', { tag: 'v1' });
  line.registry.events.splice(0);
  line.clock.advance(HOUR);
  const later = new Date(line.clock.now());
  line.redeploy({
    policyText: rules(STRICT),
    ledger: { ...line.ledger, installedAt: () => Promise.resolve(later) },
  });
  await minutes(line, 10);
  line.redeploy({ policyText: rules(STRICT) });

  const contested = await pushed(line, 'contested', 'fought over');
  for (let i = 0; i < 40 && (await stateOf(line, 'contested', contested)) !== 'contested'; i++) {
    await line.registry.client.unlock(keyOf('contested', contested), OPEN);
    await minutes(line, 15);
  }
  const pass = await pushed(line, 'app', 'good', { good: true });
  const fail = await pushed(line, 'app', 'bad');
  await line.registry.push(await image('bad'), 'app', { tag: 'also' });
  await line.settle();
  const locked = await pushed(line, 'lock', 'locked only');
  const untagged = await pushed(line, 'untag', 'without its tag');
  const released = await pushed(line, 'free', 'released for good');
  await releaseOf(line, keyOf('free', released));
  const lent = await pushed(line, 'lent', 'released for a time');
  await releaseOf(line, keyOf('lent', lent), '720h');

  const children = [await image('amd64'), await image('arm64')] as const;
  line.answers.set(children[1].digest, CRITICAL);
  for (const child of children) await line.registry.push(child, 'multi');
  await line.settle();
  const index = sample.makeIndex([
    { image: children[0], platform: { os: 'linux', architecture: 'amd64' } },
    { image: children[1], platform: { os: 'linux', architecture: 'arm64' } },
  ]);
  await line.registry.push(index, 'multi', { tag: 'v1' });
  await line.settle();
  await minutes(line, 15);

  line.redeploy({ policyText: rules(STRICT), mode: 'observe' });
  const observed = await pushed(line, 'seen', 'only observed');
  const digests = {
    ...{ slow, existing, contested, pass, fail, locked, untagged, released, lent, observed },
    ...{ amd64: children[0].digest, arm64: children[1].digest, index: index.digest },
  };
  return { line, digests, redeploy: () => line.redeploy({ policyText: rules(STRICT), mode: 'observe' }) };
}

const REPOSITORIES = ['slow', 'old', 'contested', 'app', 'lock', 'untag', 'free', 'lent', 'multi', 'seen'];

export const stateOf = async (line: Line, repository: string, digest: string) =>
  (await line.entry(repository, digest))?.enforcement.state;

/** All that the ledger knows: entries by digest, and rows of tags that quarantine removed. */
export async function dump(line: Line, repositories: readonly string[] = REPOSITORIES) {
  const entries: Record<string, LedgerEntry> = {};
  const removed: Record<string, TagEntry> = {};
  for (const repository of repositories) {
    for await (const row of line.ledger.listRepository(keyOf(repository, `sha256:${'0'.repeat(64)}`))) {
      if (row.kind === 'entry') entries[`${repository}@${row.entry.key.digest}`] = row.entry;
      if (row.kind === 'tag' && row.tag.removed) removed[`${repository}:${row.tag.tag}`] = row.tag;
    }
  }
  return { entries, removed };
}

/** Asks until nothing is left. */
export async function rebuilt(line: Line): Promise<Omit<Rebuilt, 'next'>> {
  const parts: Rebuilt[] = [];
  for (let after: string | undefined, first = true; first || after !== undefined; first = false) {
    const { status, body } = await line.app.rebuildLedger(door(after === undefined ? { reason: 'lost' } : { after }));
    expect(status).toBe(200);
    const part = body as Rebuilt;
    parts.push(part);
    after = part.next;
  }
  const sum = (name: Exclude<keyof Rebuilt, 'problems' | 'next'>) => parts.reduce((all, each) => all + each[name], 0);
  return {
    restored: sum('restored'),
    kept: sum('kept'),
    gone: sum('gone'),
    elsewhere: sum('elsewhere'),
    unreadable: sum('unreadable'),
    tags: sum('tags'),
    problems: parts.flatMap(({ problems }) => problems),
  };
}

/** Requests of the registry that change something. */
export const changes = (line: Line) =>
  line.registry.requests.filter((request) => !/^(?:GET|HEAD) |oauth2/.test(request));
