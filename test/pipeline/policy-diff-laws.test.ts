import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { digestOf } from '../../shared/artifact/digest.js';
import { parseKey } from '../../shared/artifact/reference.js';
import { AppError } from '../../shared/error/app-error.js';
import { type LedgerEntry, entrySchema } from '../../shared/pipeline/entry.js';
import { type PolicyDiffDeps, type PolicyDiffRequest, policyDiff } from '../../shared/pipeline/policy-diff.js';
import { generateKeyPair } from '../../local/signer/signer.js';
import { LOGIN_SERVER } from '../support/registry.js';
import { sideOf } from '../support/side.js';

const NOW = new Date('2026-06-01T12:00:00Z');
const at = (minutes: number) => new Date(NOW.getTime() - minutes * 60_000).toISOString();
const PEM = generateKeyPair().publicKey;

const policies = fc
  .record({
    fail: fc.constantFrom('CRITICAL', 'LOW'),
    signed: fc.boolean(),
    onPush: fc.constantFrom('mark', 'lock', 'untag'),
    onChange: fc.constantFrom('mark', 'lock'),
    existing: fc.constantFrom('observe', 'mark', 'enforce'),
  })
  .map(({ fail, signed, onPush, onChange, existing }) => {
    const signature = signed ? '    signature: { require: any, cosign: { keys: [a.pub] }, grace: 15m }\n' : '';
    const rule = `  - repository: "**"\n    vulnerabilities: { fail: ${fail} }\n    onPush: ${onPush}\n    onChange: { enforce: ${onChange}, after: 1h }\n${signature}`;
    const text = `version: 1\nexisting: ${existing}\nrules:\n${rule}`;
    return () => sideOf(text, PEM);
  });

const REPORTS = new Map(
  [[], ['CRITICAL'], ['HIGH']].map((severities) => {
    const findings = severities.map((severity) => ({
      id: severity,
      severity,
      package: 'p',
      installed: '1',
      target: '',
    }));
    const bytes = Buffer.from(JSON.stringify({ findings, secrets: [], packages: 1, scannerVersion: '' }));
    return [digestOf(bytes), bytes] as const;
  }),
);
const NO_EVIDENCE = { digest: digestOf('lost'), bytes: 1 };

function scanDone(digest: string) {
  const blob = { digest, bytes: REPORTS.get(digest as never)?.byteLength ?? 1 };
  return {
    ...{ state: 'done', scanId: '00000000-0000-4000-8000-000000000000', scannerVersion: '0' },
    ...{ requestedAt: at(5), startedAt: at(5), finishedAt: at(4), scanMilliseconds: 1, convertMilliseconds: 1 },
    database: { digest: 'sha256:db', updatedAt: at(60), entries: 1 },
    counts: { critical: 0, high: 0, medium: 0, low: 0, unknown: 0 },
    ...{ report: blob, findings: blob, sbom: blob },
  };
}

const scans = fc.constantFrom<unknown>(
  ...[...REPORTS.keys(), NO_EVIDENCE.digest].map(scanDone),
  { state: 'open', scanId: '00000000-0000-4000-8000-000000000000', requestedAt: at(5), failures: 0 },
  {
    ...{ state: 'failed', scanId: '00000000-0000-4000-8000-000000000000', requestedAt: at(5), finishedAt: at(4) },
    ...{ code: 'GAVE_UP', message: '' },
  },
);
const signatures = fc.constantFrom<unknown>(
  { state: 'open', requestedAt: at(5) },
  ...['verified', 'missing', 'inconclusive', 'not-required'].flatMap((outcome) => {
    const signature = { state: 'done', at: at(5), outcome, code: 'C', message: '', policy: digestOf('earlier') };
    return [signature, { ...signature, evidence: NO_EVIDENCE }];
  }),
);
const enforcements = fc.constantFrom<unknown>(
  { state: 'none', operations: [] },
  ...['quarantined', 'released', 'contested', 'refused'].map((state) => ({
    ...{ state, at: at(3), action: 'lock', operations: [] },
    record: {
      attributes: { readEnabled: true, writeEnabled: true, deleteEnabled: true, listEnabled: true },
      tags: [],
    },
  })),
);

