import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { SEVERITIES } from '../../shared/vulnerability/severity.js';
import { ADVISORIES, type Advisory, DATA_SOURCES } from './advisories.js';
import { type BucketTree, writeBolt } from './bolt.js';
import { type Artifact, makeArtifact } from './image.js';
import { makeTar, toBlob } from './layer.js';

const DAY = 24 * 3_600_000;
/** Trivy's number for "affected": there is no fix yet. */
const STATUS_AFFECTED = 2;

/** Trivy's database of these advisories: the two files of its cache. */
export function buildDatabase(
  updatedAt: Date,
  advisories: readonly Advisory[] = ADVISORIES,
): { readonly db: Uint8Array; readonly metadata: Uint8Array } {
  const json = (value: unknown) => Buffer.from(JSON.stringify(value));
  const buckets: Record<string, Record<string, Record<string, Uint8Array>>> = {};
  for (const advisory of advisories) {
    ((buckets[advisory.bucket] ??= {})[advisory.package] ??= {})[advisory.id] = json(toTrivy(advisory));
  }
  const details = Object.fromEntries(
    [...Map.groupBy(advisories, ({ id }) => id)].map(([id, all]) => [id, json(detailsOf(all))]),
  );
  const sources = Object.fromEntries(Object.entries(DATA_SOURCES).map(([bucket, source]) => [bucket, json(source)]));
  const tree: BucketTree = { ...buckets, vulnerability: details, 'data-source': sources };
  const nextUpdate = new Date(updatedAt.getTime() + DAY);
  const metadata = json({ Version: 2, NextUpdate: nextUpdate, UpdatedAt: updatedAt, DownloadedAt: updatedAt });
  return { db: writeBolt(tree), metadata };
}

/** What is known of one identifier. A distribution goes by what NVD says of it, and an ecosystem by GitHub. */
function detailsOf(all: readonly Advisory[]): object {
  const [ecosystem, distribution] = [true, false].map(
    (wanted) => all.find(({ bucket }) => bucket.includes('::') === wanted) ?? all[0],
  ) as [Advisory, Advisory];
  const number = ({ severity }: Advisory) => SEVERITIES.length - 1 - SEVERITIES.indexOf(severity);
  return {
    Title: distribution.title,
    Severity: distribution.severity,
    VendorSeverity: { nvd: number(distribution), ghsa: number(ecosystem) },
    References: [...new Set(all.map(({ source }) => source))],
  };
}

function toTrivy({ bucket, fixed }: Advisory): object {
  if (!bucket.includes('::')) return fixed === undefined ? { Status: STATUS_AFFECTED } : { FixedVersion: fixed };
  return {
    VulnerableVersions: [`<${fixed ?? '999999'}`],
    ...(fixed !== undefined && { PatchedVersions: [fixed] }),
  };
}

/** Writes the database as a Trivy cache directory. */
export async function writeDatabase(
  directory: string,
  updatedAt: Date,
  advisories: readonly Advisory[] = ADVISORIES,
): Promise<void> {
  const { db, metadata } = buildDatabase(updatedAt, advisories);
  await mkdir(join(directory, 'db'), { recursive: true });
  await writeFile(join(directory, 'db', 'trivy.db'), db);
  await writeFile(join(directory, 'db', 'metadata.json'), metadata);
}

/** The database as the OCI artifact that Trivy's own are published as. */
export async function databaseArtifact(updatedAt: Date): Promise<Artifact> {
  const { db, metadata } = buildDatabase(updatedAt);
  const tar = await makeTar([
    { path: 'trivy.db', content: db },
    { path: 'metadata.json', content: metadata },
  ]);
  return makeArtifact({
    configType: 'application/vnd.aquasec.trivy.config.v1+json',
    config: toBlob('{}'),
    layers: [
      {
        type: 'application/vnd.aquasec.trivy.db.layer.v1.tar+gzip',
        blob: toBlob(gzipSync(tar)),
        annotations: { 'org.opencontainers.image.title': 'db.tar.gz' },
      },
    ],
  });
}
