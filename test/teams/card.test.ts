import { createRequire } from 'node:module';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkEnvelope } from '../../local/inbox/check-envelope.js';
import { digestOf } from '../../shared/artifact/digest.js';
import { parseKey } from '../../shared/artifact/reference.js';
import type { Alert, ImageAlert } from '../../shared/message/alert.js';
import { escapeMarkdown, plain, safeUrl } from '../../shared/teams/escape.js';
import { MAX_CARD_BYTES, renderAlert } from '../../shared/teams/render.js';
import { createTeamsWebhook } from '../../shared/teams/webhook.js';

const HOSTILE = [
  '[click](https://evil.example)',
  '**bold** _it_ ~~no~~ `code`',
  '<at>everyone</at><img src=x onerror=alert(1)>',
  'a\u202Egnp.exe',
  'line\nbreak\r\n\u0000\u200b',
  '# heading\n> quote\n- list',
  '&lt;script&gt;',
];

const alert = (changes: Partial<ImageAlert> = {}): ImageAlert => ({
  kind: 'image',
  key: parseKey({ registry: 'team.azurecr.io', repository: 'shop/api', digest: digestOf('x') }),
  tags: ['v1'],
  verdict: 'fail',
  cause: 'push',
  reasons: [{ code: 'VULNERABILITIES', message: '1 CRITICAL at or above the threshold.' }],
  counts: { critical: 1, high: 0, medium: 2, low: 0, unknown: 0 },
  findings: [
    {
      id: 'CVE-2024-5535',
      package: 'openssl',
      installed: '3.0.11',
      fixed: '3.0.15',
      severity: 'CRITICAL',
      target: 'debian',
      title: 'a title',
    },
  ],
  secrets: [],
  operations: [
    { kind: 'untag', tag: 'v1', outcome: 'done' },
    { kind: 'lock', outcome: 'done' },
  ],
  pushedBy: 'alice',
  pushedAt: '2026-06-01T12:00:00Z',
  decidedAt: '2026-06-01T12:00:05Z',
  links: [{ title: 'Details', url: 'https://lazaret.example/r' }],
  ...changes,
});

const textOf = (value: Alert) => JSON.stringify(renderAlert(value));

