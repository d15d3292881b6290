import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { QueueClient } from '@azure/storage-queue';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type * as starting from '../../../local/functions-host/start.js';
import { connectStorage } from '../../../shared/connect.js';
import { sharedAzurite } from '../../support/line.js';
import { ROOT } from '../../support/process.js';
import { SOURCE, contract } from './contract.js';

// Processes are started from what is built.
const { startFunctionsHost } = (await import(
  pathToFileURL(join(ROOT, 'dist', 'local', 'functions-host', 'start.js')).href
)) as typeof starting;

const APP = `
import { app } from '@azure/functions';
const forever = () => new Promise(() => setInterval(() => undefined, 1000));
app.storageQueue('work', { queueName: '%QUEUE%', connection: 'Storage', handler: async ({ what }, context) => {
  console.log('working ' + what + ' ' + typeof context.triggerMetadata.dequeueCount + ' ' + context.triggerMetadata.dequeueCount);
  if (context.triggerMetadata.dequeueCount > 1) return;
  if (what === 'hang') await forever();
  if (what === 'exit') process.exit(7);
  if (what === 'memory') for (const held = []; ;) held.push(new Array(1_000_000).fill(held.length));
  if (what === 'slow') await new Promise((resolve) => setTimeout(resolve, 700));
} });
app.http('pid', { handler: () => ({ jsonBody: process.pid }) });
app.http('hang', { handler: forever });
app.http('echo', { methods: ['POST'], route: 'echo/{id}', handler: async (request) => ({
  status: 202, headers: { 'x-id': request.params.id }, body: request.query.get('q') + await request.text(),
}) });
app.http('cookie', { handler: () => ({ body: 'x', cookies: [{ name: 'a', value: 'b' }] }) });
app.eventGrid('event', { handler: (event) => { console.log('event ' + event.id + ' ' + event.data.a); } });
app.timer('tick', { schedule: '*/1 * * * * *', handler: (timer) => {
  console.log('tick ' + timer.isPastDue + ' ' + timer.scheduleStatus + ' ' + timer.schedule.adjustForDST);
} });
`;
const HOST_JSON = {
  version: '2.0',
  functionTimeout: '00:00:02',
  extensions: { queues: { maxPollingInterval: '00:00:00.2' } },
};

let directory: string;
const hosts: starting.FunctionsHost[] = [];
let queue: QueueClient;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'lazaret-worker-'));
});
beforeEach(async () => {
  const { connectionString } = await sharedAzurite();
  const { queues } = connectStorage({ kind: 'connection-string', connectionString }, undefined);
  queue = queues.getQueueClient(`work-${randomUUID().slice(0, 8)}`);
  await queue.create();
});
afterEach(async () => {
  await Promise.all(hosts.splice(0).map((host) => host.stop()));
});
afterAll(() => rm(directory, { recursive: true }));

/** Starts an app of the test's own. */
async function start(app = APP, { host = HOST_JSON, env = {} }: { host?: object; env?: Record<string, string> } = {}) {
  const root = join(directory, randomUUID());
  await mkdir(root);
  await symlink(join(ROOT, 'node_modules'), join(root, 'node_modules'));
  await writeFile(join(root, 'package.json'), JSON.stringify({ main: 'app.mjs' }));
  await writeFile(join(root, 'host.json'), JSON.stringify(host));
  await writeFile(join(root, 'app.mjs'), app);
  const lines: string[] = [];
  const running = await startFunctionsHost({
    root,
    port: 0,
    queueLeaseSeconds: 600,
    env: {
      PATH: process.env['PATH'] ?? '',
      AzureWebJobsStorage: (await sharedAzurite()).connectionString,
      QUEUE: queue.name,
      'AzureWebJobs.tick.Disabled': 'true',
      ...env,
    },
    onLine: (line) => lines.push(line),
  });
  hosts.push(running);
  const get = async (path: string) => fetch(`${running.url}/api/${path}`);
  const seen = (text: string) => lines.filter((line) => line.includes(text));
  return { host: running, get, seen, lines };
}

const send = (what: string) => queue.sendMessage(Buffer.from(JSON.stringify({ what })).toString('base64'));
/** A process that nobody has waited for (a zombie, where the machine's first process reaps none) does not live. */
function isAlive(pid: number | undefined): boolean {
  try {
    process.kill(pid!, 0);
    if (process.platform !== 'linux') return true;
    const stat = readFileSync(`/proc/${pid!}/stat`, 'utf8');
    return stat.charAt(stat.lastIndexOf(')') + 2) !== 'Z';
  } catch {
    return false;
  }
}

