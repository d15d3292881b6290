import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { makeTar } from '../../local/sample/layer.js';
import { type GetTrivyDeps, getTrivy } from '../../shared/trivy/get/get-trivy.js';
import { trivyIdentity, verifyArchive } from '../../shared/trivy/get/verify-archive.js';
import { PINNED_VERSION } from '../../shared/trivy/get/version.js';
import { runCommand } from '../../shared/trivy/run/run-command.js';
import { type SignOptions, createSigstore } from '../support/sigstore.js';

const script = (version: string) => `#!/bin/sh\necho "Version: ${version}"\n`;
const identity = trivyIdentity(PINNED_VERSION);
const ROOT = join(import.meta.dirname, '..', '..');

const sigstore = await createSigstore();
const archive = gzipSync(
  await makeTar([
    { path: 'LICENSE', content: 'x' },
    { path: 'trivy', content: script(PINNED_VERSION), mode: 0o755 },
  ]),
);
const signed = (changes: Partial<SignOptions> = {}) => sigstore.signArchive(archive, { ...identity, ...changes });

describe('verifying a release', () => {
  const verify = (bytes: Uint8Array, bundle: unknown) => () =>
    verifyArchive(bytes, bundle, { root: sigstore.trustedRoot, identity });

  it('is content with the right workflow, issuer, logs and bytes', async () => {
    expect(verify(archive, await signed())).not.toThrow();
  });

  it.each([
    [
      'another workflow',
      { workflow: 'https://github.com/evil/trivy/.github/workflows/reusable-release.yaml@refs/tags/v0.74.0' },
    ],
    ['another tag', { workflow: identity.workflow.replace('v0.74.0', 'v0.73.0') }],
    ['a longer name', { workflow: `${identity.workflow}.evil` }],
    ['a name that contains the right one', { workflow: `https://evil.example/${identity.workflow}` }],
    ['a name that a pattern would take', { workflow: identity.workflow.replace('github.com', 'githubXcom') }],
    ['another issuer', { issuer: 'https://token.actions.example.com' }],
    ['a signature of other bytes', { archive: Buffer.from('something else') }],
    ['no transparency log', { withoutLog: true }],
    ['no certificate timestamp', { withoutSct: true }],
  ])('refuses %s', async (_, changes) => {
    const bundle = await signed(changes);
    expect(verify(archive, bundle)).toThrow(expect.objectContaining({ code: 'TRIVY_VERIFICATION_FAILED' }));
  });

  it('refuses a changed archive, another root, and what is no bundle', async () => {
    const changed = Buffer.from(archive);
    changed[changed.length - 1] = (changed.at(-1) ?? 0) ^ 1;
    const failed = expect.objectContaining({ code: 'TRIVY_VERIFICATION_FAILED' }) as Error;
    const bundle = await signed();
    expect(verify(changed, bundle)).toThrow(failed);
    const { trustedRoot } = await createSigstore();
    expect(() => verifyArchive(archive, bundle, { root: trustedRoot, identity })).toThrow(failed);
    for (const nothing of [undefined, null, {}, [], 'bundle']) expect(verify(archive, nothing)).toThrow(failed);
  });

  it('reads the pinned root of the public Sigstore', async () => {
    const root: unknown = JSON.parse(await readFile(join(ROOT, 'shared', 'trivy', 'get', 'trusted-root.json'), 'utf8'));
    // Ours is no signature of the public one, which is why it fails, and not for want of a root.
    const bundle = await signed();
    expect(() => verifyArchive(archive, bundle, { root, identity })).toThrow(
      expect.objectContaining({ code: 'TRIVY_VERIFICATION_FAILED' }),
    );
    expect(JSON.stringify(root)).toContain('rekor.sigstore.dev');
  });
});

