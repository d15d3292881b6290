/** Media types of the OCI image specification 1.1, of Docker's schema 2, and of the tools around them. */
export const MediaType = {
  ociManifest: 'application/vnd.oci.image.manifest.v1+json',
  ociIndex: 'application/vnd.oci.image.index.v1+json',
  ociConfig: 'application/vnd.oci.image.config.v1+json',
  ociEmpty: 'application/vnd.oci.empty.v1+json',
  dockerManifest: 'application/vnd.docker.distribution.manifest.v2+json',
  dockerList: 'application/vnd.docker.distribution.manifest.list.v2+json',
  dockerConfig: 'application/vnd.docker.container.image.v1+json',
  sigstoreBundle: 'application/vnd.dev.sigstore.bundle.v0.3+json',
  simpleSigning: 'application/vnd.dev.cosign.simplesigning.v1+json',
  /** Cosign's experimental form: the old one as a referrer. */
  cosignSignature: 'application/vnd.dev.cosign.artifact.sig.v1+json',
  dsse: 'application/vnd.dsse.envelope.v1+json',
  notarySignature: 'application/vnd.cncf.notary.signature',
  cyclonedx: 'application/vnd.cyclonedx+json',
  sarif: 'application/sarif+json',
} as const;

/** What we ask a registry for when we fetch a manifest. */
export const MANIFEST_ACCEPT: readonly string[] = [
  MediaType.ociManifest,
  MediaType.ociIndex,
  MediaType.dockerManifest,
  MediaType.dockerList,
];

/** Whether this manifest media type is an index (a multi-platform image). */
export function isIndexMediaType(mediaType: string): boolean {
  return mediaType === MediaType.ociIndex || mediaType === MediaType.dockerList;
}

/** Whether this manifest media type is a single manifest. */
export function isManifestMediaType(mediaType: string): boolean {
  return mediaType === MediaType.ociManifest || mediaType === MediaType.dockerManifest;
}
