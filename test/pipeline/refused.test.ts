import { describe, expect, it } from 'vitest';
import * as sample from '../../local/sample/image.js';
import { parseKey } from '../../shared/artifact/reference.js';
import { renderAlert } from '../../shared/teams/render.js';
import { type Line, createLine, onePolicy } from '../support/line.js';
import { LOGIN_SERVER } from '../support/registry.js';

const MINUTE = 60_000;
const LOCKS = onePolicy('vulnerabilities: { fail: CRITICAL }\nonPush: lock-and-untag');
const OPEN = { readEnabled: true, writeEnabled: true, deleteEnabled: true, listEnabled: true };
const keyOf = (digest: string) => parseKey({ registry: LOGIN_SERVER, repository: 'app', digest });

async function failing(line: Line) {
  const image = await sample.imageOf([{ path: 'name', content: 'locked by its owner' }]);
  line.answers.set(image.digest, { vulnerabilities: [{ id: 'CVE-1', severity: 'CRITICAL' }] });
  await line.registry.push(image, 'app', { tag: 'v1' });
  return image;
}

/** What the owner of the registry does, by ACR's own interface: `path` is a tag's, a manifest's, or empty. */
async function setWriteEnabled(line: Line, path: string, writeEnabled: boolean) {
  const scope = `service=${LOGIN_SERVER}&scope=repository:app:metadata_write`;
  const answer = await line.registry.fetch(`https://${LOGIN_SERVER}/oauth2/token?${scope}`);
  const { token } = (await answer.json()) as { readonly token: string };
  const { status } = await line.registry.fetch(`https://${LOGIN_SERVER}/acr/v1/app${path}`, {
    method: 'PATCH',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ writeEnabled }),
  });
  expect(status).toBe(200);
}

async function minutes(line: Line, count: number, step = 5) {
  for (let passed = 0; passed < count; passed += step) {
    await line.wait(step * MINUTE, step * MINUTE);
    await line.app.reconcile();
    await line.settle();
  }
}

const pull = async (line: Line, reference: string) =>
  (await line.registry.client.pullState(LOGIN_SERVER, 'app' as never, reference as never)).state;
const operationsOf = async (line: Line, digest: string) => {
  const { state, operations } = (await line.entry('app', digest))!.enforcement;
  return [state, ...operations.map(({ kind, outcome }) => `${kind} ${outcome}`)];
};
const changes = (line: Line) => line.registry.requests.filter((request) => /^(PATCH|DELETE)/.test(request));
const door = (digest: string) => ({
  headers: new Headers({ 'x-lazaret-caller': 'ann' }),
  query: new URLSearchParams(),
  text: () => Promise.resolve(JSON.stringify({ reference: `${LOGIN_SERVER}/app@${digest}`, reason: 'repaired' })),
});
const cardOf = (line: Line) => JSON.stringify(renderAlert(line.cards.at(-1)!));

