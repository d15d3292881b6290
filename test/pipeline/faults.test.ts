import { describe, expect, it } from 'vitest';
import fc from 'fast-check';
import * as sample from '../../local/sample/image.js';
import { signBundle } from '../../local/signer/signer.js';
import { digestOf } from '../../shared/artifact/digest.js';
import { QUEUES } from '../../shared/message/queue-name.js';
import { createLine, onePolicy, type Line } from '../support/line.js';
import { LOGIN_SERVER, RESOURCE_ID } from '../support/registry.js';

const LOCKS = onePolicy('vulnerabilities: { fail: CRITICAL }\nonPush: lock-and-untag');
const ASKS = onePolicy(
  'vulnerabilities: { fail: CRITICAL }\nsignature: { require: any, cosign: { keys: [ci.pub] }, grace: 1s }\nonPush: lock-and-untag',
);
const CRITICAL = { vulnerabilities: [{ id: 'CVE-1', severity: 'CRITICAL' }] };

async function pushBad(line: Line, name = 'bad') {
  const bad = await sample.imageOf([{ path: 'name', content: name }]);
  line.answers.set(bad.digest, CRITICAL);
  await line.registry.push(bad, 'app', { tag: 'v1' });
  return bad;
}

async function expectQuarantined(line: Line, digest: string) {
  const entry = await line.entry('app', digest);
  expect(entry?.decision?.verdict).toBe('fail');
  expect(entry?.enforcement.state).toBe('quarantined');
  expect(entry?.enforcement.operations.map(({ kind, outcome }) => `${kind} ${outcome}`)).toEqual([
    'untag done',
    'lock done',
  ]);
  const { state } = await line.registry.client.pullState(LOGIN_SERVER, 'app' as never, digest as never);
  expect(state).toBe('refused');
}

describe('a crash at any hand-over', () => {
  it.each(Object.values(QUEUES).filter((queue) => queue !== QUEUES.registryEvents))(
    'ends in the same state when the process dies before %s is told',
    async (queue) => {
      const line = await createLine(LOCKS);
      const bad = await pushBad(line);
      line.crashes.push(queue, queue);
      await line.settle();
      await line.wait(5 * 60_000);
      await expectQuarantined(line, bad.digest);
      expect(line.cards).toHaveLength(1);
      expect(line.queued.filter(({ visibleAt }) => visibleAt <= line.clock.now().getTime())).toEqual([]);
    },
  );
});

describe('any order and number of messages', () => {
  it('ends in the same ledger, with the same protection', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(50), { minLength: 1, maxLength: 12 }), async (choices) => {
        const line = await createLine(LOCKS);
        const bad = await pushBad(line);
        await line.deliverEvents();
        for (const choice of choices) {
          // Duplicate one message and bring another one to the front.
          const copied = line.queued[choice % Math.max(line.queued.length, 1)];
          if (copied !== undefined) line.queued.unshift({ ...copied });
          line.queued.sort((a, b) => ((choice * 31 + a.visibleAt) % 7) - ((choice * 17 + b.visibleAt) % 7));
          await line.settle();
        }
        await line.settle();
        await line.wait(2 * 60_000);
        await expectQuarantined(line, bad.digest);
        expect(line.cards).toHaveLength(1);
      }),
      { numRuns: 15 },
    );
  });
});

describe('races', () => {
  it('lets one of two concurrent deciders through, and both end in the same state', async () => {
    const line = await createLine(LOCKS);
    const bad = await pushBad(line);
    await line.deliverEvents();
    while (line.queued.some(({ queue }) => queue !== QUEUES.decide)) {
      const index = line.queued.findIndex(({ queue }) => queue !== QUEUES.decide);
      const [message] = line.queued.splice(index, 1);
      if (message?.queue === QUEUES.verify) await line.app.verify(message.body);
      if (message?.queue === QUEUES.scanned) await line.app.recordScan(message.body);
      if (message?.queue === QUEUES.scan) {
        line.queued.push(message);
        await line.settle();
        break;
      }
    }
    const key = (await line.entry('app', bad.digest))!.key;
    const decide = () => line.decide(key);
    await Promise.all([decide(), decide(), decide()]);
    await line.settle();
    await line.wait(60_000);
    await expectQuarantined(line, bad.digest);
    expect(line.cards).toHaveLength(1);
  });

  it('tags a newer push again that its removal of the same tag has overtaken', async () => {
    const line = await createLine(LOCKS);
    const bad = await pushBad(line);
    const fix = await sample.imageOf([{ path: 'name', content: 'fix' }]);
    // The push of the fix lands between our last look at the tag and its removal.
    const { untag } = line.registry.client;
    let pushed = false;
    Object.assign(line.registry.client, {
      untag: async (...args: Parameters<typeof untag>) => {
        if (!pushed) {
          pushed = true;
          line.clock.advance(5);
          await line.registry.push(fix, 'app', { tag: 'v1' });
          line.clock.advance(5);
        }
        return untag(...args);
      },
    });
    await line.settle();
    await line.wait(60_000);
    expect(pushed).toBe(true);
    expect(await line.registry.client.resolveTag(LOGIN_SERVER, 'app' as never, 'v1' as never)).toBe(fix.digest);
    expect((await line.entry('app', bad.digest))?.enforcement.state).toBe('quarantined');
  });
});

