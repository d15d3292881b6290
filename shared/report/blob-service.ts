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

/** One page of a listing, in the order of names; the token is empty or absent on the last one. */
export interface BlobPage {
  readonly segment: { readonly blobItems: readonly { readonly name: string }[] };
  readonly continuationToken?: string;
}

/** Blobs by container and name. */
export interface BlobService {
  readonly getContainerClient: (container: string) => {
    readonly createIfNotExists: () => Promise<unknown>;
    readonly getBlockBlobClient: (name: string) => Blob;
    readonly listBlobsFlat: (options: { readonly prefix: string }) => {
      readonly byPage: (settings: {
        readonly maxPageSize: number;
        readonly continuationToken?: string;
      }) => AsyncIterable<BlobPage>;
    };
  };
}
