import { describe, expect, it } from 'vitest';
import { type Victim, createDirector } from '../../../local/kill/director.js';
import { requestName } from '../../../local/kill/request-name.js';
import { nameOf } from '../../../local/kill/storage.js';

const MOMENT = 'host: decide begins';

/** A director with victims that can be away, and an outage that ends when the test says so. */
function stage() {
  const killed: Victim[] = [];
  const away = new Set<Victim>();
  const outage = Promise.withResolvers<undefined>();
  const director = createDirector({
    script: [
      { at: MOMENT, nth: 2, every: 3, deed: 'kill worker' },
      { at: 'outage', nth: 1, every: 1, deed: 'storage stopped' },
      { at: 'never', nth: 1, every: 1, deed: 'kill job' },
    ],
    now: () => 0,
    kill: (victim) => {
      if (away.has(victim)) return false;
      killed.push(victim);
      return true;
    },
    interrupt: () => outage.promise.then(() => undefined),
    say: () => undefined,
  });
  const meet = async (times: number) => {
    for (let i = 0; i < times; i++) await director.reached(MOMENT);
  };
  return { director, killed, away, outage, meet };
}

describe('the director of the kills', () => {
  it('acts at the nth moment and again after so many', async () => {
    const { killed, meet } = stage();
    await meet(1);
    expect(killed).toHaveLength(0);
    await meet(1);
    expect(killed).toHaveLength(1);
    await meet(2);
    expect(killed).toHaveLength(1);
    await meet(1);
    expect(killed).toHaveLength(2);
  });

  it('waits for a victim that is away', async () => {
    const { killed, away, meet } = stage();
    away.add('worker');
    await meet(3);
    expect(killed).toHaveLength(0);
    away.delete('worker');
    await meet(1);
    expect(killed).toEqual(['worker']);
  });

  it('says what it never did', async () => {
    const { director, meet } = stage();
    await meet(2);
    expect(director.missed().map(({ at }) => at)).toEqual(['outage', 'never']);
  });

  it('waits for the end of an outage when it is disarmed, and does nothing afterwards', async () => {
    const { director, killed, outage, meet } = stage();
    await director.reached('outage');
    let over = false;
    const disarmed = director.disarm().then(() => {
      over = true;
    });
    await Promise.resolve();
    expect(over).toBe(false);
    outage.resolve(undefined);
    await disarmed;
    await meet(5);
    expect(killed).toHaveLength(0);
    expect(director.done()).toHaveLength(1);
  });
});

describe('a moment is named', () => {
  it.each([
    ['GET', 'http://r/v2/a/b/manifests/v1', 'trivy/0.74.0', 'registry: scan GET manifest'],
    ['PUT', 'http://r/v2/a/b/manifests/v1', 'node', 'registry: PUT manifest'],
    ['PATCH', 'http://r/acr/v1/a%2Fb/_manifests/sha256:0', null, 'registry: PATCH attributes'],
    ['DELETE', 'http://r/acr/v1/a%2Fb/_tags/v1', null, 'registry: DELETE tag'],
  ])('%s %s by %s', (method, url, agent, name) => {
    expect(requestName({ method, url, headers: { get: () => agent } })).toBe(name);
  });

  it('of storage by the first line of a request', () => {
    const line = 'POST /devstoreaccount1/decide/messages?visibilitytimeout=0 HTTP/1.1\r\nhost: x\r\n\r\n';
    expect(nameOf(Buffer.from(line))).toBe('storage: POST decide');
    expect(nameOf(Buffer.from('<QueueMessage>POST /devstoreaccount1/decide'))).toBeUndefined();
  });
});