describe('an outage', () => {
  it('of three minutes poisons nothing', async () => {
    const line = await createLine(LOCKS);
    const bad = await pushBad(line);
    const end = line.clock.now().getTime() + 180_000;
    line.registry.faults.push(() =>
      line.clock.now().getTime() < end ? new Response(null, { status: 503 }) : undefined,
    );
    await line.settle();
    expect(await line.entry('app', bad.digest)).toBeUndefined();
    await line.wait(10 * 60_000, 10_000);
    await expectQuarantined(line, bad.digest);
    expect(line.cards).toHaveLength(1);
  });
});

describe('what the registry refuses', () => {
  it('does what it may where a tag is write-locked, says so, and does not try for ever', async () => {
    const line = await createLine(LOCKS);
    const bad = await pushBad(line);
    const lockTag = async () => {
      const token = await line.registry
        .fetch(`https://${LOGIN_SERVER}/oauth2/token?service=${LOGIN_SERVER}&scope=repository:app:metadata_write`)
        .then(async (response) => ((await response.json()) as { token: string }).token);
      await line.registry.fetch(`https://${LOGIN_SERVER}/acr/v1/app/_tags/v1`, {
        method: 'PATCH',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        body: JSON.stringify({ writeEnabled: false }),
      });
    };
    await lockTag();
    await line.settle();
    const entry = await line.entry('app', bad.digest);
    expect(entry?.enforcement.state).toBe('refused');
    expect(entry?.enforcement.operations.map(({ kind, outcome }) => `${kind} ${outcome}`)).toEqual([
      'untag refused',
      'lock done',
    ]);
    const { state } = await line.registry.client.pullState(LOGIN_SERVER, 'app' as never, bad.digest);
    expect(state).toBe('refused');
    line.registry.requests.length = 0;
    await line.decide(entry?.key);
    expect(line.registry.requests.filter((request) => request.startsWith('DELETE'))).toEqual([]);
  });
});

