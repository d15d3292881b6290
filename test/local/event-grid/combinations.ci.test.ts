import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeDatabase } from '../../../local/sample/database.js';
import { debianFiles, imageOf } from '../../../local/sample/image.js';
import { push } from '../../../local/sample/push.js';
import type { Status } from '../../../shared/pipeline/lookup.js';
import { type RunningEnvironment, cli, startCli } from '../../support/process.js';

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'lazaret-combinations-'));
  await writeDatabase(join(directory, 'db'), new Date());
});
afterAll(() => rm(directory, { recursive: true }));

/** Asks the environment's own door until the artifact is in the ledger, or its verdict is final. */
async function statusOf(environment: RunningEnvironment, reference: string, settled: boolean): Promise<Status> {
  const url = new URL(`${environment.functions}/api/verdict`);
  url.searchParams.set('reference', reference);
  if (settled) url.searchParams.set('wait', '20');
  for (;;) {
    const status = (await (await fetch(url)).json()) as Status;
    if (settled ? status.settled : status.verdict !== 'unknown') return status;
  }
}

// The demo takes the first combination to its verdicts; here the last one goes all the way.
describe('a push', () => {
  it.each([
    ['function', 'eventgrid', 'ledger', 'receive'],
    ['function', 'cloudevents', 'ledger', 'receive'],
    ['queue', 'eventgrid', 'ledger', 'receiveQueued'],
    ['queue', 'cloudevents', 'verdict', 'receiveQueued'],
  ])('by way of the %s in the schema %s reaches its %s', { timeout: 120_000 }, async (to, schema, goal, name) => {
    const environment = await startCli([
      ...['--state-directory', join(directory, `${to}-${schema}`), '--database', join(directory, 'db')],
      ...['--events', to, '--event-schema', schema],
    ]);
    try {
      const image = await imageOf(debianFiles([['libssl3', 'openssl', '3.0.11-1~deb12u2']]));
      await push(image, { origin: `http://${environment.registry}`, repository: 'shop/api', fetch }, { tag: 'v1' });
      const reference = `${environment.registry}/shop/api@${image.digest}`;
      const { verdict } = await statusOf(environment, reference, goal === 'verdict');
      expect(goal === 'verdict' ? ['fail'] : ['pending', 'fail']).toContain(verdict);
      await expect.poll(environment.stderr).toContain(`Executed 'Functions.${name}' (Succeeded`);
    } finally {
      await environment.stop();
    }
  });
  it.each([
    ['--events', 'webhook'],
    ['--event-schema', 'custom'],
  ])('%s %s is refused', (option, value) => {
    expect(cli('start', option, value).code).toBe(4);
  });
});
