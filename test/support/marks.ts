import type { Descriptor } from '../../shared/artifact/descriptor.js';
import type { Digest } from '../../shared/artifact/digest.js';
import { MediaType } from '../../shared/artifact/media-type.js';
import { type ArtifactKey, parseKey } from '../../shared/artifact/reference.js';
import type { Line, Verdictless } from './line.js';
import { LOGIN_SERVER } from './registry.js';

const HOUR = 3_600_000;

/** A digest in the repository `app`. */
export const keyOf = (digest: string): ArtifactKey => parseKey({ registry: LOGIN_SERVER, repository: 'app', digest });

/** So many findings, all of them mild, that no report can tell them. */
export const TOO_MUCH: Verdictless = {
  vulnerabilities: Array.from({ length: 12_000 }, (_, i) => ({
    id: `CVE-${i}-${'0'.repeat(480)}`,
    severity: 'LOW',
  })),
};

/** Every scan in it is two days old, and is done once more. */
export async function scanAgain(line: Line): Promise<void> {
  line.clock.advance(49 * HOUR);
  line.queued.splice(0);
  await line.app.reconcile();
  await line.settle();
}

/** What the ledger has as the marks of a digest in the repository `app`. */
export const marksOf = async (line: Line, digest: string) => (await line.entry('app', digest))?.marks;

/** Something that hangs onto a digest. */
export interface Hanging {
  readonly digest: Digest;
  readonly artifactType: string | undefined;
  /** RFC 3339. */
  readonly createdAt: string | undefined;
  /** The text of its only layer. */
  readonly text: string;
}

/** All that hangs onto a digest in the repository `app`, as the registry tells it. */
export async function hangingOn({ registry: { client } }: Line, digest: string): Promise<readonly Hanging[]> {
  const key = keyOf(digest);
  const { descriptors } = await client.listReferrers(key, { maxDescriptors: 10, maxPages: 1 });
  return Promise.all(
    descriptors.map(async (each) => {
      const { bytes } = await client.fetchManifest(key.registry, key.repository, each.digest);
      const { annotations, layers } = JSON.parse(Buffer.from(bytes).toString('utf8')) as {
        readonly annotations: Readonly<Record<string, string>>;
        readonly layers: readonly Descriptor[];
      };
      const layer = await client.fetchBlob(key, layers[0]!, 1024 * 1024);
      return {
        digest: each.digest,
        artifactType: each.artifactType,
        createdAt: annotations['org.opencontainers.image.created'],
        text: Buffer.from(layer).toString('utf8'),
      };
    }),
  );
}

/** The reports that hang onto a digest in the repository `app`. */
export async function reportsOn(line: Line, digest: string): Promise<readonly Hanging[]> {
  return (await hangingOn(line, digest)).filter(({ artifactType }) => artifactType === MediaType.sarif);
}
