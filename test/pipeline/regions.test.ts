import { describe, expect, it } from 'vitest';
import { push } from '../../local/sample/push.js';
import * as sample from '../../local/sample/image.js';
import { LIMITS } from '../../local/registry/throttle.js';
import { createLine, onePolicy } from '../support/line.js';

const LOCKS = onePolicy('vulnerabilities: { fail: CRITICAL }\nonPush: lock-and-untag');
const CRITICAL = { vulnerabilities: [{ id: 'CVE-1', severity: 'CRITICAL', fixed: '2' }] };
const REGIONS = { location: 'westeurope', replicas: [{ name: 'northeurope', lagMilliseconds: 120_000 }] };
const AWAY = 'https://team.northeurope.geo.azurecr.test';

async function bad(line: Awaited<ReturnType<typeof createLine>>) {
  const image = await sample.imageOf([{ path: 'name', content: 'bad' }]);
  line.answers.set(image.digest, CRITICAL);
  return image;
}

describe('a registry of two regions', () => {
  it('one push, two events: one scan, one card, one quarantine', async () => {
    const line = await createLine(LOCKS, {}, REGIONS);
    const image = await bad(line);
    await line.registry.push(image, 'app', { tag: 'v1' });
    await line.settle();
    await line.wait(5 * 60_000);
    expect((await line.entry('app', image.digest))?.enforcement.state).toBe('quarantined');
    expect([line.scans.length, line.cards.length]).toEqual([1, 1]);
    expect(await line.registry.pull('app', image.digest)).toBe(405);
  });

  it('a push to the other region is known before it can be read, and gets its verdict once it can', async () => {
    const line = await createLine(LOCKS, {}, REGIONS);
    const image = await bad(line);
    await push(image, { origin: AWAY, repository: 'app', fetch: line.registry.fetch }, { tag: 'v1' });
    await line.settle();
    expect((await line.entry('app', image.digest))?.decision).toBeUndefined();
    await line.wait(10 * 60_000);
    expect((await line.entry('app', image.digest))?.enforcement.state).toBe('quarantined');
    expect(await line.registry.pull('app', image.digest)).toBe(405);
  });

  it('a lock that replication undoes is set again by the next decision', async () => {
    const line = await createLine(LOCKS, {}, REGIONS);
    const image = await bad(line);
    await line.registry.push(image, 'app', { tag: 'v1' });
    // The same image, to the other region, before our lock has arrived there.
    await push(image, { origin: AWAY, repository: 'app', fetch: line.registry.fetch }, { tag: 'v2' });
    await line.settle();
    const entry = await line.entry('app', image.digest);
    expect(entry?.enforcement.state).toBe('quarantined');
    line.clock.advance(120_000);
    await line.registry.registry.tick();
    expect(await line.registry.client.observe(entry!.key)).toMatchObject({ attributes: { readEnabled: true } });
    // The tag's event from the other region asks for a decision by itself.
    await line.wait(5 * 60_000);
    expect(await line.registry.client.observe(entry!.key)).toMatchObject({
      attributes: { readEnabled: false, deleteEnabled: false },
      tags: [],
    });
  });
});

describe('a registry that throttles', () => {
  it('is asked again, and the verdict and the protection are the same', async () => {
    // Seven writes a minute: enough for the push, not for the marks.
    const scale = 7 / LIMITS.standard.write.identity;
    const line = await createLine(LOCKS, {}, { throttling: { sku: 'standard', scale } });
    const image = await bad(line);
    await line.registry.push(image, 'app', { tag: 'v1' });
    await line.settle();
    await line.wait(60 * 60_000);
    expect((await line.entry('app', image.digest))?.enforcement.state).toBe('quarantined');
    expect(line.registry.statuses).toContain(429);
    line.clock.advance(60_000);
    expect(await line.registry.pull('app', image.digest)).toBe(405);
  });
});

describe('the event of a push that comes once more after the delete', () => {
  it('does not bring the digest back, and a later push does', async () => {
    const line = await createLine(LOCKS);
    const image = await sample.imageOf([{ path: 'name', content: 'short-lived' }]);
    await line.registry.push(image, 'app', { tag: 'v1' });
    const pushed = [...line.registry.events];
    await line.settle();
    line.clock.advance(60_000);
    await line.registry.remove('app', image.digest);
    await line.settle();
    expect((await line.entry('app', image.digest))?.goneAt).toBeDefined();
    line.registry.events.push(...pushed);
    await line.settle();
    expect((await line.entry('app', image.digest))?.goneAt).toBeDefined();
    line.clock.advance(60_000);
    await line.registry.push(image, 'app', { tag: 'v1' });
    await line.settle();
    expect((await line.entry('app', image.digest))?.goneAt).toBeUndefined();
  });

  it('does not hide a later push, though the clock of the registry is behind ours', async () => {
    const line = await createLine(LOCKS);
    const image = await sample.imageOf([{ path: 'name', content: 'pushed again' }]);
    await line.registry.push(image, 'app', { tag: 'v1' });
    await line.settle();
    line.clock.advance(60_000);
    await line.registry.remove('app', image.digest);
    await line.settle();
    const goneAt = new Date((await line.entry('app', image.digest))?.goneAt ?? '');
    line.clock.advance(10_000);
    await line.registry.push(image, 'app', { tag: 'v1' });
    const [event] = line.registry.events;
    const at = new Date(goneAt.getTime() - 5_000).toISOString();
    line.registry.events.splice(0, 1, {
      ...event!,
      data: { ...(event!.data as object), timestamp: at },
      eventTime: at,
    });
    await line.settle();
    expect((await line.entry('app', image.digest))?.goneAt).toBeUndefined();
  });
});