const images = fc.array(
  fc
    .record({ scan: scans, signature: signatures, enforcement: enforcements, minutes: fc.integer({ min: 0, max: 60 }) })
    .chain((given) =>
      fc.record({ given: fc.constant(given), passed: fc.boolean(), existing: fc.boolean(), released: fc.boolean() }),
    ),
  { minLength: 1, maxLength: 6 },
);

function ledgerOf(
  drawn: readonly { given: { minutes: number }; passed: boolean; existing: boolean; released: boolean }[],
) {
  const keyOf = (i: number) => parseKey({ registry: LOGIN_SERVER, repository: 'app', digest: digestOf(String(i)) });
  const common = { mediaType: 'm', size: 1, pushedAt: at(9), tags: [], parents: [], children: [], marks: [] };
  const entries = drawn.map(({ given: { minutes, ...given }, passed, existing, released }, i) =>
    entrySchema.parse({
      ...{ ...common, ...given, key: keyOf(i), kind: 'image', firstSeenAt: at(minutes), existing },
      ...(passed && { passedAt: at(8) }),
      ...(released && { release: { by: 'a', reason: 'b', at: at(2) } }),
    }),
  );
  // And an index over all of them.
  const index = entrySchema.parse({
    ...{ ...common, kind: 'index', key: keyOf(entries.length), firstSeenAt: at(9), scan: { state: 'none' } },
    ...{ signature: { state: 'open', requestedAt: at(5) }, enforcement: { state: 'none', operations: [] } },
    children: entries.map(({ key: { digest } }, i) => ({ digest, platform: `linux/${i}` })),
  });
  return [...entries, index];
}

function depsOf(entries: readonly LedgerEntry[]): PolicyDiffDeps {
  const sorted = entries.toSorted((a, b) => (a.key.digest < b.key.digest ? -1 : 1));
  return {
    clock: () => NOW,
    mode: 'enforce',
    registries: new Set([LOGIN_SERVER]),
    limit: undefined,
    isReserved: () => false,
    reports: {
      get: ({ digest }) => {
        const bytes = REPORTS.get(digest);
        return bytes ? Promise.resolve(bytes) : Promise.reject(new AppError('BLOB_MISSING', '', { retryable: true }));
      },
    },
    ledger: {
      read: ({ digest }) => {
        const entry = entries.find(({ key }) => key.digest === digest);
        return Promise.resolve(entry && { entry, version: '1' });
      },
      listRepository: async function* () {
        for (const entry of sorted) yield await Promise.resolve({ kind: 'entry', entry } as const);
      },
      listSurveys: async function* () {
        yield await Promise.resolve({ registry: LOGIN_SERVER, repository: 'app', recovered: 0 } as never);
      },
      knownDigests: () => Promise.resolve(entries.length),
    },
  };
}

/** How many reports are being read at a time, at most. */
function counting(deps: PolicyDiffDeps) {
  let held = 0;
  let most = 0;
  const get: PolicyDiffDeps['reports']['get'] = async (ref, maxBytes) => {
    most = Math.max(most, (held += 1));
    const bytes = await deps.reports.get(ref, maxBytes);
    held -= 1;
    return bytes;
  };
  return { reports: { get }, most: () => most };
}

