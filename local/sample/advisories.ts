import type { Severity } from '../../shared/vulnerability/severity.js';

/** One published vulnerability, in the words of this project, with where its facts can be read. */
export interface Advisory {
  readonly id: string;
  readonly severity: Severity;
  readonly title: string;
  readonly source: string;
  /** Trivy's bucket: a distribution's release, or an ecosystem with its source. */
  readonly bucket: string;
  /** The package, by its source name in a distribution. */
  readonly package: string;
  /** The version that fixes it; for an ecosystem every version below it is vulnerable. */
  readonly fixed?: string;
}

const DEBIAN = 'debian 12';
const ALPINE = 'alpine 3.22';
const OLD_ALPINE = 'alpine 3.10';
const NPM = 'npm::GitHub Security Advisory Npm';

/** A handful of real advisories: enough for one image of each kind. */
export const ADVISORIES: readonly Advisory[] = [
  {
    id: 'CVE-2024-5535',
    severity: 'CRITICAL',
    title: 'OpenSSL: SSL_select_next_proto reads beyond its buffer',
    source: 'https://security-tracker.debian.org/tracker/CVE-2024-5535',
    bucket: DEBIAN,
    package: 'openssl',
    fixed: '3.0.15-1~deb12u1',
  },
  {
    id: 'CVE-2023-4911',
    severity: 'HIGH',
    title: 'glibc: the dynamic loader overflows on GLIBC_TUNABLES',
    source: 'https://security-tracker.debian.org/tracker/CVE-2023-4911',
    bucket: DEBIAN,
    package: 'glibc',
    fixed: '2.36-9+deb12u3',
  },
  {
    id: 'CVE-2023-45853',
    severity: 'CRITICAL',
    title: 'zlib: MiniZip overflows on a long file name',
    source: 'https://security-tracker.debian.org/tracker/CVE-2023-45853',
    bucket: DEBIAN,
    package: 'zlib',
  },
  {
    id: 'CVE-2025-9230',
    severity: 'HIGH',
    title: 'OpenSSL: out-of-bounds access in password-based CMS decryption',
    source: 'https://security.alpinelinux.org/vuln/CVE-2025-9230',
    bucket: ALPINE,
    package: 'openssl',
    fixed: '3.5.4-r0',
  },
  {
    id: 'CVE-2025-9232',
    severity: 'MEDIUM',
    title: 'OpenSSL: out-of-bounds read in the HTTP client',
    source: 'https://security.alpinelinux.org/vuln/CVE-2025-9232',
    bucket: ALPINE,
    package: 'openssl',
    fixed: '3.5.4-r0',
  },
  {
    id: 'CVE-2019-14697',
    severity: 'CRITICAL',
    title: 'musl: x87 stack imbalance in the math library',
    source: 'https://security.alpinelinux.org/vuln/CVE-2019-14697',
    bucket: OLD_ALPINE,
    package: 'musl',
    fixed: '1.1.22-r3',
  },
  {
    id: 'CVE-2021-44906',
    severity: 'CRITICAL',
    title: 'minimist: prototype pollution',
    source: 'https://github.com/advisories/GHSA-xvch-5gv4-984h',
    bucket: NPM,
    package: 'minimist',
    fixed: '1.2.6',
  },
  {
    id: 'CVE-2021-23337',
    severity: 'HIGH',
    title: 'lodash: command injection through template',
    source: 'https://github.com/advisories/GHSA-35jh-r3h4-6jhm',
    bucket: NPM,
    package: 'lodash',
    fixed: '4.17.21',
  },
];

/** One vulnerability that a distribution and an ecosystem rate in two ways, each in a package of its own; it is invented. */
export const RATED_TWICE: readonly Advisory[] = (
  [
    ['CRITICAL', DEBIAN, 'curl', '7.88.1-10+deb12u99'],
    ['LOW', NPM, 'curl-for-node', '99.0.0'],
  ] as const
).map(([severity, bucket, name, fixed]) => ({
  id: 'CVE-2026-0001',
  severity,
  title: 'A fault that two packages share',
  source: 'https://example.org/rated-twice',
  bucket,
  package: name,
  fixed,
}));

/** Where each bucket's data comes from, as Trivy reports it. */
export const DATA_SOURCES: Readonly<
  Record<string, { readonly ID: string; readonly Name: string; readonly URL: string }>
> = {
  [DEBIAN]: { ID: 'debian', Name: 'Debian Security Tracker', URL: 'https://security-tracker.debian.org' },
  [ALPINE]: { ID: 'alpine', Name: 'Alpine Secdb', URL: 'https://secdb.alpinelinux.org/' },
  [OLD_ALPINE]: { ID: 'alpine', Name: 'Alpine Secdb', URL: 'https://secdb.alpinelinux.org/' },
  [NPM]: { ID: 'ghsa', Name: 'GitHub Security Advisory npm', URL: 'https://github.com/advisories' },
};
