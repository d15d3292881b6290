import { appendFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { probe, readCredential, runProbe, toTable } from '../../cli/probe.js';
import { openProbeSession } from '../../cli/probe/session.js';
import type { RegistryEvent } from '../../local/registry/event.js';
import { parseRegistryOptions } from '../../local/registry/options-file.js';
import { DEFAULT_SWITCHES, SWITCHES, SWITCH_NAMES, type Switches, flipped } from '../../local/registry/switches.js';
import * as sample from '../../local/sample/image.js';
import { BLOB_HOST, LOGIN_SERVER, type TestRegistryOptions, createTestRegistry } from '../support/registry.js';

const NOW = () => new Date('2026-06-01T12:00:00Z');
const OWNER = { name: 'owner', password: 'secret' } as const;
const CREDENTIAL = { kind: 'basic', user: OWNER.name, password: OWNER.password } as const;

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'lazaret-probe-'));
});
afterAll(() => rmSync(directory, { recursive: true }));

async function open(options: TestRegistryOptions = {}) {
  return createTestRegistry(NOW, {
    anonymous: false,
    roleMode: 'abac',
    // All that the probe needs, in no other repository.
    identities: [
      {
        ...OWNER,
        roles: [{ role: 'Container Registry Repository Contributor', repositoryPrefix: 'lazaret-probe/' }],
      },
    ],
    blobOrigin: `https://${BLOB_HOST}`,
    ...options,
  });
}

const byRequests = SWITCH_NAMES.filter((name) => SWITCHES[name].askedBy === 'requests');
const all = Object.assign({}, ...SWITCH_NAMES.map(flipped)) as Switches;
const worlds: readonly (readonly [string, Partial<Switches>])[] = [
  ['as it is thought to be', {}],
  ...byRequests.map((name) => [`with ${name} turned`, flipped(name)] as const),
  ['with everything turned', all],
];

describe('the probe recovers what a registry answers', () => {
  it.each(worlds)('%s', async (_, switches) => {
    const registry = await open({ switches });
    const result = await probe({
      registry: LOGIN_SERVER,
      credential: CREDENTIAL,
      waitSeconds: 0,
      fetch: registry.fetch,
    });
    const truth: Switches = { ...DEFAULT_SWITCHES, ...switches };
    const asked = byRequests.filter((name) => truth.referrersApi === 'on' || name !== 'referrerArtifactType');
    expect(result.switches).toEqual(Object.fromEntries(asked.map((name) => [name, truth[name]])));
    // What it writes can be loaded; what it could not find out stays as it was thought to be.
    const loaded = parseRegistryOptions(JSON.parse(JSON.stringify(result))).switches;
    expect(loaded).toEqual({ ...DEFAULT_SWITCHES, ...result.switches });
    const paths = registry.requests.map((request) => request.split(' ')[1]!);
    expect(
      paths.filter((path) => !/^\/oauth2\/token$|^\/(?:v2|acr\/v1)\/lazaret-probe\/[0-9a-f-]{36}(?:\/|$)/.test(path)),
    ).toEqual([]);
    expect(await namesOf(registry)).toEqual([]);
  });

  async function namesOf(registry: Awaited<ReturnType<typeof open>>): Promise<unknown> {
    const repository = new Set(registry.requests.map((line) => /lazaret-probe\/[0-9a-f-]{36}/.exec(line)?.[0] ?? ''));
    const left: string[] = [];
    for (const name of repository) {
      if (name === '') continue;
      const send = openProbeSession({
        origin: `https://${LOGIN_SERVER}`,
        repository: name,
        credential: CREDENTIAL,
        fetch: registry.fetch,
      });
      if ((await send('GET', `/acr/v1/${name}`)).status !== 404) left.push(name);
    }
    return left;
  }

  it.each([
    ['repository', 'on', 'off'],
    ['repository@digest', 'off', 'on'],
  ] as const)('and what its events say (%s, %s, %s)', async (taglessSubject, referrerEvent, cascadeEvent) => {
    const events = join(directory, `events-${referrerEvent}.jsonl`);
    const out = join(directory, `answers-${referrerEvent}.json`);
    const registry = await open({
      switches: { taglessSubject, referrerEvent, cascadeEvent },
      replicas: [{ name: 'elsewhere', lagMilliseconds: 0 }],
      publish: (event: RegistryEvent) => {
        appendFileSync(events, `${JSON.stringify([event])}\n`);
        return Promise.resolve();
      },
    });
    const printed: string[] = [];
    const options = { registry: LOGIN_SERVER, credential: CREDENTIAL, waitSeconds: 5, fetch: registry.fetch };
    expect(await runProbe({ ...options, events, out, json: true }, (text) => printed.push(text))).toBe(0);
    const result = JSON.parse(readFileSync(out, 'utf8')) as Awaited<ReturnType<typeof probe>>;
    expect(JSON.parse(printed[0]!)).toEqual(result);
    expect(result.switches).toMatchObject({ taglessSubject, referrerEvent, cascadeEvent, replicaEvent: 'on' });
    expect(Object.keys(result.notes.unanswered)).toEqual(['importEvent', 'retentionEvent']);
    expect(toTable(result)).toContain('not known: the policy takes days');
  });
});

