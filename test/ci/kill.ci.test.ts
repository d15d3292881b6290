import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeDatabase } from '../../local/sample/database.js';
import * as sample from '../../local/sample/image.js';
import { push } from '../../local/sample/push.js';
import { type RunningEnvironment, descendants, startCli, statusOf } from '../support/process.js';

let directory: string;
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'lazaret-kill-'));
  await writeDatabase(join(directory, 'db'), new Date());
});
afterAll(() => rmSync(directory, { recursive: true }));

const start = () => startCli(['--state-directory', join(directory, 'state'), '--database', join(directory, 'db')]);

/** Large enough that the scan lasts: many files, each looked through for secrets. */
async function slowImage(name: string) {
  const files = Array.from({ length: 1500 }, (_, i) => ({
    path: `data/${i}.txt`,
    content: randomBytes(20_000).toString('hex'),
  }));
  return sample.imageOf([
    ...sample.debianFiles([['libssl3', 'openssl', '3.0.11-1~deb12u2']]),
    { path: 'name', content: name },
    ...files,
  ]);
}

async function waitForScan(
  environment: RunningEnvironment,
): Promise<readonly { readonly pid: number; readonly command: string }[]> {
  for (let tries = 0; tries < 1000; tries++) {
    const all = descendants(environment.pid);
    if (all.some(({ command }) => / image --image-src remote/.test(command))) return all;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error('no scan began');
}

const cardsOf = async (environment: RunningEnvironment) =>
  ((await (await fetch(`${environment.inbox}/cards`)).json()) as unknown[]).length;

describe('killed in mid-scan', () => {
  // Every image is as bad as the others, so each adds one card.
  it.each([
    ['job, host and worker', /(?:jobs\/scan\/main|host-process|worker-process)\.js/, 3, 1],
    ['the host, with which its worker ends', /host-process\.js/, 1, 2],
    ['the worker, which the host replaces', /worker-process\.js/, 1, 3],
  ])('%s: the verdict arrives, once', async (_, pattern, count, cards) => {
    const environment = await start();
    const repository = `kill/${cards}`;
    const image = await slowImage(repository);
    await push(image, { origin: `http://${environment.registry}`, repository, fetch }, { tag: 'v1' });
    const processes = await waitForScan(environment);
    const victims = processes.filter(({ command }) => pattern.test(command));
    expect(victims).toHaveLength(count);
    for (const { pid } of victims) process.kill(pid, 'SIGKILL');
    const found = statusOf(`${environment.registry}/${repository}:v1`, 120);
    expect(found).toMatchObject({ verdict: 'fail', digest: image.digest, enforcement: { state: 'quarantined' } });
    await new Promise((resolve) => setTimeout(resolve, 8000));
    expect(await cardsOf(environment)).toBe(cards);
    const now = descendants(environment.pid);
    for (const kind of [/host-process\.js/, /worker-process\.js/]) {
      const before = processes.filter(({ command }) => kind.test(command)).map(({ pid }) => pid);
      const after = now.filter(({ command }) => kind.test(command)).map(({ pid }) => pid);
      expect(after).toHaveLength(1);
      // A worker dies with its host; a host outlives its worker.
      const replaced = pattern.test('host-process.js') || (kind.test('worker-process.js') && count === 1);
      expect(after[0] !== before[0]).toBe(replaced);
    }
    expect(await environment.stop()).toBe(0);
  });

  it('and stopped as a whole: the next start goes on where it was', async () => {
    const before = await start();
    const image = await slowImage('two');
    await push(image, { origin: `http://${before.registry}`, repository: 'kill/two', fetch }, { tag: 'v1' });
    const processes = await waitForScan(before);
    for (const { pid, command } of processes)
      if (/(?:jobs\/scan\/main|host-process|worker-process)\.js/.test(command)) process.kill(pid, 'SIGKILL');
    expect(await before.stop()).toBe(0);
    const after = await start();
    expect(after.registry).toBe(before.registry);
    const found = statusOf(`${after.registry}/kill/two:v1`, 120);
    expect(found).toMatchObject({ verdict: 'fail', enforcement: { state: 'quarantined' } });
    // What was known before the restart is known after it.
    expect(statusOf(`${after.registry}/kill/1:v1`, 10)).toMatchObject({ verdict: 'fail' });
    await new Promise((resolve) => setTimeout(resolve, 8000));
    expect(await cardsOf(after)).toBe(4);
    expect(await after.stop()).toBe(0);
  });
});
