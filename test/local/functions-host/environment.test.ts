import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type * as local from '../../../local/environment.js';
import { ROOT } from '../../support/process.js';

// Processes are started from what is built.
const { startEnvironment } = (await import(
  pathToFileURL(join(ROOT, 'dist', 'local', 'environment.js')).href
)) as typeof local;

let directory: string;
let environment: local.LocalEnvironment;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'lazaret-environment-'));
  environment = await startEnvironment({
    stateDirectory: directory,
    policyFile: join(ROOT, 'policy', 'local.yaml'),
    database: 'directory:none',
    databaseMaxAgeHours: 1,
    enforcement: 'observe',
    // No scan is asked for.
    trivy: new Promise(() => undefined),
    ports: { registry: 0, functions: 0, inbox: 0 },
    scalerMilliseconds: 1000,
    lingerSeconds: 1,
    scanConcurrency: 1,
    queueLeaseSeconds: 30,
    acceleration: 10,
    log: () => undefined,
  });
});
afterAll(async () => {
  await environment.stop();
  await rm(directory, { recursive: true });
});

const isHealthy = () =>
  fetch(`${environment.functions}/api/health`).then(
    ({ status }) => status === 200,
    () => false,
  );

describe('the environment', () => {
  it('tells the processes of the host and of its worker', () => {
    const { functions, worker, jobs } = environment.processes();
    expect([typeof functions, typeof worker, jobs]).toEqual(['number', 'number', []]);
    expect(worker).not.toBe(functions);
  });
  it('has another worker after a kill, under the same host', async () => {
    const before = environment.processes();
    process.kill(before.worker!, 'SIGKILL');
    await expect.poll(() => environment.processes().worker).not.toBe(before.worker);
    await expect.poll(isHealthy).toBe(true);
    expect(environment.processes().functions).toBe(before.functions);
  });
  it('starts a host again that died, at the same address', async () => {
    const before = environment.processes();
    process.kill(before.functions!, 'SIGKILL');
    await expect.poll(() => environment.processes().functions).not.toBe(before.functions);
    await expect.poll(isHealthy, { timeout: 20_000 }).toBe(true);
    expect(environment.processes().worker).not.toBe(before.worker);
  });
});
