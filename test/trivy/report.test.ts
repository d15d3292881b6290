import { describe, expect, it } from 'vitest';
import { digestOf } from '../../shared/artifact/digest.js';
import { databaseProblem } from '../../shared/trivy/database/check-database.js';
import { isAccepted, parseVersion } from '../../shared/trivy/get/version.js';
import { readTrivyReport } from '../../shared/trivy/report/read-report.js';
import { classifyFailure } from '../../shared/trivy/run/failure-classes.js';
import { sanitiseReport } from '../../shared/trivy/run/sanitise.js';

const DIGEST = digestOf('image');
const report = (changes: object = {}) => ({
  SchemaVersion: 2,
  Trivy: { Version: '0.74.0' },
  ArtifactType: 'container_image',
  Metadata: { OS: { Family: 'debian', Name: '12.5', EOSL: true }, RepoDigests: [`r/app@${DIGEST}`] },
  Results: [
    {
      Target: 'debian',
      Packages: [{}, {}],
      Vulnerabilities: [
        { VulnerabilityID: 'CVE-2', PkgName: 'b', InstalledVersion: '1', Severity: 'LOW' },
        {
          VulnerabilityID: 'CVE-1',
          PkgName: 'a',
          InstalledVersion: '1',
          FixedVersion: '2',
          Severity: 'CRITICAL',
          Title: 't',
          Status: 'fixed',
        },
        { VulnerabilityID: 'CVE-3', PkgName: 'c', InstalledVersion: '1', Severity: 'TERRIBLE', FixedVersion: '' },
      ],
    },
    {
      Target: 'app/key.pem',
      Class: 'secret',
      Secrets: [
        {
          RuleID: 'private-key',
          Severity: 'HIGH',
          Match: 'SECRET TEXT',
          Code: { Lines: [{ Content: 'SECRET TEXT' }] },
        },
      ],
    },
  ],
  Unknown: true,
  ...changes,
});
const bytes = (value: unknown) => Buffer.from(JSON.stringify(value));

describe("reading Trivy's report", () => {
  it('keeps what a policy decides on, worst first', () => {
    const read = readTrivyReport(bytes(report()), DIGEST);
    expect(read.findings.map(({ id, severity, fixed }) => [id, severity, fixed])).toEqual([
      ['CVE-1', 'CRITICAL', '2'],
      ['CVE-2', 'LOW', undefined],
      ['CVE-3', 'UNKNOWN', undefined],
    ]);
    expect(read).toMatchObject({ packages: 2, os: { family: 'debian', endOfLife: true }, scannerVersion: '0.74.0' });
    expect(read.secrets).toEqual([{ rule: 'private-key', path: 'app/key.pem', severity: 'HIGH' }]);
  });

  it('reads an image with nothing in it', () => {
    const read = readTrivyReport(
      bytes(report({ Results: undefined, Metadata: { Reference: `r/a@${DIGEST}` } })),
      DIGEST,
    );
    expect(read).toMatchObject({ findings: [], secrets: [], packages: 0 });
    expect(read.os).toBeUndefined();
  });

  it.each([
    ['cut short', bytes(report()).subarray(0, 200), 'REPORT_MALFORMED'],
    ['empty', Buffer.alloc(0), 'REPORT_MALFORMED'],
    ['a list', bytes([]), 'REPORT_MALFORMED'],
    ['of another schema', bytes(report({ SchemaVersion: 3 })), 'REPORT_SCHEMA_UNKNOWN'],
    ['of another kind of artifact', bytes(report({ ArtifactType: 'filesystem' })), 'REPORT_MALFORMED'],
    ['without results that are a list', bytes(report({ Results: {} })), 'REPORT_MALFORMED'],
    [
      'about another image',
      bytes(report({ Metadata: { RepoDigests: [`r/app@${digestOf('other')}`] } })),
      'REPORT_OTHER_IMAGE',
    ],
    ['about no image', bytes(report({ Metadata: {} })), 'REPORT_OTHER_IMAGE'],
  ])('refuses one that is %s', (_, raw, code) => {
    expect(() => readTrivyReport(raw, DIGEST)).toThrow(expect.objectContaining({ code, retryable: false }));
  });
});

describe('secrets', () => {
  it('lose their text and keep their place', () => {
    const clean = Buffer.from(sanitiseReport(bytes(report()))).toString();
    expect(clean).not.toContain('SECRET TEXT');
    expect(readTrivyReport(Buffer.from(clean), DIGEST).secrets[0]?.path).toBe('app/key.pem');
  });
});

