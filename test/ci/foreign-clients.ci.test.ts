import { createHash } from 'node:crypto';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeDatabase } from '../../local/sample/database.js';
import { type RunningEnvironment, hasTool, run, startCli, statusOf, trivyPath } from '../support/process.js';

const here = hasTool('skopeo', 'umoci');

interface RawReport {
  readonly Results?: readonly {
    readonly Target: string;
    readonly Vulnerabilities?: readonly {
      readonly VulnerabilityID: string;
      readonly PkgName: string;
      readonly InstalledVersion: string;
      readonly Severity: string;
    }[];
  }[];
}

describe.runIf(here)("images that are not ours, pushed by Debian's own tools", () => {
  let directory: string;
  let environment: RunningEnvironment;
  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'lazaret-foreign-'));
    await writeDatabase(join(directory, 'db'), new Date());
    environment = await startCli(['--state-directory', join(directory, 'state'), '--database', join(directory, 'db')]);
  });
  afterAll(async () => {
    await environment.stop();
    rmSync(directory, { recursive: true });
  });

  it.each([
    ['a Debian system', 'libssl3'],
    ['one that was updated', ''],
  ])('%s gets the findings that a raw scan has', (name, old) => {
    // This machine's own package database stands for a system that somebody else has made.
    const root = join(directory, `root-${old}`);
    mkdirSync(join(root, 'etc'), { recursive: true });
    mkdirSync(join(root, 'var/lib/dpkg'), { recursive: true });
    for (const file of ['etc/os-release', 'etc/debian_version']) copyFileSync(join('/', file), join(root, file));
    const status = readFileSync('/var/lib/dpkg/status', 'utf8');
    const vulnerable = `Package: ${old}\nStatus: install ok installed\nArchitecture: amd64\nSource: openssl\nVersion: 3.0.11-1~deb12u1\n\n`;
    writeFileSync(join(root, 'var/lib/dpkg/status'), old === '' ? status : vulnerable + status);
    const layout = join(directory, `oci-${old}`);
    run('umoci', ['init', '--layout', layout]);
    run('umoci', ['new', '--image', `${layout}:v1`]);
    run('umoci', ['insert', '--image', `${layout}:v1`, root, '/']);
    const repository = `foreign/system${old}`;
    run('skopeo', [
      'copy',
      '--dest-tls-verify=false',
      `oci:${layout}:v1`,
      `docker://${environment.registry}/${repository}:v1`,
    ]);
    const found = statusOf(`${environment.registry}/${repository}:v1`, 90);
    const raw = JSON.parse(
      run(
        trivyPath(),
        [
          'image',
          '--input',
          layout,
          '--format',
          'json',
          '--cache-dir',
          join(directory, 'db'),
          '--cache-backend',
          'memory',
          '--skip-db-update',
          '--skip-java-db-update',
          '--offline-scan',
          '--quiet',
        ],
        {
          env: { HOME: homedir() },
        },
      ),
    ) as RawReport;
    const expected = (raw.Results ?? []).flatMap(({ Vulnerabilities: all = [] }) =>
      all.map((v) => [v.VulnerabilityID, v.PkgName, v.InstalledVersion, v.Severity].join(' ')),
    );
    const actual = found.findings.list.map((v) => [v.id, v.package, v.installed, v.severity].join(' '));
    expect(actual.toSorted(), name).toEqual(expected.toSorted());
    expect(found.verdict).toBe(expected.some((line) => line.endsWith('CRITICAL')) ? 'fail' : 'pass');
  });

  it('refuses a layer that is not gzip as unreadable, never as clean', () => {
    const layout = join(directory, 'broken');
    run('umoci', ['init', '--layout', layout]);
    run('umoci', ['new', '--image', `${layout}:v1`]);
    const index = JSON.parse(readFileSync(join(layout, 'index.json'), 'utf8')) as {
      manifests: { digest: string; size: number }[];
    };
    const blob = (digest: string) => join(layout, 'blobs', 'sha256', digest.slice(7));
    const add = (bytes: Buffer) => {
      const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
      writeFileSync(blob(digest), bytes);
      return { digest, size: bytes.byteLength };
    };
    const manifest = JSON.parse(readFileSync(blob(index.manifests[0]!.digest), 'utf8')) as {
      config: { digest: string; size: number };
      layers: object[];
    };
    const config = JSON.parse(readFileSync(blob(manifest.config.digest), 'utf8')) as { rootfs: object };
    const layer = add(Buffer.from('this is no archive'));
    config.rootfs = { type: 'layers', diff_ids: [layer.digest] };
    Object.assign(manifest.config, add(Buffer.from(JSON.stringify(config))));
    manifest.layers = [{ mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip', ...layer }];
    Object.assign(index.manifests[0]!, add(Buffer.from(JSON.stringify(manifest))));
    writeFileSync(join(layout, 'index.json'), JSON.stringify(index));
    run('skopeo', [
      'copy',
      '--dest-tls-verify=false',
      `oci:${layout}:v1`,
      `docker://${environment.registry}/foreign/broken:v1`,
    ]);
    const found = statusOf(`${environment.registry}/foreign/broken:v1`, 90);
    expect(found).toMatchObject({
      verdict: 'inconclusive',
      reasons: [{ code: 'LAYER_UNREADABLE' }],
      enforcement: { state: 'quarantined' },
    });
  });
});
