import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runCommand } from '../../shared/trivy/run/run-command.js';
import { createRegistry } from '../registry/registry.js';
import { createFileStore } from '../registry/store.js';
import { type Handler, serve } from '../web/node-adapter.js';

/** What one run of the suite came to. */
export interface ConformanceResult {
  /** The suite's own exit code. */
  readonly exitCode: number | undefined;
  /** What the suite prints: every test, its configuration and its tables. */
  readonly output: string;
  /** Names of groups with their result, from the suite's own tables. */
  readonly groups: readonly { readonly name: string; readonly result: string }[];
  readonly counts: Readonly<Record<string, number>>;
}

/** Groups that are not run or not offered, each with its reason. */
export const NOT_OFFERED: Readonly<Record<string, string>> = {
  'Tag delete': 'Azure Container Registry deletes manifests by digest; a tag is removed by its own interface',
  'Tag delete atomic': 'as Tag delete',
  'Blob anonymous mount': 'a mount names its source; the suite takes the ordinary upload for an answer',
  'Manifest put with tag params': 'of the specification after 1.1',
  'Sparse Manifests': 'a manifest whose blobs are missing is refused',
  'Tag Param': 'of the specification after 1.1',
  'Tag Param sha512': 'of the specification after 1.1',
};

const USER = 'conformance';
const TIMEOUT_MILLISECONDS = 5 * 60_000;

/**
 * Runs the official conformance suite of the OCI distribution specification 1.1 against the emulator, with its state on
 * disk, over a socket, and with credentials. `results` gets the suite's own reports.
 */
export async function runConformance(suite: string, results: string): Promise<ConformanceResult> {
  const state = await mkdtemp(join(tmpdir(), 'lazaret-conformance-'));
  const served: { handle?: Handler } = {};
  const server = createServer(
    serve((request) => served.handle?.(request) ?? Promise.resolve(new Response(null, { status: 503 }))),
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    const loginServer = `127.0.0.1:${(server.address() as AddressInfo).port}`;
    const { handle } = await createRegistry({
      loginServer,
      resourceId: '/subscriptions/0/resourceGroups/r/providers/Microsoft.ContainerRegistry/registries/conformance',
      store: await createFileStore(state),
      clock: () => new Date(),
      publish: () => Promise.resolve(),
      anonymous: false,
      identities: [{ name: USER, password: USER, roles: [{ role: 'Contributor' }] }],
      // The suite takes it for granted; the service is not known to have it.
      switches: { sha512: 'on' },
    });
    served.handle = handle;
    await rm(results, { recursive: true, force: true });
    await mkdir(results, { recursive: true });
    const { exitCode, stdout } = await runCommand(suite, [], {
      cwd: results,
      env: {
        OCI_REGISTRY: loginServer,
        OCI_TLS: 'disabled',
        OCI_USERNAME: USER,
        OCI_PASSWORD: USER,
        OCI_VERSION: '1.1',
        OCI_LOG: 'error',
        OCI_RESULTS_DIR: results,
        // What is optional and offered is tested too.
        OCI_API_BLOBS_UPLOAD_CANCEL: 'true',
        OCI_API_BLOBS_DIGEST_HEADER: 'true',
        OCI_API_MANIFESTS_DIGEST_HEADER: 'true',
      },
      timeoutMilliseconds: TIMEOUT_MILLISECONDS,
      killAfterMilliseconds: 1000,
      maxOutputBytes: 64 * 1024 * 1024,
    });
    // A suite that could not begin exits with 0 and writes no report.
    await readFile(join(results, 'results.yaml'));
    return { exitCode, ...readOutput(stdout.toString('utf8')) };
  } finally {
    server.closeAllConnections();
    server.close();
    await rm(state, { recursive: true, force: true });
  }
}

/** Reads the suite's tables. */
export function readOutput(output: string): Omit<ConformanceResult, 'exitCode'> {
  const rows = [...output.matchAll(/^ {2}([^.\n]+)\.+: +(\S+)$/gm)].map(([, name = '', result = '']) => ({
    name,
    result,
  }));
  const isCount = ({ result }: { readonly result: string }) => /^\d+$/.test(result);
  return {
    output,
    groups: rows.filter((row) => !isCount(row)),
    counts: Object.fromEntries(rows.filter(isCount).map(({ name, result }) => [name, Number(result)])),
  };
}

/** What is wrong with a result: groups that neither pass nor are excused, or a suite that ran nothing. */
export function complaints({ exitCode, groups, counts }: ConformanceResult): readonly string[] {
  const failed = groups.filter(({ name, result }) => result !== 'Pass' && NOT_OFFERED[name] === undefined);
  return [
    ...failed.map(({ name, result }) => `${name}: ${result}`),
    ...(exitCode === 0 ? [] : [`the suite exited with ${exitCode ?? 'a signal'}`]),
    ...((counts['Pass'] ?? 0) > 0 && groups.length > 0 ? [] : ['the suite has tested nothing']),
    ...((counts['FAIL'] ?? 1) + (counts['Error'] ?? 1) === 0 ? [] : ['the suite counts failures']),
  ];
}