describe("Trivy's failures", () => {
  const fatal = (text: string) => `2026-06-01T12:00:00Z\tFATAL\tFatal error\trun error: image scan error: ${text}`;
  it.each([
    [fatal('remote error: GET https://r/v2/: MANIFEST_UNKNOWN: manifest unknown'), 'MANIFEST_UNKNOWN', true],
    [fatal('UNAUTHORIZED: authentication required, visit https://aka.ms/acr/authorization'), 'REGISTRY_DENIED', true],
    [fatal('TOOMANYREQUESTS: retry-after: 35.852µs'), 'REGISTRY_THROTTLED', true],
    [fatal('The operation is disallowed on this registry'), 'QUARANTINED', false],
    [fatal("'--skip-java-db-update' cannot be specified on the first run"), 'JAVA_DATABASE_MISSING', false],
    [fatal('--skip-db-update cannot be specified on the first run'), 'DATABASE_MISSING', true],
    [fatal('write /tmp/x: no space left on device'), 'DISK_FULL', true],
    [fatal('unable to initialize fs cache: cache may be in use by another process: timeout'), 'CACHE_LOCKED', true],
    [fatal('unsupported artifact type "application/vnd.cncf.helm"'), 'UNSUPPORTED_ARTIFACT', false],
    [fatal('gzip: invalid header'), 'LAYER_UNREADABLE', false],
    [fatal('context deadline exceeded'), 'SCAN_TIMEOUT', true],
    [fatal('dial tcp 127.0.0.1:1: connect: connection refused'), 'REGISTRY_UNAVAILABLE', true],
    [fatal('something nobody has seen'), 'SCAN_FAILED', true],
    ['', 'SCAN_FAILED', true],
  ])('%#: %2$s', (stderr, code, retryable) => {
    expect(classifyFailure(stderr)).toMatchObject({ code, retryable });
  });
});

describe('versions of Trivy', () => {
  it.each([
    ['0.74.0', true],
    ['0.70.0', true],
    ['1.0.0', true],
    ['0.69.3', false],
    [undefined, false],
  ])('%s: %s', (version, accepted) => expect(isAccepted(version, 'x')).toBe(accepted));
  it.each(['0.69.4', '0.69.5', '0.69.6'])('refuses %s, a compromised release, whatever comes', (version) => {
    expect(() => isAccepted(version, 'x')).toThrow(expect.objectContaining({ code: 'TRIVY_COMPROMISED' }));
  });
  it('reads them', () => {
    expect(parseVersion('Version: 0.74.0\nVulnerability DB:\n  Version: 2')).toBe('0.74.0');
    expect(parseVersion('Version: dev')).toBeUndefined();
  });
});

describe('vulnerability databases', () => {
  const now = new Date('2026-06-01T12:00:00Z');
  const database = (changes: object = {}) => ({
    digest: 'sha256:a',
    updatedAt: '2026-06-01T06:00:00Z',
    entries: 100,
    ...changes,
  });
  const rules = { now, maxAgeMilliseconds: 24 * 3_600_000 };
  it.each([
    ['a fresh one', database(), undefined, undefined],
    ['one that is too old', database({ updatedAt: '2026-05-30T06:00:00Z' }), undefined, 'DATABASE_STALE'],
    ['one without a time', database({ updatedAt: 'never' }), undefined, 'DATABASE_STALE'],
    ['an empty one', database({ entries: 0 }), undefined, 'DATABASE_EMPTY'],
    ['the same one again', database(), database(), undefined],
    [
      'one older than the newest used',
      database(),
      database({ digest: 'sha256:b', updatedAt: '2026-06-01T07:00:00Z' }),
      'DATABASE_OLDER',
    ],
    [
      'one that has shrunk',
      database({ entries: 79 }),
      database({ digest: 'sha256:b', updatedAt: '2026-06-01T05:00:00Z' }),
      'DATABASE_SHRUNK',
    ],
    [
      'one that is a little smaller',
      database({ entries: 80 }),
      database({ digest: 'sha256:b', updatedAt: '2026-06-01T05:00:00Z' }),
      undefined,
    ],
  ])('%s', (_, given, newest, code) => {
    expect(databaseProblem(given, { ...rules, ...(newest && { newest }) })?.code).toBe(code);
  });
});
