import { describe, expect, it } from 'vitest';
import { digestOf } from '../../shared/artifact/digest.js';
import { ROLES, requireRole } from '../../shared/message/principal.js';
import { decideRequestSchema, parseMessage } from '../../shared/message/queue-message.js';
import { parseRegistryEvent } from '../../shared/message/registry-event.js';

const NOW = new Date('2026-06-01T12:00:00Z');
const ID = '/subscriptions/S/resourceGroups/RG/providers/Microsoft.ContainerRegistry/registries/Team';
const target = { digest: digestOf('x'), repository: 'samples/nginx', tag: 'latest' };

describe('registry events', () => {
  it('reads the Event Grid envelope with every optional field absent', () => {
    const event = {
      topic: ID,
      eventType: 'Microsoft.ContainerRegistry.ImagePushed',
      data: { target: { ...target, tag: undefined } },
    };
    expect(parseRegistryEvent(event, NOW)).toEqual({
      action: 'push',
      resourceId: ID.toLowerCase(),
      repository: 'samples/nginx',
      digest: target.digest,
      at: NOW.toISOString(),
    });
  });

  it('reads CloudEvents 1.0, nine fractional digits, and who pushed', () => {
    const event = {
      specversion: '1.0',
      source: `${ID}/connectedRegistries/edge1`,
      type: 'Microsoft.ContainerRegistry.ImagePushed',
      data: { timestamp: '2026-06-01T11:59:59.123456789Z', target, actor: { name: 'alice' } },
    };
    expect(parseRegistryEvent(event, NOW)).toMatchObject({
      resourceId: ID.toLowerCase(),
      tag: 'latest',
      by: 'alice',
      at: '2026-06-01T11:59:59.123Z',
    });
  });

  it('does not believe a time in the future', () => {
    const event = {
      topic: ID,
      eventType: 'Microsoft.ContainerRegistry.ImagePushed',
      data: { timestamp: '2036-01-01T00:00:00Z', target },
    };
    expect(parseRegistryEvent(event, NOW)).toMatchObject({ at: NOW.toISOString() });
  });

  it.each(['Microsoft.ContainerRegistry.ChartPushed', 'Microsoft.EventGrid.SubscriptionValidationEvent'])(
    'ignores %s',
    (eventType) => {
      expect(parseRegistryEvent({ topic: ID, eventType, data: {} }, NOW)).toMatchObject({ action: 'ignore' });
    },
  );

  it('knows a delete, which names no tag', () => {
    const event = {
      topic: ID,
      eventType: 'microsoft.containerregistry.imagedeleted',
      data: { target: { ...target, tag: null } },
    };
    expect(parseRegistryEvent(event, NOW)).toMatchObject({ action: 'delete', digest: target.digest });
  });

  it.each([
    ['nothing', undefined],
    ['text', 'push'],
    ['a list', [{ topic: ID }]],
    ['no topic', { eventType: 'Microsoft.ContainerRegistry.ImagePushed', data: { target } }],
    [
      'no digest',
      { topic: ID, eventType: 'Microsoft.ContainerRegistry.ImagePushed', data: { target: { repository: 'a' } } },
    ],
    [
      'a tag that is none',
      { topic: ID, eventType: 'Microsoft.ContainerRegistry.ImagePushed', data: { target: { ...target, tag: 'a b' } } },
    ],
  ])('refuses %s', (_, event) => {
    expect(() => parseRegistryEvent(event, NOW)).toThrow(
      expect.objectContaining({ code: 'EVENT_MALFORMED', retryable: false }),
    );
  });
});

describe('queue messages', () => {
  it('tells a newer version, which waits, from a malformed message, which is refused', () => {
    const parse = (message: unknown) => () => parseMessage(decideRequestSchema, message);
    expect(parse({ v: 2 })).toThrow(expect.objectContaining({ code: 'MESSAGE_NEWER', retryable: true }));
    for (const message of [undefined, 'x', 7, {}, { v: 1 }, { v: 1, since: 'now', key: {} }]) {
      expect(parse(message)).toThrow(expect.objectContaining({ code: 'MESSAGE_MALFORMED', retryable: false }));
    }
  });

  it('uses no name that the Functions host overwrites', () => {
    const reserved = [
      'id',
      'dequeuecount',
      'popreceipt',
      'insertiontime',
      'expirationtime',
      'nextvisibletime',
      'queuetrigger',
    ];
    const names = Object.keys(decideRequestSchema.shape).map((name) => name.toLowerCase());
    expect(names.filter((name) => reserved.includes(name))).toEqual([]);
  });
});

describe('callers', () => {
  const header = (principal: unknown) =>
    new Headers({ 'x-ms-client-principal': Buffer.from(JSON.stringify(principal)).toString('base64') });
  const claims = (roles: readonly string[]) => [
    { typ: 'preferred_username', val: 'alice@example.com' },
    ...roles.map((val) => ({ typ: 'roles', val })),
  ];

  it('lets in who has the role', () => {
    const principal = requireRole(header({ auth_typ: 'aad', claims: claims([ROLES.read]) }), ROLES.read, 'entra');
    expect(principal.name).toBe('alice@example.com');
  });

  it.each([
    ['nobody', new Headers(), 'NOT_SIGNED_IN'],
    ['who only says so', new Headers({ 'x-lazaret-caller': 'alice' }), 'NOT_SIGNED_IN'],
    ['what is no principal', new Headers({ 'x-ms-client-principal': 'e30=' }), 'NOT_SIGNED_IN'],
    ['another provider', header({ auth_typ: 'github', claims: claims([ROLES.release]) }), 'NOT_SIGNED_IN'],
    ['who may only read', header({ auth_typ: 'aad', claims: claims([ROLES.read]) }), 'NOT_ALLOWED'],
  ])('keeps out %s', (_, headers, code) => {
    expect(() => requireRole(headers, ROLES.release, 'entra')).toThrow(expect.objectContaining({ code }));
  });
  it("lets nobody in while the platform's sign-in is off, whatever the header says", () => {
    const headers = header({ auth_typ: 'aad', claims: claims([ROLES.read, ROLES.release, ROLES.operate]) });
    expect(() => requireRole(headers, ROLES.read, 'closed')).toThrow(
      expect.objectContaining({ code: 'NOT_SIGNED_IN' }),
    );
  });
});
