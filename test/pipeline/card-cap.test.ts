import { describe, expect, it } from 'vitest';
import * as sample from '../../local/sample/image.js';
import { AppError } from '../../shared/error/app-error.js';
import type { Alert } from '../../shared/message/alert.js';
import { QUEUES } from '../../shared/message/queue-name.js';
import { type Line, createLine, onePolicy } from '../support/line.js';

const MINUTE = 60_000;
const MARKS = onePolicy('vulnerabilities: { fail: CRITICAL }\nonPush: mark');

async function push(line: Line, repository: string, count: number) {
  for (let i = 0; i < count; i++) {
    const image = await sample.imageOf([{ path: 'name', content: `${repository} ${i}` }]);
    const many = Array.from({ length: i + 1 }, (_, n) => ({ id: `CVE-${n}`, severity: 'CRITICAL' as const }));
    line.answers.set(image.digest, { vulnerabilities: many });
    await line.registry.push(image, repository, { tag: `v${i}` });
  }
  await line.settle();
}

async function minutes(line: Line, count: number) {
  for (let passed = 0; passed < count; passed += 5) {
    await line.wait(5 * MINUTE, 5 * MINUTE);
    await line.app.reconcile();
    await line.settle();
  }
}

const systemOf = (cards: readonly Alert[]) => cards.flatMap((card) => (card.kind === 'system' ? [card] : []));

describe('a storm of cards', () => {
  it('is a few cards, and one summary with counts and the worst', async () => {
    const line = await createLine(MARKS, { maxCardsPerHour: 5, reportUrl: 'https://reports.example/' });
    await push(line, 'app', 12);
    expect(line.cards).toHaveLength(5);
    await minutes(line, 30);
    const [told, ...more] = systemOf(line.cards);
    expect([line.cards.length, more.length]).toEqual([6, 0]);
    expect(told).toMatchObject({ code: 'CARDS_HELD', title: '7 more images, told together' });
    const facts = Object.fromEntries(told!.facts.map(({ name, value }) => [name, value]));
    expect(facts).toMatchObject({ Verdicts: '7 × fail', 'What changed': '7 × newly pushed' });
    expect(facts['They fail by']).toMatch(/^7 × CVE-/);
    expect(facts['The worst']).toMatch(/app@sha256:[0-9a-f]{64}: 12 critical, 0 high$/);
    expect(told!.links?.[0]?.url).toMatch(/^https:\/\/reports\.example\/\?reference=/);
  });

  it('is over after an hour, and another one is told once more within the hour', async () => {
    const line = await createLine(MARKS, { maxCardsPerHour: 5 });
    await push(line, 'app', 7);
    await minutes(line, 20);
    expect(systemOf(line.cards)).toHaveLength(1);
    await push(line, 'other', 3);
    await minutes(line, 30);
    expect(systemOf(line.cards)).toHaveLength(1);
    await minutes(line, 30);
    expect(systemOf(line.cards).map(({ title }) => title)).toEqual([
      '2 more images, told together',
      '3 more images, told together',
    ]);
    await push(line, 'third', 3);
    expect(line.cards.filter(({ kind }) => kind === 'image')).toHaveLength(8);
  });

  it('is told although whoever told it died before that was recorded', async () => {
    const line = await createLine(MARKS, { maxCardsPerHour: 1 });
    await push(line, 'app', 3);
    line.clock.advance(15 * MINUTE);
    line.crashes.push(QUEUES.alert);
    await expect(line.app.reconcile()).rejects.toThrow('crashed');
    await minutes(line, 10);
    expect(systemOf(line.cards)).toHaveLength(1);
  });
});

const ROUTED = `version: 1
rules:
  - repository: team-a/**
    channel: team-a
    vulnerabilities: { fail: CRITICAL }
  - repository: "**"
    vulnerabilities: { fail: CRITICAL }
`;

describe('cards of several teams', () => {
  async function routed() {
    const sent: string[] = [];
    const broken = new Set<string>();
    const line = await createLine(ROUTED, {
      channels: ['team-a'],
      maxCardsPerHour: 2,
      sendCard: (alert, channel) => {
        if (broken.has(channel)) return Promise.reject(new AppError('TEAMS_UNAVAILABLE', 'no', { retryable: true }));
        sent.push(`${channel} ${alert.kind === 'image' ? alert.key.repository : alert.code}`);
        return Promise.resolve();
      },
    });
    return { line, sent, broken };
  }

  it('go to the channel of the team that owns the repository, each with a cap of its own', async () => {
    const { line, sent } = await routed();
    await push(line, 'team-a/app', 3);
    await push(line, 'other/app', 2);
    expect(sent.toSorted()).toEqual(['common other/app', 'common other/app', 'team-a team-a/app', 'team-a team-a/app']);
    await minutes(line, 15);
    expect(sent.filter((each) => each.includes('CARDS_HELD'))).toEqual(['team-a CARDS_HELD']);
  });

  it('are tried for a day, and then raised on the common channel', async () => {
    const { line, sent, broken } = await routed();
    broken.add('team-a');
    await push(line, 'team-a/app', 1);
    await line.wait(23 * 60 * MINUTE, 20 * MINUTE);
    expect(sent).toEqual([]);
    await line.wait(4 * 60 * MINUTE, 20 * MINUTE);
    expect(sent).toEqual(['common CARD_UNDELIVERED']);
  });

  it('arrive once the channel is back within the day', async () => {
    const { line, sent, broken } = await routed();
    broken.add('team-a');
    await push(line, 'team-a/app', 1);
    await line.wait(10 * 60 * MINUTE, 20 * MINUTE);
    broken.clear();
    await line.wait(3 * 60 * MINUTE, 20 * MINUTE);
    expect(sent).toEqual(['team-a team-a/app']);
  });
});