describe('outside text', () => {
  it.each(HOSTILE)('is inert: %j', (text) => {
    expect(plain(text)).not.toMatch(/[\n\r\u0000\u200b\u202e]/);
    expect(escapeMarkdown(text).replaceAll(/\\./g, '')).not.toMatch(/[*_`[\]()<>#~&]/);
  });
  it('is cut, and never inside a character', () => {
    expect(Array.from(plain('😀'.repeat(500), 10))).toHaveLength(10);
    expect(plain('x'.repeat(10_000)).length).toBeLessThanOrEqual(200);
  });
  it.each([
    'javascript:alert(1)',
    'http://evil.example/',
    'https://user:pass@host/',
    'data:text/html,x',
    'nothing',
    `https://h/${'x'.repeat(2000)}`,
  ])('is no link: %s', (url) => expect(safeUrl(url)).toBeUndefined());
});

describe('cards', () => {
  it('tells what, why, and what was done', () => {
    const text = textOf(alert());
    for (const part of [
      'Failed and quarantined',
      'shop/api',
      ':v1',
      'CVE-2024-5535',
      '3.0.11 → 3.0.15',
      'tag removed (v1)',
      'digest locked',
      'alice',
      'npx lazaret release',
    ]) {
      expect(text).toContain(part);
    }
  });
  it.each([
    [
      'observed',
      alert({ operations: [{ kind: 'lock', outcome: 'withheld' }], withheld: { because: 'observe' } }),
      'observed only',
    ],
    [
      'there before',
      alert({ operations: [{ kind: 'lock', outcome: 'withheld' }], withheld: { because: 'existing' } }),
      'left as it is',
    ],
    [
      'in its countdown',
      alert({
        operations: [{ kind: 'lock', outcome: 'withheld' }],
        withheld: { because: 'change', until: '2026-06-04T12:00:00.000Z' },
      }),
      'To be done at 2026-06-04T12:00:00.000Z',
    ],
    ['refused', alert({ operations: [{ kind: 'lock', outcome: 'refused' }] }), 'quarantine incomplete'],
    ['a pass after a fail', alert({ verdict: 'pass', previous: 'fail', reasons: [] }), 'Passes now'],
    ['a release', alert({ cause: 'release' }), 'Released from quarantine'],
  ])('says what %s is', (_, given, words) => expect(textOf(given)).toContain(words));

  it('has no place for the text of a secret', () => {
    expect(textOf(alert({ secrets: [{ rule: 'private-key', path: 'app/key.pem', severity: 'HIGH' }] }))).toContain(
      'private-key in app/key.pem',
    );
  });

  it('is small and valid whatever is in it', () => {
    const text = fc.oneof(
      fc.string({ maxLength: 3000 }),
      fc.constantFrom(...HOSTILE),
      fc.string({ unit: 'binary', maxLength: 500 }),
    );
    const finding = fc.record({
      id: text,
      package: text,
      installed: text,
      severity: fc.constantFrom('CRITICAL' as const, 'LOW' as const),
      target: text,
      title: text,
    });
    fc.assert(
      fc.property(
        fc.array(finding, { maxLength: 20 }),
        fc.array(text, { maxLength: 50 }),
        fc.array(fc.record({ code: text, message: text }), { maxLength: 20 }),
        text,
        (findings, tags, reasons, pushedBy) => {
          const operations = tags.map((tag) => ({ kind: 'untag' as const, tag, outcome: 'done' as const }));
          const envelope = JSON.stringify(
            renderAlert(
              alert({
                findings,
                tags,
                reasons,
                pushedBy,
                operations,
                counts: { critical: 5000, high: 1, medium: 1, low: 1, unknown: 1 },
              }),
            ),
          );
          expect(Buffer.byteLength(envelope)).toBeLessThanOrEqual(MAX_CARD_BYTES);
          expect(checkEnvelope(envelope)).toHaveProperty('envelope');
        },
      ),
      { numRuns: 60 },
    );
  });

  it('is taken whole by the library that Teams uses', () => {
    interface Library {
      readonly AdaptiveCard: new () => {
        parse: (json: unknown, context: unknown) => void;
        validateProperties: () => { validationEvents: unknown[] };
      };
      readonly SerializationContext: new () => { eventCount: number };
    }
    const library = createRequire(import.meta.url)('adaptivecards/dist/adaptivecards.js') as Library;
    const system: Alert = {
      kind: 'system',
      code: 'POISONED',
      title: 't',
      message: 'm',
      facts: [{ name: 'a', value: '*b*' }],
      at: '2026-06-01T12:00:00Z',
    };
    for (const given of [alert(), alert({ cause: 'release' }), alert({ tags: [], findings: [] }), system]) {
      const card = new library.AdaptiveCard();
      const context = new library.SerializationContext();
      card.parse(renderAlert(given).attachments[0].content, context);
      expect(context.eventCount).toBe(0);
      expect(card.validateProperties().validationEvents).toEqual([]);
    }
  });
});

describe('the webhook', () => {
  const SECRET = 'https://flow.example/invoke?sig=SECRET';
  const send = (status: number, headers: Record<string, string> = {}) =>
    createTeamsWebhook({ url: SECRET, fetch: () => Promise.resolve(new Response(null, { status, headers })) })(
      renderAlert(alert()),
    );
  it.each([200, 202])('is content with %i', async (status) => {
    await expect(send(status)).resolves.toBeUndefined();
  });
  it.each([
    [429, 'TEAMS_UNAVAILABLE', true],
    [503, 'TEAMS_UNAVAILABLE', true],
    [400, 'TEAMS_REFUSED', false],
    [401, 'TEAMS_REFUSED', false],
    [302, 'TEAMS_REFUSED', false],
  ])('takes %i for %s', async (status, code, retryable) => {
    await expect(send(status, { 'retry-after': '7' })).rejects.toMatchObject({ code, retryable, retryAfterSeconds: 7 });
  });
  it('never tells its address', async () => {
    const failing = createTeamsWebhook({
      url: SECRET,
      fetch: () => Promise.reject(new Error(`cannot reach ${SECRET}`)),
    });
    const error: unknown = await failing(renderAlert(alert())).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'TEAMS_UNAVAILABLE', retryable: true });
    expect(JSON.stringify(error, Object.getOwnPropertyNames(error as object))).not.toContain('SECRET');
  });
});

describe('the local inbox', () => {
  const envelope = () =>
    JSON.parse(textOf(alert())) as { type: string; attachments: { content: { body: unknown[] } }[] };
  it.each([
    ['no JSON', () => '{'],
    ['a card by itself', () => JSON.stringify(envelope().attachments[0]!.content)],
    ['no attachments', () => JSON.stringify({ type: 'message' })],
    [
      'an element that Teams would not show',
      () => {
        const e = envelope();
        e.attachments[0]!.content.body.push({ type: 'Input.Text' });
        return JSON.stringify(e);
      },
    ],
    [
      'an image from outside',
      () => {
        const e = envelope();
        e.attachments[0]!.content.body.push({ type: 'Image', url: 'https://x' });
        return JSON.stringify(e);
      },
    ],
    ['more than 28 KB', () => JSON.stringify({ ...envelope(), padding: 'x'.repeat(30_000) })],
  ])('refuses %s', (_, make) => expect(checkEnvelope(make())).toHaveProperty('problem'));
});
