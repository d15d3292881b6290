/** What the report store asks of one blob: as much of `BlockBlobClient` as it uses. */
export interface Blob {
  /** Refused with 409, or 412, as `statusCode` where a blob of this name stands already. */
  readonly upload: (
    bytes: Uint8Array,
    length: number,
    options: {
      readonly conditions: { readonly ifNoneMatch: '*' };
      readonly blobHTTPHeaders: { readonly blobContentType: string };
    },
  ) => Promise<unknown>;
  /** Refused with 404 where there is none. */
  readonly download: (
    offset: number,
    count: number,
  ) => Promise<{ readonly readableStreamBody?: AsyncIterable<Uint8Array | string> }>;
}

/** Blobs by container and name. */
export interface BlobService {
  readonly getContainerClient: (container: string) => {
    readonly createIfNotExists: () => Promise<unknown>;
    readonly getBlockBlobClient: (name: string) => Blob;
  };
}
