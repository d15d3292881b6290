import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { FIXTURES, type FixtureCase, readCases } from '../../local/oracle/case.js';
import { type StoredLayout, linksOf, readLayout, writeLayout } from '../../local/oracle/layout.js';
import { moveSignatures } from '../../local/oracle/move-signatures.js';
import { BUNDLE_MUTATIONS } from '../../local/oracle/mutations/bundle.js';
import { COSE_MUTATIONS } from '../../local/oracle/mutations/cose.js';
import { JWS_MUTATIONS } from '../../local/oracle/mutations/jws.js';
import { LEGACY_MUTATIONS } from '../../local/oracle/mutations/legacy.js';
import { MANIFEST_MUTATIONS } from '../../local/oracle/mutations/manifest.js';
import { digestOf } from '../../shared/artifact/digest.js';
import { ROOT } from '../support/process.js';

const DIRECTORY = join(ROOT, FIXTURES);
const MAX_BYTES = 30 * 1024;
const ALL = [...MANIFEST_MUTATIONS, ...JWS_MUTATIONS, ...COSE_MUTATIONS, ...BUNDLE_MUTATIONS, ...LEGACY_MUTATIONS];

let cases: readonly FixtureCase[];
const layouts = new Map<string, StoredLayout>();
beforeAll(async () => {
  cases = await readCases(DIRECTORY);
  for (const { name } of cases) layouts.set(name, await readLayout(join(DIRECTORY, name, 'layout')));
});

describe('the signature fixtures', () => {
  it('are there, of both tools, some to pass and some to fail', () => {
    for (const tool of ['notation', 'cosign']) {
      const own = cases.filter((each) => each.tool === tool);
      expect(own.filter(({ expected }) => expected === 'pass').length).toBeGreaterThan(20);
      expect(own.filter(({ expected }) => expected === 'fail').length).toBeGreaterThan(10);
    }
  });

  it('say what made them, and why something else is expected than what the official tool says', () => {
    for (const each of cases) {
      expect(each.made.length, each.name).toBeGreaterThan(0);
      expect(each.made.join(' '), each.name).not.toMatch(/\/tmp\/|127\.0\.0\.1:\d/);
      if (each.expected !== each.official) expect(each.why, each.name).toBeDefined();
    }
  });

  it('have the files that they name', () => {
    for (const { name, verify } of cases) {
      for (const file of [verify.key, verify.trustedRoot, verify.notationConfig]) {
        if (file !== undefined) expect(existsSync(join(DIRECTORY, name, file)), `${name}/${file}`).toBe(true);
      }
    }
  });

  it('hold the image first, every blob under its digest, and little', () => {
    for (const { name, image } of cases) {
      const { manifests, blobs } = layouts.get(name)!;
      expect(manifests[0]?.digest, name).toBe(image);
      const stored = [...manifests.map(({ digest, bytes }) => [digest, bytes] as const), ...blobs];
      for (const [digest, bytes] of stored) expect(digestOf(bytes), name).toBe(digest);
      const named = manifests.flatMap(({ bytes }) => linksOf(bytes).layers ?? []);
      for (const { digest } of named) expect(blobs.has(digest), name).toBe(true);
      expect(stored.reduce((sum, [, bytes]) => sum + bytes.byteLength, 0)).toBeLessThan(MAX_BYTES);
    }
  });

  it('hold no private key', () => {
    for (const { name, verify } of cases) {
      if (verify.key === undefined) continue;
      expect(readFileSync(join(DIRECTORY, name, verify.key), 'utf8')).toMatch(/^-----BEGIN PUBLIC KEY-----/);
    }
  });
});

describe('mutations', () => {
  it('have names of their own', () => {
    expect(new Set(ALL.map(({ name }) => name)).size).toBe(ALL.length);
  });

  it('each change some fixture', () => {
    const idle = ALL.filter(({ apply }) => ![...layouts.values()].some((layout) => apply(layout) !== undefined));
    expect(idle.map(({ name }) => name)).toEqual([]);
  });

  it('leave the image as it is', () => {
    const [layout] = layouts.values();
    for (const { apply } of ALL) {
      const changed = apply(layout!);
      if (changed !== undefined) expect(changed.manifests[0]).toEqual(layout!.manifests[0]);
    }
  });
});

describe('layouts', () => {
  it('are read as they were written', async ({ task }) => {
    const place = join(ROOT, '.lazaret', 'test-layout', task.id);
    const layout = layouts.get('cosign-legacy-p-256')!;
    await writeLayout(place, layout);
    const read = await readLayout(place);
    expect(read.manifests.map(({ digest, tag }) => [digest, tag])).toEqual(
      layout.manifests.map(({ digest, tag }) => [digest, tag]),
    );
    expect([...read.blobs.keys()].sort()).toEqual([...layout.blobs.keys()].sort());
  });

  it('give their signatures to another image', () => {
    const from = layouts.get('cosign-legacy-p-256')!;
    const to = layouts.get('notation-jws-p-256')!;
    const { manifests } = moveSignatures(from, to);
    expect(manifests.at(-1)?.tag).toBe(`${to.manifests[0]!.digest.replace(':', '-')}.sig`);
  });
});
