import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createInbox } from '../../local/inbox/inbox.js';
import { buildDatabase, writeDatabase } from '../../local/sample/database.js';
import { countEntries } from '../../shared/trivy/database/count-entries.js';
import { writeBolt } from '../../local/sample/bolt.js';
import { writeFile } from 'node:fs/promises';

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'lazaret-local-'));
});
afterAll(() => rm(directory, { recursive: true }));

describe('the inbox', () => {
  it('keeps cards across a restart, newest first, under a strict content policy', async () => {
    const open = (at: string) => createInbox({ directory: join(directory, 'inbox'), clock: () => new Date(at) });
    const card = (text: string) => ({ type: 'AdaptiveCard', version: '1.4', body: [{ type: 'TextBlock', text }] });
    const post = async (at: string, text: string) => {
      const { handle } = await open(at);
      const attachments = [
        { contentType: 'application/vnd.microsoft.card.adaptive', contentUrl: null, content: card(text) },
      ];
      return handle(
        new Request('http://h/webhook', { method: 'POST', body: JSON.stringify({ type: 'message', attachments }) }),
      );
    };
    expect((await post('2026-06-01T12:00:00Z', 'first')).status).toBe(202);
    expect((await post('2026-06-01T12:00:01Z', 'second')).status).toBe(202);
    const { handle, cards } = await open('2026-06-01T12:00:02Z');
    expect((await cards()).map(({ content }) => (content as ReturnType<typeof card>).body[0]?.text)).toEqual([
      'second',
      'first',
    ]);
    const page = await handle(new Request('http://h/'));
    expect(page.headers.get('content-security-policy')).toContain("script-src 'self'");
    expect(await page.text()).not.toMatch(/<script>|onclick=/);
    for (const asset of ['inbox.js', 'inbox.css', 'adaptivecards.js', 'markdown-it.js']) {
      expect((await handle(new Request(`http://h/assets/${asset}`))).status).toBe(200);
    }
  });
});

describe('the sample database', () => {
  it('is counted as it was written, over many pages', async () => {
    const path = join(directory, 'big.db');
    const many = Object.fromEntries(
      Array.from({ length: 20_000 }, (_, i) => [`CVE-${i}`, Buffer.from('x'.repeat(i % 300))]),
    );
    await writeFile(path, writeBolt({ vulnerability: many, other: { inner: { a: Buffer.from('b') } }, empty: {} }));
    expect(await countEntries(path, 'vulnerability')).toBe(20_000);
    expect(await countEntries(path, 'empty')).toBe(0);
    expect(await countEntries(path, 'missing')).toBe(0);
  });
  it.each([
    ['nothing', Buffer.alloc(0)],
    ['noise', Buffer.alloc(20_000, 0x61)],
    ['one that is cut short', Buffer.from(buildDatabase(new Date()).db).subarray(0, 9000)],
  ])('is refused where it is %s', async (_, bytes) => {
    const path = join(directory, 'bad.db');
    await writeFile(path, bytes);
    await expect(countEntries(path, 'vulnerability')).rejects.toMatchObject({ code: 'DATABASE_MALFORMED' });
  });
  it('is written as a cache directory', async () => {
    await writeDatabase(join(directory, 'cache'), new Date());
    expect((await readdir(join(directory, 'cache', 'db'))).sort()).toEqual(['metadata.json', 'trivy.db']);
  });
});