describe.each([
  ['its tag is write-locked', '/_tags/v1', {}, ['refused', 'untag refused', 'lock done'], 'absent'],
  [
    'its manifest is write-locked',
    'manifest',
    { untagOfLockedManifest: 'refused' },
    ['refused', 'untag refused', 'lock done'],
    // By then our own lock keeps it, and the tag leads to what is shut.
    'refused',
  ],
  [
    'its repository is locked as a whole',
    '',
    { patchInLockedRepository: 'refused' },
    ['refused', 'untag refused', 'lock refused'],
    'absent',
  ],
] as const)('an image that fails while %s', (_, place, switches, expected, afterwards) => {
  async function refused() {
    const line = await createLine(LOCKS, {}, { switches });
    const image = await failing(line);
    const path = place === 'manifest' ? `/_manifests/${image.digest}` : place;
    await setWriteEnabled(line, path, false);
    await line.settle();
    return { line, image, path };
  }

  it('is shut as far as the registry lets us, and never counted as quarantined', async () => {
    const { line, image } = await refused();
    expect(await operationsOf(line, image.digest)).toEqual(expected);
    expect(await pull(line, image.digest)).toBe(expected.includes('lock done' as never) ? 'refused' : 'served');
    await minutes(line, 10);
    expect((await line.app.coverage(door(image.digest))).body).toMatchObject({
      quarantined: 0,
      incomplete: 1,
      fail: 1,
    });
  });

  it('is told, with what is left to do', async () => {
    const { line } = await refused();
    expect(line.cards).toHaveLength(1);
    expect(cardOf(line)).toContain('quarantine incomplete');
    expect(cardOf(line)).toContain('tag removed (v1) (refused by the registry)');
    expect(cardOf(line)).toContain('npx lazaret insist');
  });

  it('is not tried again in three days', async () => {
    const { line } = await refused();
    await minutes(line, 60);
    line.registry.requests.length = 0;
    await minutes(line, 72 * 60, 60);
    expect(changes(line)).toEqual([]);
    expect(line.cards).toHaveLength(1);
  });

  it('is quarantined once the lock is gone and a person asks for it', async () => {
    const { line, image, path } = await refused();
    await setWriteEnabled(line, path, true);
    expect(await line.app.insist(door(image.digest))).toMatchObject({ status: 202 });
    await line.settle();
    const state = afterwards === 'absent' ? 'quarantined' : 'refused';
    expect((await operationsOf(line, image.digest))[0]).toBe(state);
    expect([await pull(line, image.digest), await pull(line, 'v1')]).toEqual(['refused', afterwards]);
    await line.app.release(door(image.digest));
    await line.settle();
    expect([await pull(line, image.digest), await pull(line, 'v1')]).toEqual(['served', 'served']);
  });
});

describe('an image that is shut in part', () => {
  it('is shut again where somebody opens it, and left alone after the third time', async () => {
    const line = await createLine(LOCKS);
    const image = await failing(line);
    await setWriteEnabled(line, '/_tags/v1', false);
    await line.settle();
    let opened = 0;
    for (let passed = 0; passed < 300; passed += 5) {
      if ((await pull(line, image.digest)) === 'refused') {
        await line.registry.client.unlock(keyOf(image.digest), OPEN);
        opened += 1;
      }
      await minutes(line, 5);
    }
    expect(opened).toBe(4);
    expect((await operationsOf(line, image.digest))[0]).toBe('contested');
  });
});

describe('a right that is missing', () => {
  it('leaves the image open, and says so', async () => {
    const line = await createLine(LOCKS);
    const refuse = () => Promise.resolve('refused' as const);
    line.redeploy({ registry: { ...line.registry.client, lock: refuse, untag: refuse } });
    const image = await failing(line);
    await line.settle();
    expect(await operationsOf(line, image.digest)).toEqual(['refused', 'untag refused', 'lock refused']);
    expect(cardOf(line)).toContain('a missing right');
  });

  it('keeps a release from being complete until it is asked for again', async () => {
    const line = await createLine(LOCKS);
    const image = await failing(line);
    await line.settle();
    line.redeploy({ registry: { ...line.registry.client, unlock: () => Promise.resolve('refused') } });
    await line.app.release(door(image.digest));
    await line.settle();
    expect((await operationsOf(line, image.digest))[0]).toBe('refused');
    expect(cardOf(line)).toContain('release incomplete');
    expect(cardOf(line)).toContain('npx lazaret release');
    // Nobody may lock again what a person has released.
    expect(await line.app.insist(door(image.digest))).toMatchObject({ status: 409 });
    line.redeploy({});
    await minutes(line, 120, 30);
    expect(await pull(line, image.digest)).toBe('refused');
    await line.app.release(door(image.digest));
    await line.settle();
    expect([await pull(line, image.digest), await pull(line, 'v1')]).toEqual(['served', 'served']);
  });
});
