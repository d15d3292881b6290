import { createServer } from 'node:http';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Browser, chromium } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createInbox } from '../../local/inbox/inbox.js';
import { serve } from '../../local/web/node-adapter.js';
import { digestOf } from '../../shared/artifact/digest.js';
import { parseKey } from '../../shared/artifact/reference.js';
import type { Alert, ImageAlert } from '../../shared/message/alert.js';
import { renderAlert } from '../../shared/teams/render.js';

const CHROMIUM = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find((path) =>
  existsSync(path),
);
if (CHROMIUM === undefined) process.stderr.write('\nNOT RUN for want of chromium; .ci/run installs it.\n');

const HOSTILE = '<img src=x onerror="document.title=1"> [x](javascript:alert(1)) <at>all</at> \u202egnp';

const alert = (changes: Partial<ImageAlert> = {}): ImageAlert => ({
  kind: 'image',
  key: parseKey({ registry: 'team.azurecr.io', repository: 'shop/api', digest: digestOf('x') }),
  tags: ['v1.4.2', 'latest'],
  verdict: 'fail',
  cause: 'push',
  reasons: [
    { code: 'VULNERABILITIES', message: "2 CRITICAL, 1 HIGH at or above the policy's threshold; 2 with a fix." },
  ],
  counts: { critical: 2, high: 1, medium: 3, low: 7, unknown: 0 },
  findings: [
    {
      id: 'CVE-2024-5535',
      package: 'libssl3',
      installed: '3.0.11-1~deb12u2',
      fixed: '3.0.15-1~deb12u1',
      severity: 'CRITICAL',
      target: 'debian',
      title: 'OpenSSL: SSL_select_next_proto reads beyond its buffer',
    },
    {
      id: 'CVE-2023-45853',
      package: 'zlib1g',
      installed: '1:1.2.13.dfsg-1',
      severity: 'CRITICAL',
      target: 'debian',
      title: 'zlib: MiniZip overflows on a long file name',
    },
    {
      id: 'CVE-2023-4911',
      package: 'libc6',
      installed: '2.36-9+deb12u1',
      fixed: '2.36-9+deb12u3',
      severity: 'HIGH',
      target: 'debian',
      title: 'glibc: the dynamic loader overflows on GLIBC_TUNABLES',
    },
  ],
  secrets: [],
  operations: [
    { kind: 'untag', tag: 'v1.4.2', outcome: 'done' },
    { kind: 'untag', tag: 'latest', outcome: 'done' },
    { kind: 'lock', outcome: 'done' },
  ],
  pushedBy: 'build@example.com',
  pushedAt: '2026-06-01T12:00:00Z',
  decidedAt: '2026-06-01T12:00:05Z',
  links: [{ title: 'Details', url: 'https://lazaret.example/r' }],
  ...changes,
});

describe.runIf(CHROMIUM !== undefined)('the inbox in a real browser', () => {
  const directory = mkdtempSync(join(tmpdir(), 'lazaret-browser-'));
  let browser: Browser;
  let url: string;
  const server = createServer();
  beforeAll(async () => {
    const { handle } = await createInbox({ directory: join(directory, 'inbox'), clock: () => new Date() });
    server.on('request', serve(handle));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const system: Alert = {
      kind: 'system',
      code: 'EVENT_MALFORMED',
      title: HOSTILE,
      message: HOSTILE,
      facts: [{ name: 'a', value: HOSTILE }],
      at: '2026-06-01T12:00:00Z',
    };
    const hostile = alert({
      tags: [HOSTILE],
      reasons: [{ code: HOSTILE, message: HOSTILE }],
      pushedBy: HOSTILE,
      verdict: 'inconclusive',
    });
    for (const given of [system, hostile, alert()]) {
      const response = await fetch(`${url}/webhook`, { method: 'POST', body: JSON.stringify(renderAlert(given)) });
      expect(response.status).toBe(202);
    }
    browser = await chromium.launch({
      executablePath: CHROMIUM!,
      args: [
        '--no-sandbox',
        '--disable-gpu',
        '--disable-quic',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
      ],
    });
  });
  afterAll(async () => {
    await browser.close();
    server.closeAllConnections();
    server.close();
    rmSync(directory, { recursive: true });
  });

  it.each([
    ['light', 1000],
    ['dark', 420],
  ] as const)(
    'shows the cards in the %s scheme, %i pixels wide, and outside text is inert',
    async (colorScheme, width) => {
      const page = await browser.newPage({ viewport: { width, height: 900 }, colorScheme });
      const errors: string[] = [];
      page.on('pageerror', (error) => errors.push(error.message));
      page.on('dialog', (dialog) => errors.push(dialog.message()));
      await page.goto(url);
      await page.waitForSelector('body[data-ready]');
      expect(await page.locator('article').count()).toBe(3);
      const first = page.locator('article').first();
      const text = await first.innerText();
      for (const part of [
        'Failed and quarantined',
        'shop/api',
        'CVE-2024-5535',
        '3.0.11-1~deb12u2 → 3.0.15-1~deb12u1',
        'digest locked',
        'build@example.com',
        'npx lazaret release',
      ]) {
        expect(text).toContain(part);
      }
      expect(await page.locator('img, at').count()).toBe(0);
      expect(await page.locator('main a[href^="javascript"]').count()).toBe(0);
      expect(await page.locator('article').nth(1).innerText()).toContain('<img src=x');
      expect(await page.title()).toBe('Lazaret inbox');
      const overflow = await page.evaluate(
        'document.documentElement.scrollWidth - document.documentElement.clientWidth',
      );
      expect(overflow).toBe(0);
      expect(errors).toEqual([]);
      const shots = process.env['LAZARET_SCREENSHOTS'];
      if (shots !== undefined) {
        await page.screenshot({ path: join(shots, `inbox-${colorScheme}.png`), fullPage: true });
        await first.screenshot({ path: join(shots, `card-${colorScheme}.png`) });
      }
      await page.close();
    },
  );
});
