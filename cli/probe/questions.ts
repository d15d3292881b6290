import { hashOf } from '../../local/registry/blob-store.js';
import type { SwitchName } from '../../local/registry/switches.js';
import { CONFIG_TYPE, type Lab, unexpected } from './lab.js';

/** An answer of a switch, or why there is none. */
export type Finding = { readonly answer: string } | { readonly unanswered: string };

/** One question, asked of the registry itself. */
export interface Question {
  readonly name: SwitchName;
  readonly ask: (lab: Lab) => Promise<Finding>;
}

const answer = (text: string): Finding => ({ answer: text });
const refused = (status: number) => status === 405 || status === 403 || status === 409;

/** `allowed` or `refused` by the status of an attempt. */
function permission(what: string, status: number, done: number): Finding {
  if (status === done) return answer('allowed');
  if (refused(status)) return answer('refused');
  throw unexpected(what, status);
}

/** Each of the emulator's switches that a client can find out by asking. */
export const QUESTIONS: readonly Question[] = [
  {
    name: 'readLockedStatus',
    ask: async (lab) => {
      const { digest } = await lab.push('read-locked', 'read-locked');
      await lab.lockManifest(digest, { readEnabled: false });
      const status = await lab.look('GET', digest);
      if (status === 200) return { unanswered: 'the registry serves what is read-locked' };
      return status === 405 || status === 404 ? answer(String(status)) : { unanswered: `it answers ${status}` };
    },
  },
  {
    name: 'readLockedHead',
    ask: async (lab) => {
      const { digest } = await lab.push('read-locked-head', 'read-locked-head');
      await lab.lockManifest(digest, { readEnabled: false });
      return answer((await lab.look('HEAD', digest)) === 200 ? 'served' : 'as-get');
    },
  },
  {
    name: 'readLockedTag',
    ask: async (lab) => {
      const { digest } = await lab.push('read-locked-tag', 'read-locked-tag');
      await lab.lockTag('read-locked-tag', { readEnabled: false });
      return answer((await lab.look('GET', digest)) === 200 ? 'tag-only' : 'tag-and-digest');
    },
  },
  {
    name: 'pushOfWriteLockedDigest',
    ask: async (lab) => {
      const image = await lab.push('write-locked', 'write-locked');
      await lab.lockManifest(image.digest, { writeEnabled: false });
      return permission('push', await lab.put(image, 'write-locked-again'), 201);
    },
  },
  {
    name: 'referrerOfWriteLockedSubject',
    ask: async (lab) => {
      const image = await lab.push('write-locked-subject', 'write-locked-subject');
      const referrer = await lab.referrer(image, 'write-locked-subject');
      await lab.lockManifest(image.digest, { writeEnabled: false });
      return permission('referrer', await lab.put(referrer, referrer.digest), 201);
    },
  },
  {
    name: 'untagOfLockedManifest',
    ask: async (lab) => {
      const { digest } = await lab.push('locked-manifest', 'locked-manifest');
      await lab.lockManifest(digest, { deleteEnabled: false });
      const { status } = await lab.send('DELETE', `/acr/v1/${lab.repository}/_tags/locked-manifest`);
      return permission('untag', status, 202);
    },
  },
  {
    name: 'patchInLockedRepository',
    ask: async (lab) => {
      const { digest } = await lab.push('locked-repository', 'locked-repository');
      await lab.lockRepository({ writeEnabled: false });
      const body = Buffer.from('{"deleteEnabled":false}');
      const path = `/acr/v1/${lab.repository}/_manifests/${digest}`;
      const { status } = await lab.send('PATCH', path, { body, contentType: 'application/json' });
      await lab.lockRepository({ writeEnabled: true });
      return permission('change of attributes', status, 200);
    },
  },
  {
    name: 'deleteWithLockedTag',
    ask: async (lab) => {
      const { digest } = await lab.push('locked-tag', 'locked-tag');
      await lab.lockTag('locked-tag', { deleteEnabled: false });
      const { status } = await lab.send('DELETE', `/v2/${lab.repository}/manifests/${digest}`);
      return permission('delete', status, 202);
    },
  },
  {
    name: 'referrersApi',
    ask: async (lab) => {
      const { digest } = await lab.push('subject', 'subject');
      const { status } = await lab.send('GET', `/v2/${lab.repository}/referrers/${digest}`);
      if (status === 200) return answer('on');
      return status === 404 || status === 400 ? answer('off') : { unanswered: `it answers ${status}` };
    },
  },
  {
    name: 'referrerArtifactType',
    ask: async (lab) => {
      const image = await lab.push('subject-of-untyped', 'subject-of-untyped');
      const referrer = await lab.referrer(image, 'untyped');
      await lab.put(referrer, referrer.digest);
      const { status, body } = await lab.send('GET', `/v2/${lab.repository}/referrers/${image.digest}`);
      if (status !== 200) return { unanswered: 'there is no referrers API' };
      const { manifests } = JSON.parse(Buffer.from(body).toString('utf8')) as {
        readonly manifests: readonly { readonly digest: string; readonly artifactType?: string }[];
      };
      const listed = manifests.find(({ digest }) => digest === referrer.digest);
      if (listed === undefined) return { unanswered: 'the referrer is not listed' };
      return answer(listed.artifactType === CONFIG_TYPE ? 'config' : 'declared-only');
    },
  },
  {
    name: 'sha512',
    ask: async (lab) => {
      const bytes = Buffer.from('lazaret probe');
      const digest = hashOf(bytes, 'sha512');
      const start = await lab.send('POST', `/v2/${lab.repository}/blobs/uploads/`);
      const location = start.headers.get('location') ?? '';
      const path = `${location}${location.includes('?') ? '&' : '?'}digest=${digest}`;
      const { status } = await lab.send('PUT', path, { body: bytes, contentType: 'application/octet-stream' });
      return answer(status === 201 ? 'on' : 'off');
    },
  },
  {
    name: 'blobHead',
    ask: async (lab) => {
      const image = await lab.push('blob', 'blob');
      const path = `/v2/${lab.repository}/blobs/${image.blobs[0]?.digest ?? ''}`;
      const isRedirect = (status: number) => status >= 301 && status <= 308;
      if (!isRedirect((await lab.send('GET', path)).status)) return { unanswered: 'blobs are not redirected' };
      return answer(isRedirect((await lab.send('HEAD', path)).status) ? 'redirect' : 'direct');
    },
  },
];
