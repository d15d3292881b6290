/** What of a request tells its name. */
export interface NamedRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: { get: (name: 'user-agent') => string | null };
}

const KINDS: readonly (readonly [pattern: RegExp, name: string])[] = [
  [/^\/v2\/.+\/manifests\/[^/]+$/, 'manifest'],
  [/^\/v2\/.+\/blobs\/uploads\//, 'upload'],
  [/^\/v2\/.+\/blobs\/[^/]+$/, 'blob'],
  [/^\/v2\/.+\/referrers\/[^/]+$/, 'referrers'],
  [/^\/acr\/v1\/.+\/_tags\/[^/]+$/, 'tag'],
  [/^\/acr\/v1\/.+\/_manifests\/[^/]+$/, 'attributes'],
];

/** A request to the registry in words: `registry: PUT manifest`; of Trivy, `registry: scan GET manifest`. */
export function requestName({ method, url, headers }: NamedRequest): string {
  const path = decodeURIComponent(new URL(url).pathname);
  const kind = KINDS.find(([pattern]) => pattern.test(path))?.[1] ?? 'other';
  const by = /^trivy\b/i.test(headers.get('user-agent') ?? '') ? 'scan ' : '';
  return `registry: ${by}${method} ${kind}`;
}
