import { beforeAll, describe, expect, it } from 'vitest';
import type { Line } from '../support/line.js';
import { LOGIN_SERVER } from '../support/registry.js';
import { changes, createLostWorld, door, dump, keyOf, minutes, rebuilt, releaseOf } from '../support/lost-world.js';

type World = Awaited<ReturnType<typeof createLostWorld>>;

const observe = (line: Line, repository: string, digest: string) =>
  line.registry.client.observe(keyOf(repository, digest));

/**
 * All but two things that change without any news: when the last push of a known image was, and that it was decided again
 * to the same.
 */
function known(entries: Awaited<ReturnType<typeof dump>>['entries']) {
  return Object.fromEntries(
    Object.entries(entries).map(([name, entry]) => [
      name,
      { ...entry, pushedAt: undefined, decision: { ...entry.decision, because: undefined } },
    ]),
  );
}

describe('a ledger that was lost, and is rebuilt', () => {
  let world: World;
  let before: Awaited<ReturnType<typeof dump>>;
  let answer: Awaited<ReturnType<typeof rebuilt>>;
  let cards: number;
  beforeAll(async () => {
    world = await createLostWorld();
    const { line } = world;
    before = await dump(line);
    cards = line.cards.length;
    line.registry.requests.splice(0);
    await line.loseLedger();
    world.redeploy();
    answer = await rebuilt(line);
  }, 120_000);

  it('had something to lose', () => {
    const states = Object.values(before.entries).map(({ enforcement }) => enforcement.state);
    expect(new Set(states)).toEqual(new Set(['none', 'withheld', 'quarantined', 'contested', 'released']));
    const { slow, existing, lent } = world.digests;
    expect(before.entries[`slow@${slow}`]).toMatchObject({ failing: { cause: 'policy' } });
    expect(before.entries[`slow@${slow}`]?.passedAt).toBeDefined();
    expect(before.entries[`old@${existing}`]).toMatchObject({ existing: true });
    expect(before.entries[`lent@${lent}`]?.release?.until).toBeDefined();
  });

  it('knows of every digest what it knew: verdict, quarantine, what stood before it, releases, families', async () => {
    const { entries } = await dump(world.line);
    expect(known(entries)).toEqual(known(before.entries));
    expect(answer).toMatchObject({ restored: 13, kept: 0, gone: 0, elsewhere: 0, unreadable: 0, problems: [] });
  });

  it('knows the tags that quarantine removed', async () => {
    const { removed } = await dump(world.line);
    const digests = (rows: typeof removed) =>
      Object.fromEntries(Object.entries(rows).map(([name, row]) => [name, row.removed?.digest]));
    const released = ['free:v1', 'lent:v1'];
    const standing = Object.fromEntries(
      Object.entries(digests(before.removed)).filter(([name]) => !released.includes(name)),
    );
    expect(digests(removed)).toEqual(standing);
    expect(answer.tags).toBe(Object.keys(standing).length);
    const query = new URLSearchParams({ reference: `${LOGIN_SERVER}/app:also` });
    expect(await world.line.app.verdict({ ...door(), query })).toMatchObject({
      body: { digest: world.digests.fail, verdict: 'fail', enforcement: { tagRemoved: true } },
    });
  });

  it('has told nobody, and changed no registry', async () => {
    await world.line.settle();
    expect(world.line.cards).toHaveLength(cards);
    expect(changes(world.line)).toEqual([]);
  });

  it('is kept where it is rebuilt once more', async () => {
    expect(await rebuilt(world.line)).toMatchObject({ restored: 0, kept: 13, tags: 0 });
    expect(known((await dump(world.line)).entries)).toEqual(known(before.entries));
  });

  it('is swept as ever: nothing is sent, nothing is changed', async () => {
    const { line } = world;
    await minutes(line, 60);
    expect(line.cards).toHaveLength(cards);
    expect(changes(line)).toEqual([]);
    expect(await line.app.coverage(door())).toMatchObject({ body: { unaccounted: 0, quarantined: 5 } });
  });

  it('refuses an older database than the newest that was used', async () => {
    const newest = Object.values(before.entries)
      .flatMap(({ scan }) => (scan.state === 'done' ? [scan.database.updatedAt] : []))
      .sort()
      .at(-1);
    expect((await world.line.ledger.newestDatabase())?.updatedAt).toBe(newest);
  });

  it('gives back exactly the tags and attributes that stood before, once a person releases', async () => {
    const { line, digests } = world;
    await releaseOf(line, keyOf('app', digests.fail));
    const { attributes, tags = [] } = (await observe(line, 'app', digests.fail)) ?? {};
    expect(attributes).toEqual({ readEnabled: true, writeEnabled: true, deleteEnabled: true, listEnabled: true });
    expect(tags.toSorted()).toEqual(['also', 'v1']);
    await releaseOf(line, keyOf('lock', digests.locked));
    expect(await observe(line, 'lock', digests.locked)).toMatchObject({
      attributes: { readEnabled: true },
      tags: ['v1'],
    });
  });
});
