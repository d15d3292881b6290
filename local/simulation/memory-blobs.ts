import type { Blob, BlobService } from '../../shared/report/blob-service.js';
import { refusal } from './refusal.js';

/** Blob containers in memory: a blob is created once, and read in ranges. */
export function createMemoryBlobs(): BlobService {
  const blobs = new Map<string, Uint8Array>();
  const blob = (path: string): Blob => ({
    upload: (bytes) => {
      if (blobs.has(path)) return refusal(409);
      blobs.set(path, Uint8Array.from(bytes));
      return Promise.resolve();
    },
    download: (offset, count) => {
      const bytes = blobs.get(path);
      if (bytes === undefined) return refusal(404);
      return Promise.resolve({ readableStreamBody: once(bytes.subarray(offset, offset + count)) });
    },
  });
  return {
    getContainerClient: (container) => ({
      createIfNotExists: () => Promise.resolve(),
      getBlockBlobClient: (name) => blob(`${container}/${name}`),
      listBlobsFlat: ({ prefix }) => ({
        byPage: async function* ({ maxPageSize, continuationToken = '' }) {
          const names = [...blobs.keys()]
            .filter((path) => path.startsWith(`${container}/${prefix}`))
            .map((path) => path.slice(container.length + 1))
            .filter((name) => name > continuationToken)
            .sort();
          for (let i = 0; i === 0 || i < names.length; i += maxPageSize) {
            const page = names.slice(i, i + maxPageSize);
            const last = i + maxPageSize < names.length ? page.at(-1) : undefined;
            const segment = { blobItems: page.map((name) => ({ name })) };
            yield await Promise.resolve({ segment, ...(last !== undefined && { continuationToken: last }) });
          }
        },
      }),
    }),
  };
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield await Promise.resolve(bytes);
}