describe('the probe cleans up after itself', () => {
  it.each([
    [
      'the registry fails half-way',
      (request: Request) => request.method === 'PUT' && request.url.includes('locked-tag'),
    ],
    ['it is stopped', undefined],
  ])('also where %s', async (_, breaks) => {
    const registry = await open();
    const stop = new AbortController();
    let created = '';
    registry.faults.push((request) => {
      created = /lazaret-probe\/[0-9a-f-]{36}/.exec(request.url)?.[0] ?? created;
      if (breaks === undefined && request.url.includes('write-locked')) stop.abort();
      return breaks?.(request) === true ? Response.json({}, { status: 401 }) : undefined;
    });
    const options = { registry: LOGIN_SERVER, credential: CREDENTIAL, waitSeconds: 0, fetch: registry.fetch };
    await expect(probe({ ...options, signal: stop.signal })).rejects.toThrow();
    const send = openProbeSession({
      origin: `https://${LOGIN_SERVER}`,
      repository: created,
      credential: CREDENTIAL,
      fetch: registry.fetch,
    });
    expect((await send('GET', `/acr/v1/${created}`)).status).toBe(404);
  });

  it('says what it could not delete', async () => {
    const registry = await open();
    registry.faults.push((request) =>
      request.method === 'DELETE' && /\/acr\/v1\/lazaret-probe\/[^/]+$/.test(request.url)
        ? Response.json({}, { status: 405 })
        : undefined,
    );
    const options = { registry: LOGIN_SERVER, credential: CREDENTIAL, waitSeconds: 0, fetch: registry.fetch };
    await expect(probe(options)).rejects.toMatchObject({ code: 'PROBE_LEFTOVER' });
  });
});

describe('the probe stays where it belongs', () => {
  it.each([
    '/v2/team/app/manifests/v1',
    '/v2/_catalog',
    '/acr/v1/lazaret-probe/xy',
    'https://evil.example/v2/lazaret-probe/x/',
  ])('sends nothing to %s', async (path) => {
    const fetch = () => Promise.reject(new Error('a request left'));
    const send = openProbeSession({
      origin: 'https://r.test',
      repository: 'lazaret-probe/x',
      credential: CREDENTIAL,
      fetch,
    });
    await expect(send('GET', path)).rejects.toMatchObject({ code: 'OUTSIDE_SCRATCH' });
  });

  it('asks no registry elsewhere without credentials, and none with the wrong ones', async () => {
    const registry = await open();
    const options = { registry: LOGIN_SERVER, waitSeconds: 0, fetch: registry.fetch };
    await expect(probe({ ...options, credential: { kind: 'anonymous' } })).rejects.toThrow('credentials');
    expect(registry.requests).toEqual([]);
    const wrong = { kind: 'basic', user: OWNER.name, password: 'guess' } as const;
    await expect(probe({ ...options, credential: wrong })).rejects.toMatchObject({ code: 'PROBE_DENIED' });
  });

  it('reads credentials from the environment or from standard input', async () => {
    const stdin = () => Promise.resolve('typed\n');
    expect(await readCredential({}, undefined)).toEqual({ kind: 'anonymous' });
    expect(await readCredential({ LAZARET_REGISTRY_TOKEN: 't' }, undefined)).toEqual({ kind: 'token', token: 't' });
    expect(await readCredential({}, stdin)).toEqual({ kind: 'token', token: 'typed' });
    expect(await readCredential({ LAZARET_REGISTRY_USER: 'u' }, stdin)).toEqual({
      kind: 'basic',
      user: 'u',
      password: 'typed',
    });
  });

  it('takes a token of the registry in place of a password', async () => {
    const registry = await open();
    await registry.push(await sample.imageOf([{ path: 'a', content: 'a' }]), 'x').catch(() => undefined);
    const ask = async (query: string, headers: Record<string, string>) =>
      (await (await registry.fetch(`https://${LOGIN_SERVER}/oauth2/token?${query}`, { headers })).json()) as {
        access_token: string;
      };
    const basic = `Basic ${Buffer.from('owner:secret').toString('base64')}`;
    const repository = 'lazaret-probe/token';
    const scope = `scope=repository:${repository}:pull,push`;
    const { access_token: token } = await ask(scope, { authorization: basic });
    const send = openProbeSession({
      origin: `https://${LOGIN_SERVER}`,
      repository,
      credential: { kind: 'token', token },
      fetch: registry.fetch,
    });
    expect((await send('POST', `/v2/${repository}/blobs/uploads/`)).status).toBe(202);
  });
});
