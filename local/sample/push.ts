import { MANIFEST_ACCEPT, MediaType } from '../../shared/artifact/media-type.js';
import { AppError } from '../../shared/error/app-error.js';
import type { Artifact } from './image.js';
import type { Blob } from './layer.js';

/** Where something is pushed to. */
export interface PushTarget {
  /** `http://host:port` or `https://host`. */
  readonly origin: string;
  readonly repository: string;
  readonly fetch: typeof fetch;
  /** For Basic credentials at the token service. Default: none. */
  readonly credentials?: { readonly user: string; readonly password: string };
  /** What a token is asked for. Default: `pull,push`. */
  readonly actions?: string;
}

/** How a push goes. */
export interface PushOptions {
  readonly tag?: string;
  /** Ask with HEAD for the tag first, and give up on a refusal, as some clients do. */
  readonly headFirst?: boolean;
}

/** A client that pushes as Docker and its kin do: token by challenge, blobs, children by digest, the manifest last. */
export async function push(
  artifact: Artifact,
  target: PushTarget,
  { tag, headFirst }: PushOptions = {},
): Promise<void> {
  const session = openSession(target);
  if (headFirst === true && tag !== undefined) {
    const { status } = await session(`/manifests/${tag}`, { method: 'HEAD' });
    if (status !== 200 && status !== 404) throw refused('HEAD of the tag', status);
  }
  for (const child of artifact.children) await pushManifest(child, child.digest, session);
  await pushManifest(artifact, tag ?? artifact.digest, session);
}

/** The status that a pull by tag or digest gets. */
export async function pullStatus(reference: string, target: PushTarget): Promise<number> {
  return (await pull(reference, target)).status;
}

/** What a pull by tag or digest gets: the status, and the digest where there is one. */
export async function pull(
  reference: string,
  target: PushTarget,
): Promise<{ readonly status: number; readonly digest: string | null }> {
  const response = await openSession(target)(`/manifests/${reference}`, { method: 'GET' });
  await response.body?.cancel();
  return { status: response.status, digest: response.headers.get('docker-content-digest') };
}

/** The artifact types of what refers to a digest. */
export async function listReferrers(digest: string, target: PushTarget): Promise<readonly string[]> {
  const response = await openSession(target)(`/referrers/${digest}`, { method: 'GET' });
  if (response.status !== 200) throw refused('referrers', response.status);
  const { manifests } = (await response.json()) as {
    readonly manifests: readonly { readonly artifactType?: string }[];
  };
  return manifests.map(({ artifactType }) => artifactType ?? '');
}

/** Asks for a path of the repository, with a token once the registry wants one. */
export type Session = (path: string, init: RequestInit) => Promise<Response>;

async function pushManifest(artifact: Artifact, reference: string, session: Session): Promise<void> {
  for (const blob of artifact.blobs) await pushBlob(blob, session);
  const headers = { 'content-type': artifact.mediaType };
  const response = await session(`/manifests/${reference}`, {
    method: 'PUT',
    headers,
    body: Buffer.from(artifact.bytes),
  });
  if (response.status !== 201) throw refused('manifest', response.status);
  const { subject } = JSON.parse(Buffer.from(artifact.bytes).toString('utf8')) as { subject?: { digest: string } };
  // A registry that does not name the subject has no referrers API: the client keeps the list, under a tag.
  if (subject !== undefined && !response.headers.has('oci-subject'))
    await listUnderTag(artifact, subject.digest, session);
}

/** OCI distribution specification 1.1, *Referrers Tag Schema*. */
async function listUnderTag({ bytes, digest, mediaType }: Artifact, subject: string, session: Session): Promise<void> {
  const path = `/manifests/${subject.replace(':', '-')}`;
  const found = await session(path, { method: 'GET' });
  const listed = found.status === 200 ? ((await found.json()) as { manifests: object[] }).manifests : [];
  const manifests = [...listed, { mediaType, digest, size: bytes.byteLength }];
  const response = await session(path, {
    method: 'PUT',
    headers: { 'content-type': MediaType.ociIndex },
    body: JSON.stringify({ schemaVersion: 2, mediaType: MediaType.ociIndex, manifests }),
  });
  if (response.status !== 201) throw refused('list of referrers', response.status);
}

async function pushBlob({ bytes, digest }: Blob, session: Session): Promise<void> {
  if ((await session(`/blobs/${digest}`, { method: 'HEAD' })).status === 200) return;
  const start = await session('/blobs/uploads/', { method: 'POST' });
  const location = start.headers.get('location');
  if (start.status !== 202 || location === null) throw refused('upload', start.status);
  const separator = location.includes('?') ? '&' : '?';
  const headers = { 'content-type': 'application/octet-stream' };
  const put = await session(`${location}${separator}digest=${encodeURIComponent(digest)}`, {
    method: 'PUT',
    headers,
    body: Buffer.from(bytes),
  });
  if (put.status !== 201) throw refused('blob', put.status);
}

/** A {@link Session} of one repository. */
export function openSession({ origin, repository, fetch, credentials, actions = 'pull,push' }: PushTarget): Session {
  let token: string | undefined;
  return async (path, init) => {
    const url = new URL(path.startsWith('/v2/') || path.startsWith('http') ? path : `/v2/${repository}${path}`, origin);
    const send = () =>
      fetch(url, {
        ...init,
        headers: {
          accept: MANIFEST_ACCEPT.join(', '),
          ...(init.headers as Record<string, string>),
          ...(token && { authorization: `Bearer ${token}` }),
        },
      });
    const response = await send();
    if (response.status !== 401) return response;
    await response.body?.cancel();
    const challenge = response.headers.get('www-authenticate') ?? '';
    const part = (name: string) => new RegExp(`${name}="([^"]*)"`).exec(challenge)?.[1] ?? '';
    const realm = new URL(part('realm'));
    realm.searchParams.set('service', part('service'));
    realm.searchParams.set('scope', `repository:${repository}:${actions}`);
    const basic = credentials && Buffer.from(`${credentials.user}:${credentials.password}`).toString('base64');
    const answer = await fetch(realm, { headers: basic === undefined ? {} : { authorization: `Basic ${basic}` } });
    if (answer.status !== 200) throw refused('token', answer.status);
    token = ((await answer.json()) as { readonly token: string }).token;
    return send();
  };
}

function refused(what: string, status: number): AppError {
  return new AppError('PUSH_REFUSED', `${what}: the registry answered ${status}`);
}
