import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeDatabase } from '../../../local/sample/database.js';
import { debianFiles, imageOf } from '../../../local/sample/image.js';
import { push } from '../../../local/sample/push.js';
import { cli, startCli, statusOf } from '../../support/process.js';

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'lazaret-combinations-'));
  await writeDatabase(join(directory, 'db'), new Date());
});
afterAll(() => rm(directory, { recursive: true }));

describe('a push reaches its verdict, with the real Trivy', () => {
  it.each([
    ['function', 'eventgrid', "Executed 'Functions.receive' (Succeeded"],
    ['function', 'cloudevents', "Executed 'Functions.receive' (Succeeded"],
    ['queue', 'eventgrid', "Executed 'Functions.receiveQueued' (Succeeded"],
    ['queue', 'cloudevents', "Executed 'Functions.receiveQueued' (Succeeded"],
  ])('by way of the %s, in the schema %s', { timeout: 120_000 }, async (destination, schema, line) => {
    const environment = await startCli([
      ...['--state-directory', join(directory, `${destination}-${schema}`), '--database', join(directory, 'db')],
      ...['--events', destination, '--event-schema', schema],
    ]);
    try {
      const image = await imageOf(debianFiles([['libssl3', 'openssl', '3.0.11-1~deb12u2']]));
      await push(image, { origin: `http://${environment.registry}`, repository: 'shop/api', fetch }, { tag: 'v1' });
      const status = statusOf(`${environment.registry}/shop/api:v1`, 60);
      expect(status).toMatchObject({ verdict: 'fail', digest: image.digest });
      // The call before has blocked this process, so what was written meanwhile is still to be read.
      await expect.poll(environment.stderr).toContain(line);
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
