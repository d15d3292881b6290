import { describe, expect, it } from 'vitest';
import * as sample from '../../local/sample/image.js';
import { parseKey } from '../../shared/artifact/reference.js';
import { QUEUES } from '../../shared/message/queue-name.js';
import { type Line, createLine, onePolicy } from '../support/line.js';
import { LOGIN_SERVER } from '../support/registry.js';

const MINUTE = 60_000;

/** An image whose report somebody has deleted, and the sweep that comes to know of it. */
async function unmarked() {
  const line = await createLine(onePolicy('onPush: mark'));
  const image = await sample.imageOf([{ path: 'name', content: 'marked' }]);
  await line.registry.push(image, 'app', { tag: 'v1' });
  await line.settle();
  const [mark] = (await line.entry('app', image.digest))!.marks;
  await line.registry.remove('app', mark!.digest);
  line.registry.events.splice(0);
  await line.wait(25 * 60 * MINUTE, 60 * MINUTE);
  expect((await line.app.reconcile()).repairs).toMatchObject({ marks: 1 });
  return { line, image, mark };
}

async function marksOf(line: Line, digest: string) {
  const key = parseKey({ registry: LOGIN_SERVER, repository: 'app', digest });
  const { descriptors } = await line.registry.client.listReferrers(key, { maxDescriptors: 10, maxPages: 1 });
  return descriptors.map((each) => each.digest);
}

describe('a mark that somebody has deleted', () => {
  it('is made again', async () => {
    const { line, image, mark } = await unmarked();
    await line.settle();
    expect(await marksOf(line, image.digest)).toContain(mark!.digest);
  });

  it('is made again although the request for it got lost', async () => {
    const { line, image, mark } = await unmarked();
    const lost = line.queued.splice(0);
    expect(lost.map(({ queue }) => queue)).toContain(QUEUES.decide);
    for (let minutes = 0; minutes < 20; minutes += 5) {
      await line.wait(5 * MINUTE);
      await line.app.reconcile();
      await line.settle();
    }
    expect(await marksOf(line, image.digest)).toContain(mark!.digest);
    expect((await line.entry('app', image.digest))?.settledAt).toBeDefined();
  });
});
