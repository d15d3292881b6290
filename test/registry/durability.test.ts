import { createHash } from 'node:crypto';
import { appendFileSync, existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as sample from '../../local/sample/image.js';
import { push } from '../../local/sample/push.js';
import { createFileLog } from '../../local/registry/change-log.js';
import { createFileStore } from '../../local/registry/store.js';
import { openRepositories } from '../../local/registry/repositories.js';
import { type Change, OPEN, emptyRepository, repositoryChange } from '../../local/registry/state.js';
import { moveLargeLayer, startRegistry, tokenFor } from '../support/registry-process.js';

const AT = '2026-06-01T12:00:00.0000000Z';
let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'lazaret-registry-'));
});
afterAll(() => rmSync(directory, { recursive: true }));

const tagChange = (key: string): Change => ({
  kind: 'tag',
  key,
  record: { digest: 'sha256:1', createdTime: AT, lastUpdateTime: AT, attributes: OPEN },
});

describe('the state on disk', () => {
  it('drops a line that a kill has cut short, and goes on behind it', async () => {
    const place = join(directory, 'torn');
    const first = await openRepositories(await createFileLog(place));
    const begin = repositoryChange(emptyRepository(AT));
    await first.change('a/b', () => ({ changes: [begin, tagChange('one')] }));
    const file = join(place, readdirSync(place)[0]!);
    appendFileSync(file, '[{"kind":"tag","key":"tw');
    const second = await openRepositories(await createFileLog(place));
    expect([...second.get('a/b').tags.keys()]).toEqual(['one']);
    await second.change('a/b', () => ({ changes: [tagChange('two')] }));
    const third = await openRepositories(await createFileLog(place));
    expect([...third.get('a/b').tags.keys()]).toEqual(['one', 'two']);
  });

  it('keeps a name of any length, forgets a removed repository, and writes an outgrown log anew', async () => {
    const place = join(directory, 'names');
    const name = Array.from({ length: 128 }, () => 'a').join('/');
    const repositories = await openRepositories(await createFileLog(place));
    await repositories.change(name, () => ({ changes: [repositoryChange(emptyRepository(AT))] }));
    for (let i = 0; i < 1500; i++) await repositories.change(name, () => ({ changes: [tagChange('same')] }));
    await repositories.change('gone', () => ({ changes: [repositoryChange(emptyRepository(AT))] }));
    await repositories.change('gone', () => ({ removed: true }));
    const again = await openRepositories(await createFileLog(place));
    expect(again.names()).toEqual([name]);
    expect([...again.get(name).tags.keys()]).toEqual(['same']);
    expect(statSync(join(place, readdirSync(place)[0]!)).size).toBeLessThan(1200 * 250);
  });

  it('takes as little for the ten-thousandth manifest as for the first', async () => {
    const place = join(directory, 'many');
    const log = await createFileLog(place);
    let written = 0;
    const counting = {
      ...log,
      append: (name: string, changes: readonly Change[]) => {
        written = JSON.stringify(changes).length;
        return log.append(name, changes);
      },
    };
    const repositories = await openRepositories(counting);
    await repositories.change('many', () => ({ changes: [repositoryChange(emptyRepository(AT)), tagChange('first')] }));
    const first = written;
    await repositories.change('many', () => ({
      changes: Array.from({ length: 10_000 }, (_, i) => tagChange(`t${i}`)),
    }));
    await repositories.change('many', () => ({
      changes: [repositoryChange(repositories.get('many')), tagChange('last')],
    }));
    expect(written).toBeLessThan(first + 100);
  });

  it('keeps the secret of its tokens', async () => {
    const place = join(directory, 'secret');
    const { secret } = await createFileStore(place);
    expect(Buffer.from((await createFileStore(place)).secret).equals(secret)).toBe(true);
  });
});

describe('killed at any write', () => {
  /** Pushes two images to one tag; returns what was answered, and stops at the first request that was not. */
  async function pushUntilKilled(origin: string, images: readonly sample.Artifact[]): Promise<readonly string[]> {
    const answered: string[] = [];
    for (const image of images) {
      try {
        await push(image, { origin, repository: 'team/app', fetch }, { tag: 'v1' });
        answered.push(image.digest);
      } catch {
        break;
      }
    }
    return answered;
  }

  it(
    'it loses nothing that was answered, nor its event, and serves nothing that is incomplete',
    { timeout: 120_000 },
    async () => {
      const images = [
        await sample.imageOf([{ path: 'a', content: 'one' }]),
        await sample.imageOf([{ path: 'a', content: 'two' }]),
      ];
      let moments = 0;
      for (let moment = 0; ; moment++) {
        const place = join(directory, `kill-${moment}`);
        const told = join(directory, `events-${moment}.jsonl`);
        const victim = await startRegistry(place, '--kill-at', String(moment), '--events', told);
        const answered = await pushUntilKilled(victim.origin, images);
        if (answered.length === images.length) {
          await victim.stop();
          break;
        }
        moments += 1;
        expect(await victim.exited).toBe('SIGKILL');
        const next = await startRegistry(place);
        const headers = await tokenFor(next.origin, 'team/app');
        const tag = await fetch(`${next.origin}/v2/team/app/manifests/v1`, { headers });
        const served = tag.status === 200 ? tag.headers.get('docker-content-digest')! : undefined;
        const events = existsSync(told) ? readFileSync(told, 'utf8') : '';
        for (const digest of answered) expect(events, `moment ${moment}`).toContain(digest);
        // What was answered stands, unless a push that was under way has already replaced it.
        const allowed = [answered.at(-1), images[answered.length]!.digest];
        expect(allowed, `moment ${moment}`).toContain(served);
        for (const image of images.filter(({ digest }) => answered.includes(digest) || digest === served)) {
          for (const { digest } of image.blobs) {
            const blob = await fetch(`${next.origin}/v2/team/app/blobs/${digest}`, { headers });
            const bytes = Buffer.from(await blob.arrayBuffer());
            expect(`sha256:${createHash('sha256').update(bytes).digest('hex')}`).toBe(digest);
          }
        }
        expect(await pushUntilKilled(next.origin, images)).toHaveLength(2);
        await next.stop();
      }
      // Two images of two blobs and a manifest each: every write of a push was a moment.
      expect(moments).toBeGreaterThan(30);
    },
  );
});

describe('a layer of 256 MiB', () => {
  it('goes through in constant memory', { timeout: 120_000 }, async () => {
    const registry = await startRegistry(join(directory, 'large'));
    expect(await moveLargeLayer(registry, 256 * 1024 * 1024)).toBeLessThan(64 * 1024 * 1024);
    await registry.stop();
  });
});