describe('laws of a comparison', () => {
  it('a policy and itself come to the same, whatever is known of an image', async () => {
    await fc.assert(
      fc.asyncProperty(images, policies, async (drawn, make) => {
        const entries = ledgerOf(drawn);
        const page = await policyDiff({ before: make(), after: make(), at: NOW }, depsOf(entries));
        expect([page.compared, page.changes]).toEqual([entries.length, []]);
      }),
    );
  });

  it('what changes one way changes back the other way, and nothing else does', async () => {
    await fc.assert(
      fc.asyncProperty(images, fc.tuple(policies, policies), async (drawn, [one, other]) => {
        const deps = depsOf(ledgerOf(drawn));
        const there = await policyDiff({ before: one(), after: other(), at: NOW }, deps);
        const back = await policyDiff({ before: other(), after: one(), at: NOW }, deps);
        expect(back.changes.map(({ reference }) => reference)).toEqual(there.changes.map(({ reference }) => reference));
        for (const [i, change] of there.changes.entries()) {
          expect([back.changes[i]?.before, back.changes[i]?.after]).toEqual([change.after, change.before]);
        }
      }),
    );
  });

  it('pages of any size come to the same as one', async () => {
    await fc.assert(
      fc.asyncProperty(
        images,
        fc.tuple(policies, policies),
        fc.integer({ min: 1, max: 5 }),
        async (drawn, [a, b], n) => {
          const deps = depsOf(ledgerOf(drawn));
          const request = { before: a(), after: b(), at: NOW };
          const whole = await policyDiff(request, deps);
          const changes = [];
          let page = await policyDiff({ ...request, maxCompared: n }, deps);
          for (changes.push(...page.changes); page.after !== null; changes.push(...page.changes))
            page = await policyDiff({ ...request, maxCompared: n, from: page.after }, deps);
          expect(changes).toEqual(whole.changes);
        },
      ),
    );
  });

  it('nothing passes by evidence that nobody can read', async () => {
    await fc.assert(
      fc.asyncProperty(images, policies, async (drawn, make) => {
        const lost = drawn.map((each) => ({ ...each, given: { ...each.given, scan: scanDone(NO_EVIDENCE.digest) } }));
        const strict = 'version: 1\nrules:\n  - { repository: "**", vulnerabilities: { fail: UNKNOWN } }\n';
        const before = sideOf(strict, PEM);
        const page = await policyDiff({ before, after: make(), at: NOW }, depsOf(ledgerOf(lost)));
        expect(page.unreadable).toBe(drawn.length);
        for (const { after } of page.changes) expect(after.verdict).not.toBe('pass');
      }),
    );
  });
});

describe('a registry of ten thousand images', () => {
  it('is compared page by page, with a few reports in memory at a time', async () => {
    const scan = scanDone([...REPORTS.keys()][1] ?? '');
    const signature = { state: 'done', at: at(5), outcome: 'verified', code: 'C', message: '' };
    const given = { scan, signature, enforcement: { state: 'none', operations: [] }, minutes: 9 };
    const drawn = Array.from({ length: 10_000 }, () => ({ given, passed: true, existing: false, released: false }));
    // Without the index, which would hold more platforms than any may.
    const deps = depsOf(ledgerOf(drawn).slice(0, -1));
    const { reports, most } = counting(deps);
    const source = (fail: string) =>
      sideOf(`version: 1\nrules:\n  - { repository: "**", vulnerabilities: { ${fail} }, onPush: lock }\n`, PEM);
    const request = { before: source(''), after: source('fail: CRITICAL'), at: NOW };
    const references = new Set<string>();
    let from: PolicyDiffRequest['from'] | null;
    let pages = 0;
    do {
      const page = await policyDiff({ ...request, from: from ?? undefined }, { ...deps, reports });
      for (const { reference } of page.changes) references.add(reference);
      from = page.after;
      pages += 1;
    } while (from !== null);
    expect([references.size, pages, most()]).toEqual([10_000, 6, 4]);
  });

  it('judges large reports one after the other', async () => {
    const small = scanDone([...REPORTS.keys()][1] ?? '');
    const scan = { ...small, findings: { ...small.findings, bytes: 20 * 1024 * 1024 } };
    const signature = { state: 'done', at: at(5), outcome: 'verified', code: 'C', message: '' };
    const given = { scan, signature, enforcement: { state: 'none', operations: [] }, minutes: 9 };
    const drawn = Array.from({ length: 20 }, () => ({ given, passed: true, existing: false, released: false }));
    const deps = depsOf(ledgerOf(drawn).slice(0, -1));
    const { reports, most } = counting(deps);
    const side = sideOf('version: 1\nrules:\n  - { repository: "**" }\n', PEM);
    const page = await policyDiff({ before: side, after: side, at: NOW }, { ...deps, reports });
    expect([page.compared, most()]).toEqual([20, 1]);
  });
});
