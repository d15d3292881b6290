import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tool } from '../support/go-tool.js';
import { hasTool, run } from '../support/process.js';
import { type RegistryProcess, moveLargeLayer, startRegistry } from '../support/registry-process.js';

const USER = 'client';
const LAYER = 'application/vnd.oci.image.layer.v1.tar';

let directory: string;
let registry: RegistryProcess;
let host: string;
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'lazaret-clients-'));
  const options = join(directory, 'options.json');
  const identities = [{ name: USER, password: USER, roles: [{ role: 'Contributor' }] }];
  writeFileSync(options, JSON.stringify({ anonymous: false, identities }));
  registry = await startRegistry(join(directory, 'state'), '--options', options);
  host = new URL(registry.origin).host;
  writeFileSync(join(directory, 'hello.txt'), 'hello');
  run('tar', ['-C', directory, '-cf', join(directory, 'layer.tar'), 'hello.txt']);
});
afterAll(async () => {
  await registry.stop();
  rmSync(directory, { recursive: true });
});

/** An image of one file, in a layout of its own. */
function makeLayout(): string {
  const layout = join(directory, 'layout');
  run('umoci', ['init', '--layout', layout]);
  run('umoci', ['new', '--image', `${layout}:v1`]);
  run('umoci', ['insert', '--image', `${layout}:v1`, join(directory, 'hello.txt'), '/hello.txt']);
  return layout;
}

describe.runIf(hasTool('skopeo', 'umoci'))('skopeo', () => {
  it('logs in, pushes, lists, copies inside the registry, pulls and deletes', () => {
    const auth = ['--authfile', join(directory, 'skopeo.json')];
    const plain = (side: string) => `--${side}tls-verify=false`;
    const source = makeLayout();
    run('skopeo', ['login', ...auth, plain(''), '--username', USER, '--password', USER, host]);
    run('skopeo', ['copy', ...auth, plain('dest-'), `oci:${source}:v1`, `docker://${host}/skopeo/app:v1`]);
    const copy = [`docker://${host}/skopeo/app:v1`, `docker://${host}/skopeo/copy:v2`];
    run('skopeo', ['copy', ...auth, plain('src-'), plain('dest-'), ...copy]);
    const list = run('skopeo', ['list-tags', ...auth, plain(''), `docker://${host}/skopeo/copy`]);
    expect(JSON.parse(list)).toMatchObject({ Tags: ['v2'] });
    const pulled = join(directory, 'pulled');
    run('skopeo', ['copy', ...auth, plain('src-'), `docker://${host}/skopeo/copy:v2`, `dir:${pulled}`]);
    const index = JSON.parse(readFileSync(join(source, 'index.json'), 'utf8')) as { manifests: { digest: string }[] };
    const inspected = JSON.parse(run('skopeo', ['inspect', ...auth, plain(''), `docker://${host}/skopeo/app:v1`])) as {
      Digest: string;
    };
    expect(inspected.Digest).toBe(index.manifests[0]!.digest);
    run('skopeo', ['delete', ...auth, plain(''), `docker://${host}/skopeo/app:v1`]);
    expect(() => run('skopeo', ['inspect', ...auth, plain(''), `docker://${host}/skopeo/app:v1`])).toThrow();
  });
});

describe.runIf(hasTool('podman', 'umoci'))('podman', () => {
  it('pushes and pulls', () => {
    const storage = [
      '--storage-driver',
      'vfs',
      '--root',
      join(directory, 'podman'),
      '--runroot',
      join(directory, 'run'),
    ];
    const credentials = ['--creds', `${USER}:${USER}`, '--tls-verify=false'];
    const podman = (...args: readonly string[]) => run('podman', [...storage, ...args]).trim();
    podman('import', join(directory, 'layer.tar'), 'localhost/hello:v1');
    podman('push', ...credentials, 'localhost/hello:v1', `docker://${host}/podman/app:v1`);
    podman('rmi', 'localhost/hello:v1');
    const id = podman('pull', '--quiet', ...credentials, `${host}/podman/app:v1`);
    expect(podman('image', 'inspect', '--format', '{{.Id}}', `${host}/podman/app:v1`)).toBe(id);
    podman('rmi', '--force', id);
  });
});

describe('crane', () => {
  it('pushes, tags, lists, copies, validates and deletes', async () => {
    const crane = await tool('crane');
    const env = { PATH: process.env['PATH'] ?? '', HOME: directory, DOCKER_CONFIG: join(directory, 'crane') };
    const call = (...args: readonly string[]) => run(crane, ['--insecure', ...args], { env }).trim();
    call('auth', 'login', host, '--username', USER, '--password', USER);
    call('append', '--new_layer', join(directory, 'layer.tar'), '--new_tag', `${host}/crane/app:v1`);
    call('tag', `${host}/crane/app:v1`, 'v2');
    expect(call('ls', `${host}/crane/app`).split('\n')).toEqual(['v1', 'v2']);
    call('copy', `${host}/crane/app:v1`, `${host}/crane/copy:v1`);
    expect(call('catalog', host).split('\n')).toEqual(expect.arrayContaining(['crane/app', 'crane/copy']));
    expect(call('validate', '--remote', `${host}/crane/copy:v1`)).toMatch(/^PASS/);
    const digest = call('digest', `${host}/crane/app:v1`);
    expect(call('digest', `${host}/crane/copy:v1`)).toBe(digest);
    call('delete', `${host}/crane/app@${digest}`);
    expect(() => call('digest', `${host}/crane/app:v1`)).toThrow();
  });
});

describe('oras', () => {
  it('pushes, attaches, discovers, copies with what is attached, and deletes', async () => {
    const oras = await tool('oras');
    const env = { PATH: process.env['PATH'] ?? '', HOME: directory };
    const config = ['--registry-config', join(directory, 'oras.json')];
    const call = (...args: readonly string[]) => run(oras, args, { env, cwd: directory }).trim();
    run(oras, ['login', '--plain-http', ...config, '--username', USER, '--password', USER, host], { env });
    call('push', '--plain-http', ...config, `${host}/oras/app:v1`, `layer.tar:${LAYER}`);
    const attach = ['--artifact-type', 'application/vnd.example', `${host}/oras/app:v1`, 'hello.txt:text/plain'];
    call('attach', '--plain-http', ...config, ...attach);
    const discovered = (name: string) =>
      JSON.parse(call('discover', '--plain-http', ...config, '--format', 'json', `${host}/${name}`)) as {
        referrers: { artifactType: string }[];
      };
    expect(discovered('oras/app:v1').referrers).toMatchObject([{ artifactType: 'application/vnd.example' }]);
    const copy = ['--from-plain-http', '--to-plain-http', '--recursive'];
    const configs = [
      '--from-registry-config',
      join(directory, 'oras.json'),
      '--to-registry-config',
      join(directory, 'oras.json'),
    ];
    call('cp', ...copy, ...configs, `${host}/oras/app:v1`, `${host}/oras/copy:v1`);
    expect(discovered('oras/copy:v1').referrers).toHaveLength(1);
    expect(call('repo', 'tags', '--plain-http', ...config, `${host}/oras/copy`)).toBe('v1');
    call('manifest', 'delete', '--plain-http', ...config, '--force', `${host}/oras/copy:v1`);
    expect(() => discovered('oras/copy:v1')).toThrow();
  });
});

describe('a layer of 2 GiB', () => {
  it('goes through in constant memory', async () => {
    const large = await startRegistry(join(directory, 'large'));
    expect(await moveLargeLayer(large, 2 * 1024 ** 3)).toBeLessThan(96 * 1024 * 1024);
    await large.stop();
  });
});
