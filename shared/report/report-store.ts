import { digestOf, hexOf } from '../artifact/digest.js';
import { AppError } from '../error/app-error.js';
import type { BlobRef } from '../message/queue-message.js';
import { statusOf, storageFault } from '../net/storage-fault.js';
import type { Blob, BlobService } from './blob-service.js';

/** The blob containers. `reports` is all that the scan job may write, and only by adding. */
export const CONTAINERS = ['reports', 'quarantine', 'alerts', 'refused'] as const;
export type Container = (typeof CONTAINERS)[number];

/** Blobs that are created once and never changed. */
export interface ReportStore {
  readonly ensure: () => Promise<void>;
  /** Stores bytes under their own hash in `reports`. */
  readonly put: (bytes: Uint8Array, contentType: string) => Promise<BlobRef>;
  /** Fetches and verifies. Throws `BLOB_MISSING` (retryable), `BLOB_MISMATCH`, `BLOB_TOO_LARGE`. */
  readonly get: (ref: BlobRef, maxBytes: number) => Promise<Uint8Array>;
  /** Creates a named blob; false where one stands already. */
  readonly createOnce: (container: Container, name: string, bytes: Uint8Array) => Promise<boolean>;
  readonly readNamed: (container: Container, name: string, maxBytes: number) => Promise<Uint8Array | undefined>;
  /** One page of the names that begin with `prefix`, in their order; `next` is what to ask for more with. */
  readonly listNamed: (
    container: Container,
    options: { readonly prefix: string; readonly after?: string | undefined; readonly max: number },
  ) => Promise<{ readonly names: readonly string[]; readonly next: string | undefined }>;
}

const FAULT = 'REPORTS_UNAVAILABLE';
const JSON_TYPE = 'application/json';

/** Builds the store over one storage account. Throws `REPORTS_UNAVAILABLE` (retryable) besides what each call names. */
export function createReportStore(service: BlobService): ReportStore {
  const blob = (container: Container, name: string) => service.getContainerClient(container).getBlockBlobClient(name);
  const create = async (place: Blob, bytes: Uint8Array, contentType: string) => {
    try {
      await place.upload(bytes, bytes.byteLength, {
        conditions: { ifNoneMatch: '*' },
        blobHTTPHeaders: { blobContentType: contentType },
      });
      return true;
    } catch (error) {
      if (statusOf(error) === 409 || statusOf(error) === 412) return false;
      throw storageFault(FAULT, error);
    }
  };
  const read = async (container: Container, name: string, maxBytes: number): Promise<Uint8Array | undefined> => {
    try {
      const answer = await blob(container, name).download(0, maxBytes + 1);
      const chunks: Buffer[] = [];
      for await (const chunk of answer.readableStreamBody ?? []) chunks.push(Buffer.from(chunk));
      const bytes = Buffer.concat(chunks);
      if (bytes.byteLength > maxBytes) throw new AppError('BLOB_TOO_LARGE', `a blob of more than ${maxBytes} bytes`);
      return bytes;
    } catch (error) {
      if (statusOf(error) === 404) return undefined;
      throw storageFault(FAULT, error);
    }
  };
  return {
    ensure: async () => {
      for (const container of CONTAINERS) await service.getContainerClient(container).createIfNotExists();
    },
    put: async (bytes, contentType) => {
      const ref = { digest: digestOf(bytes), bytes: bytes.byteLength };
      await create(blob('reports', `sha256/${hexOf(ref.digest)}`), bytes, contentType);
      return ref;
    },
    get: async (ref, maxBytes) => {
      if (ref.bytes > maxBytes) throw new AppError('BLOB_TOO_LARGE', `a blob of ${ref.bytes} bytes`);
      const bytes = await read('reports', `sha256/${hexOf(ref.digest)}`, maxBytes);
      if (bytes === undefined)
        throw new AppError('BLOB_MISSING', 'a blob that the ledger names is not there', { retryable: true });
      if (bytes.byteLength !== ref.bytes || digestOf(bytes) !== ref.digest) {
        throw new AppError('BLOB_MISMATCH', 'a blob is not what its name says');
      }
      return bytes;
    },
    createOnce: (container, name, bytes) => create(blob(container, name), bytes, JSON_TYPE),
    readNamed: read,
    listNamed: async (container, { prefix, after, max }) => {
      try {
        const pages = service.getContainerClient(container).listBlobsFlat({ prefix });
        const settings = { maxPageSize: max, ...(after !== undefined && { continuationToken: after }) };
        for await (const { segment, continuationToken } of pages.byPage(settings)) {
          // The service ends a listing with an empty token.
          const next = continuationToken === '' ? undefined : continuationToken;
          return { names: segment.blobItems.map(({ name }) => name), next };
        }
        return { names: [], next: undefined };
      } catch (error) {
        throw storageFault(FAULT, error);
      }
    },
  };
}