describe('bad input', () => {
  const event = (data: unknown, topic = RESOURCE_ID) => ({
    topic,
    eventType: 'Microsoft.ContainerRegistry.ImagePushed',
    data,
  });
  const target = { digest: digestOf('x'), repository: 'app', tag: 'v1' };

  it.each([
    ['no event at all', 'hello', 'EVENT_MALFORMED'],
    ['an event without a target', event({}), 'EVENT_MALFORMED'],
    ['an impossible repository', event({ target: { ...target, repository: '../etc' } }), 'EVENT_MALFORMED'],
    ['an oversized event', event({ target, padding: 'x'.repeat(70_000) }), 'EVENT_TOO_LARGE'],
    ['a registry that is not configured', event({ target }, '/subscriptions/1/other'), 'REGISTRY_NOT_CONFIGURED'],
  ])('%s is recorded and told, and nothing is asked of any registry', async (_, raw, code) => {
    const line = await createLine(LOCKS);
    await line.app.receive(raw);
    await line.settle();
    expect(line.cards).toMatchObject([{ kind: 'system', code }]);
    expect(line.registry.requests).toEqual([]);
  });

  it('keeps a malformed message, and tells it once however often it comes', async () => {
    const line = await createLine(LOCKS);
    await line.app.decide({ v: 1, nonsense: true });
    await line.app.decide({ v: 1, nonsense: true });
    await line.settle();
    expect(line.cards).toMatchObject([{ kind: 'system', code: 'MESSAGE_MALFORMED' }]);
  });

  it('lets a message of a newer version wait', async () => {
    const line = await createLine(LOCKS);
    await line.app.verify({ v: 2, key: 'whatever' });
    expect(line.queued).toMatchObject([{ queue: QUEUES.verify, body: { v: 2, key: 'whatever' } }]);
    expect(line.queued[0]!.visibleAt).toBeGreaterThan(line.clock.now().getTime());
  });

  it('leaves a poisoned item inconclusive, and never throws', async () => {
    const line = await createLine(ASKS);
    const bad = await pushBad(line);
    await line.deliverEvents();
    const verify = line.queued.find(({ queue }) => queue === QUEUES.verify);
    line.queued.splice(0);
    await line.app.poison(QUEUES.verify, verify?.body);
    await line.app.poison(QUEUES.scanned, 'no message');
    await line.settle();
    expect((await line.entry('app', bad.digest))?.signature).toMatchObject({
      outcome: 'inconclusive',
      code: 'POISONED',
    });
    expect(line.cards.map((card) => card.kind === 'system' && card.code)).toEqual(['POISONED', 'POISONED']);
  });

  it('accepts evidence for an open request only', async () => {
    const line = await createLine(LOCKS);
    const bad = await pushBad(line);
    await line.deliverEvents();
    const request = line.queued.find(({ queue }) => queue === QUEUES.scan)?.body as { key: unknown };
    const forged = {
      v: 1,
      attempt: 0,
      since: line.clock.now().toISOString(),
      key: request.key,
      scanId: '00000000-0000-4000-8000-000000000000',
      outcome: {
        kind: 'failed',
        code: 'X_Y',
        message: '',
        retryable: false,
        finishedAt: line.clock.now().toISOString(),
      },
    };
    await line.app.recordScan(forged);
    expect((await line.entry('app', bad.digest))?.scan.state).toBe('open');
  });

  it('refuses a report that speaks of another image', async () => {
    const line = await createLine(LOCKS);
    const clean = await sample.imageOf([{ path: 'name', content: 'a' }]);
    await line.registry.push(clean, 'app', { tag: 'v1' });
    await line.deliverEvents();
    const request = line.queued.find(({ queue }) => queue === QUEUES.scan)?.body as { key: unknown; scanId: string };
    const { trivyReport } = await import('../support/line.js');
    const put = (value: unknown) => line.reports.put(Buffer.from(JSON.stringify(value)), 'application/json');
    const report = await put(trivyReport(digestOf('another'), {}));
    const at = line.clock.now().toISOString();
    await line.app.recordScan({
      v: 1,
      attempt: 0,
      since: at,
      ...request,
      outcome: {
        kind: 'report',
        report,
        sbom: report,
        database: { digest: 'd', updatedAt: at, entries: 1 },
        startedAt: at,
        finishedAt: at,
        scanMilliseconds: 1,
        convertMilliseconds: 1,
      },
    });
    expect((await line.entry('app', clean.digest))?.scan).toMatchObject({
      state: 'failed',
      code: 'REPORT_OTHER_IMAGE',
    });
  });

  it('gives no verdict to what is gone after the time that replication takes', async () => {
    const line = await createLine(LOCKS);
    await line.app.receive(event({ target, timestamp: line.clock.now().toISOString() }));
    await line.wait(40 * 60_000);
    expect(await line.entry('app', target.digest)).toBeUndefined();
    expect(line.cards).toEqual([]);
    expect(line.queued).toEqual([]);
  });
});

describe('a signature of a kind that is not asked for', () => {
  it('is none', async () => {
    const line = await createLine(
      onePolicy('signature: { require: any, cosign: { keys: [ci.pub] }, grace: 1s }\nonPush: mark'),
    );
    const signed = await sample.imageOf([{ path: 'name', content: 'notation' }]);
    await line.registry.push(signed, 'app', { tag: 'v1' });
    const empty = { bytes: Buffer.from('{}'), digest: digestOf('{}') };
    const notation = sample.makeArtifact({
      configType: 'application/vnd.cncf.notary.signature',
      config: empty,
      layers: [{ type: 'application/jose+json', blob: empty }],
      extra: { subject: { mediaType: signed.mediaType, digest: signed.digest, size: signed.bytes.byteLength } },
    });
    await line.registry.push(notation, 'app');
    await line.settle();
    await line.wait(60_000);
    const decision = (await line.entry('app', signed.digest))?.decision;
    expect(decision).toMatchObject({ verdict: 'fail', reasons: [{ code: 'SIGNATURE_MISSING' }] });
    await line.registry.push(signBundle(signed, line.keys), 'app');
    await line.settle();
    expect((await line.entry('app', signed.digest))?.decision?.verdict).toBe('pass');
  });
});
