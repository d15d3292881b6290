import { describe, expect, it } from 'vitest';
import * as sample from '../../local/sample/image.js';
import { type Line, createLine, onePolicy } from '../support/line.js';
import { LOGIN_SERVER } from '../support/registry.js';

const UNTAGS = onePolicy('vulnerabilities: { fail: CRITICAL }\nonPush: untag');
const CRITICAL = { vulnerabilities: [{ id: 'CVE-1', severity: 'CRITICAL' }] };
const MINUTE = 60_000;

const image = (name: string) => sample.imageOf([{ path: 'name', content: name }]);

async function pushBad(line: Line, name: string) {
  const bad = await image(name);
  line.answers.set(bad.digest, CRITICAL);
  await line.registry.push(bad, 'app', { tag: 'v1' });
  await line.settle();
  expect(await targetOf(line)).toBeUndefined();
  return bad;
}

async function release(line: Line, digest: string) {
  const { status } = await line.app.release({
    headers: new Headers(),
    query: new URLSearchParams(),
    text: () => Promise.resolve(JSON.stringify({ reference: `${LOGIN_SERVER}/app@${digest}`, reason: 'known' })),
  });
  expect(status).toBe(202);
}

const targetOf = (line: Line) => line.registry.client.resolveTag(LOGIN_SERVER, 'app' as never, 'v1' as never);

/** Does something once, just before our own restoration of a tag reaches the registry. */
function beforeRetag(line: Line, act: () => Promise<unknown>): void {
  const { retag } = line.registry.client;
  Object.assign(line.registry.client, {
    retag: async (...args: Parameters<typeof retag>) => {
      Object.assign(line.registry.client, { retag });
      await act();
      line.clock.advance(1000);
      return retag(...args);
    },
  });
}

/** Two images were quarantined under one tag; the older one is released, and has it again. */
async function releaseOlder() {
  const line = await createLine(UNTAGS);
  const older = await pushBad(line, 'older');
  line.clock.advance(5 * MINUTE);
  const newer = await pushBad(line, 'newer');
  await release(line, older.digest);
  await line.settle();
  return { line, older, newer };
}

describe('a tag that is restored', () => {
  it('goes to whoever pushed it between our last look at it and our change', async () => {
    const line = await createLine(UNTAGS);
    const bad = await pushBad(line, 'bad');
    const newer = await image('newer');
    beforeRetag(line, () => line.registry.push(newer, 'app', { tag: 'v1' }));
    await release(line, bad.digest);
    await line.settle();
    await line.wait(2 * MINUTE);
    expect(await targetOf(line)).toBe(newer.digest);
  });

  it('goes there although the event of our own change comes first, and that of the push much later', async () => {
    const line = await createLine(UNTAGS);
    const bad = await pushBad(line, 'bad');
    const newer = await image('newer');
    beforeRetag(line, () => line.registry.push(newer, 'app', { tag: 'v1' }));
    await release(line, bad.digest);
    await line.workOff(['decide']);
    const late = line.registry.events.filter((event) => JSON.stringify(event).includes(newer.digest));
    const others = line.registry.events.filter((event) => !late.includes(event));
    line.registry.events.splice(0, Infinity, ...others);
    await line.settle();
    expect(await targetOf(line)).toBe(bad.digest);
    await line.wait(20 * MINUTE);
    line.registry.events.push(...late);
    await line.settle();
    expect(await targetOf(line)).toBe(newer.digest);
    // Events may come twice, those of our own changes too.
    line.registry.events.push(...others, ...late);
    await line.settle();
    await line.wait(2 * MINUTE);
    expect(await targetOf(line)).toBe(newer.digest);
  });

  it('goes to its last push once that is released, although an older one was released before', async () => {
    const { line, older, newer } = await releaseOlder();
    expect(await targetOf(line)).toBe(older.digest);
    await line.wait(5 * MINUTE);
    await release(line, newer.digest);
    await line.settle();
    expect(await targetOf(line)).toBe(newer.digest);
    await line.wait(5 * MINUTE);
    expect(await targetOf(line)).toBe(newer.digest);
  });

  it('stays where its owner moved it afterwards', async () => {
    const { line, older, newer } = await releaseOlder();
    await line.wait(5 * MINUTE);
    await line.registry.push(older, 'app', { tag: 'v1' });
    await line.settle();
    await release(line, newer.digest);
    await line.settle();
    await line.wait(5 * MINUTE);
    expect(await targetOf(line)).toBe(older.digest);
  });
});