describe('the worker', () => {
  contract([
    {
      behaviour: 'is a process of its own, in which the real library runs the functions',
      source: SOURCE.worker,
      proof: async () => {
        const { host, get, seen } = await start();
        expect(host.functions).toEqual(['work', 'pid', 'hang', 'echo', 'cookie', 'event', 'tick']);
        expect(await (await get('pid')).json()).toBe(host.workerPid());
        expect(host.workerPid()).not.toBe(host.pid);
        const echo = await fetch(`${host.url}/api/echo/7?q=a`, { method: 'POST', body: 'b' });
        expect([echo.status, echo.headers.get('x-id'), await echo.text()]).toEqual([202, '7', 'ab']);
        expect((await get('cookie')).status).toBe(500);
        const event = await fetch(`${host.url}/runtime/webhooks/EventGrid?functionName=event`, {
          method: 'POST',
          headers: { 'aeg-event-type': 'Notification' },
          body: '[{"id":"1","data":{"a":"b"}}]',
        });
        expect(event.status).toBe(202);
        await expect.poll(() => seen('event 1 b')).toHaveLength(1);
        await send('nothing');
        await expect.poll(() => seen('working nothing number 1')).toHaveLength(1);
      },
    },
    {
      behaviour: 'hands timers over as the library expects them',
      source: SOURCE.timerListener,
      proof: async () => {
        const { seen } = await start(APP, { env: { 'AzureWebJobs.tick.Disabled': 'false' } });
        await expect.poll(() => seen('tick false null true').length).toBeGreaterThan(1);
      },
    },
    {
      behaviour: 'fails all its invocations when it is killed; another one takes over, and the message is tried again',
      source: SOURCE.dispatcher,
      proof: async () => {
        const { host, get, seen } = await start();
        const before = host.workerPid()!;
        const hanging = get('hang');
        await send('hang');
        await expect.poll(() => seen('working hang number 1')).toHaveLength(1);
        await expect.poll(() => seen("Executing 'Functions.hang'")).toHaveLength(1);
        process.kill(before, 'SIGKILL');
        expect((await hanging).status).toBe(500);
        await expect.poll(() => seen('working hang number 2')).toHaveLength(1);
        expect(host.workerPid()).not.toBe(before);
        expect(await (await get('pid')).json()).toBe(host.workerPid());
        expect(seen("Executed 'Functions.work' (Failed")).toHaveLength(1);
        expect(isAlive(host.pid)).toBe(true);
      },
    },
    {
      behaviour: 'may end by itself, or for want of memory: its message follows the path of a failure',
      source: SOURCE.dispatcher,
      proof: async () => {
        const { host, seen } = await start(APP, { env: { NODE_OPTIONS: '--max-old-space-size=80' } });
        const pids = new Set([host.workerPid()]);
        for (const what of ['exit', 'memory']) {
          await send(what);
          await expect.poll(() => seen(`working ${what} number 2`), { timeout: 20_000 }).toHaveLength(1);
          pids.add(host.workerPid());
        }
        expect(pids.size).toBe(3);
        await expect.poll(async () => (await queue.getProperties()).approximateMessagesCount).toBe(0);
      },
    },
    {
      behaviour: 'is restarted where a function takes longer than functionTimeout: all its invocations die',
      source: `${SOURCE.timeout} ${SOURCE.exceptions}`,
      proof: async () => {
        const { host, get, seen } = await start();
        const before = host.workerPid();
        await send('hang');
        await expect.poll(() => seen('working hang number 1')).toHaveLength(1);
        const bystander = get('hang');
        await expect.poll(() => seen('Timeout value of 2000 ms was exceeded')).not.toEqual([]);
        expect((await bystander).status).toBe(500);
        await expect.poll(() => seen('the worker process ended (SIGKILL)')).not.toEqual([]);
        await expect.poll(() => seen('working hang number 2')).toHaveLength(1);
        expect(host.workerPid()).not.toBe(before);
      },
    },
    {
      behaviour: 'ends when its host is killed',
      source: SOURCE.worker,
      proof: async () => {
        const { host } = await start();
        const worker = host.workerPid();
        expect(isAlive(worker)).toBe(true);
        process.kill(host.pid, 'SIGKILL');
        await host.exited;
        await expect.poll(() => isAlive(worker)).toBe(false);
      },
    },
    {
      behaviour: 'finishes what is in hand when the host is stopped, and ends with it',
      source: SOURCE.listener,
      proof: async () => {
        const { host, seen } = await start();
        const worker = host.workerPid();
        await send('slow');
        await expect.poll(() => seen('working slow')).toHaveLength(1);
        await host.stop();
        expect(await host.exited).toBe(0);
        expect(isAlive(worker)).toBe(false);
        expect(seen("Executed 'Functions.work' (Succeeded")).toHaveLength(1);
        expect((await queue.getProperties()).approximateMessagesCount).toBe(0);
      },
    },
  ]);
});

describe('an app that the local host does not serve', () => {
  const http = "import { app } from '@azure/functions'; app.http('f', { handler: () => ({}) });";
  it.each([
    ['throws while it is loaded', `${http} throw new Error('broken app');`, 'broken app'],
    ['registers nothing', 'export {};', 'no function registered'],
    ['streams', `${http} app.setup({ enableHttpStream: true });`, 'capability HttpUri'],
    ['asks for a capability', `${http} app.setup({ capabilities: { Other: true } });`, 'capability Other'],
    ['registers a hook', `${http} app.hook.preInvocation(() => undefined);`, 'hook preInvocation'],
    [
      'has an output',
      `import { app, output } from '@azure/functions'; app.http('f', { handler: () => ({}), extraOutputs: [output.storageQueue({ queueName: 'q-1', connection: 'Storage' })] });`,
      'out queue',
    ],
    ['registers two functions of one name', `${http} app.http('F', { handler: () => ({}) });`, 'Two functions'],
  ])('is refused at the start where it %s', async (_, app, message) => {
    await expect(start(app)).rejects.toThrow(message);
  });
});