describe('getting Trivy', () => {
  let directory: string;
  let server: Server;
  let releaseUrl: string;
  const files = new Map<string, Uint8Array>();
  const asked: string[] = [];
  beforeAll(async () => {
    server = createServer((request, response) => {
      const path = request.url ?? '';
      asked.push(path);
      const bytes = files.get(path);
      response.writeHead(bytes === undefined ? 404 : 200).end(bytes);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    releaseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(() => server.close());
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'lazaret-get-'));
    files.clear();
    asked.length = 0;
    return () => rm(directory, { recursive: true });
  });

  const NAME = `/v${PINNED_VERSION}/trivy_${PINNED_VERSION}_Linux-64bit.tar.gz`;
  const serveRelease = async (changes: Partial<SignOptions> = {}) => {
    files.set(NAME, archive);
    files.set(`${NAME}.sigstore.json`, Buffer.from(JSON.stringify(await signed(changes))));
  };
  const install = async (name: string, version: string) => {
    const path = join(directory, name);
    await mkdir(join(path, '..'), { recursive: true });
    await writeFile(path, script(version));
    await chmod(path, 0o755);
    return path;
  };
  const deps = (changes: Partial<GetTrivyDeps> = {}): GetTrivyDeps => ({
    env: { HOME: directory, PATH: join(directory, 'bin'), XDG_CACHE_HOME: join(directory, 'cache') },
    platform: 'linux',
    arch: 'x64',
    fetch,
    runCommand,
    progress: () => undefined,
    moduleDirectory: join(ROOT, 'shared', 'trivy', 'build'),
    trustedRoot: sigstore.trustedRoot,
    releaseUrl,
    ...changes,
  });
  const env = (changes: Record<string, string>) => deps({ env: { ...deps().env, ...changes } });

  it('takes the one that is named, or the one on PATH', async () => {
    const named = await install('named/trivy', '0.71.0');
    const onPath = await install('bin/trivy', '0.72.1');
    expect(await getTrivy(env({ LAZARET_TRIVY: named }))).toBe(named);
    expect(await getTrivy(deps())).toBe(onPath);
    expect(asked).toEqual([]);
  });
  it.each(['0.69.3', 'dev'])('refuses %s where it is named, and passes over it on PATH', async (version) => {
    const path = await install('bin/trivy', version);
    await expect(getTrivy(env({ LAZARET_TRIVY: path }))).rejects.toMatchObject({ code: 'TRIVY_REFUSED' });
    await serveRelease();
    expect(await getTrivy(deps())).toBe(join(directory, 'cache', 'lazaret', 'trivy', PINNED_VERSION, 'trivy'));
  });
  it.each(['0.69.4', '0.69.5', '0.69.6'])('stops at %s, wherever it is', async (version) => {
    await install('bin/trivy', version);
    await serveRelease();
    await expect(getTrivy(deps())).rejects.toMatchObject({ code: 'TRIVY_COMPROMISED' });
    expect(asked).toEqual([]);
  });
  it('downloads, verifies, unpacks, and remembers', async () => {
    await serveRelease();
    const path = await getTrivy(deps());
    expect(await readFile(path, 'utf8')).toBe(script(PINNED_VERSION));
    asked.length = 0;
    expect(await getTrivy(deps())).toBe(path);
    expect(asked).toEqual([]);
  });
  it.each([
    ['has no bundle', () => Promise.resolve(void files.set(NAME, archive))],
    ['was signed by somebody else', () => serveRelease({ workflow: 'https://evil.example' })],
    [
      'was changed',
      async () => {
        await serveRelease();
        files.set(NAME, Buffer.concat([archive, Buffer.from('x')]));
      },
    ],
  ])('stops where the release %s, and tries no other way', async (_, prepare) => {
    await prepare();
    const commands: string[] = [];
    const watched = deps({
      runCommand: (file, args, options) => {
        commands.push(file);
        return runCommand(file, args, options);
      },
    });
    await expect(getTrivy(watched)).rejects.toMatchObject({ code: 'TRIVY_VERIFICATION_FAILED' });
    expect(commands).not.toContain('go');
  });
  it('builds the pinned module where the release host does not answer, with the version and nothing downloaded by name', async () => {
    const calls: { args: readonly string[]; env: Readonly<Record<string, string>> }[] = [];
    const path = await getTrivy(
      deps({
        fetch: () => Promise.reject(new Error('no network')),
        runCommand: async (file, args, options) => {
          if (file !== 'go') return runCommand(file, args, options);
          calls.push({ args, env: options.env });
          if (args[0] === 'version')
            return {
              exitCode: 0,
              stdout: Buffer.from('go version go1.26.8 linux/amd64'),
              stderr: '',
              timedOut: false,
              truncated: false,
            };
          await writeFile(args[args.indexOf('-o') + 1]!, script(PINNED_VERSION));
          return { exitCode: 0, stdout: Buffer.alloc(0), stderr: '', timedOut: false, truncated: false };
        },
      }),
    );
    expect(await readFile(path, 'utf8')).toBe(script(PINNED_VERSION));
    expect(calls[1]?.args).toEqual(expect.arrayContaining(['-mod=readonly', '-trimpath']));
    expect(calls[1]?.env).toMatchObject({ GOEXPERIMENT: 'jsonv2', CGO_ENABLED: '0', GOTOOLCHAIN: 'local' });
  });
  it('lists the ways where there is none', async () => {
    const unreachable = deps({ fetch: () => Promise.reject(new Error('no network')) });
    const error = await getTrivy(unreachable).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'TRIVY_UNAVAILABLE' });
    for (const way of ['PATH', 'LAZARET_TRIVY', 'Go 1.26']) expect((error as Error).message).toContain(way);
  });
});
