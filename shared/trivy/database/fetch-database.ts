import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { copyFile, mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { z } from 'zod';
import { AppError } from '../../error/app-error.js';
import type { DatabaseEvidence } from '../../vulnerability/report.js';
import { countEntries } from './count-entries.js';
import type { DatabaseSource } from './database-source.js';
import { type PullDeps, pullDatabaseLayer } from './pull-layer.js';

const metadataSchema = z.object({ Version: z.literal(2), UpdatedAt: z.iso.datetime({ offset: true }) });

/**
 * Brings the vulnerability database into a fresh directory, from which any number of scans read it. Throws
 * `DATABASE_UNAVAILABLE`, `DATABASE_MALFORMED` (both retryable) or `DATABASE_TOO_LARGE`.
 */
export async function fetchDatabase(source: DatabaseSource, into: string, deps: PullDeps): Promise<DatabaseEvidence> {
  const directory = join(into, 'db');
  await mkdir(directory, { recursive: true });
  const digest =
    source.kind === 'directory'
      ? await copyDatabase(source.path, directory)
      : await pullDatabaseLayer(
          source,
          { into: directory, files: ['trivy.db', 'metadata.json'], mediaType: DATABASE_LAYER },
          deps,
        );
  const metadata = metadataSchema.safeParse(await readJson(join(directory, 'metadata.json')));
  if (!metadata.success) {
    throw new AppError('DATABASE_MALFORMED', 'the database describes itself in a way that is not known', {
      retryable: true,
    });
  }
  const entries = await countEntries(join(directory, 'trivy.db'), 'vulnerability');
  return { digest, updatedAt: new Date(metadata.data.UpdatedAt).toISOString(), entries };
}

/** Brings the Java database, which names jars, beside the other. Wanted only once a jar was seen. */
export async function fetchJavaDatabase(source: DatabaseSource, into: string, deps: PullDeps): Promise<void> {
  const directory = join(into, 'java-db');
  await mkdir(directory, { recursive: true });
  const files = ['trivy-java.db', 'metadata.json'];
  if (source.kind === 'oci') {
    await pullDatabaseLayer(source, { into: directory, files, mediaType: JAVA_LAYER }, deps);
    return;
  }
  for (const file of files)
    await copyFile(join(source.path, 'java-db', file), join(directory, file)).catch(unavailable);
}

const DATABASE_LAYER = 'application/vnd.aquasec.trivy.db.layer.v1.tar+gzip';
const JAVA_LAYER = 'application/vnd.aquasec.trivy.javadb.layer.v1.tar+gzip';

/** A copy, since Trivy deletes a database that it finds corrupt. */
async function copyDatabase(path: string, into: string): Promise<string> {
  for (const file of ['trivy.db', 'metadata.json'])
    await copyFile(join(path, 'db', file), join(into, file)).catch(unavailable);
  const hash = createHash('sha256');
  await pipeline(createReadStream(join(into, 'trivy.db')), hash);
  return `sha256:${hash.digest('hex')}`;
}

function unavailable(cause: unknown): never {
  throw new AppError('DATABASE_UNAVAILABLE', 'the database directory does not hold a database', {
    retryable: true,
    cause,
  });
}

async function readJson(path: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(path, 'utf8'));
  } catch {
    return undefined;
  }
}
