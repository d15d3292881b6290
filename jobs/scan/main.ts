import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { setTimeout as wait } from 'node:timers/promises';
import { parseDatabaseSource } from '../../shared/trivy/database/database-source.js';
import { type JobSettings, loadJobSettings } from '../../shared/config/settings.js';
import { connectStorage, createCredential } from '../../shared/connect.js';
import { createLog } from '../../shared/log.js';
import { QUEUES } from '../../shared/message/queue-name.js';
import { drain } from '../../shared/pipeline/drain.js';
import { scan } from '../../shared/pipeline/scan.js';
import { createSend } from '../../shared/queue/queues.js';
import { createReceiver, receiveFirst } from '../../shared/queue/receiver.js';
import { createRegistryClient } from '../../shared/registry/registry-client.js';
import { createReportStore } from '../../shared/report/report-store.js';
import { runCommand } from '../../shared/trivy/run/run-command.js';
import { createScanner } from '../../shared/trivy/scanner.js';

const clock = () => new Date();
const log = createLog((line) => process.stdout.write(`${line}\n`), clock);

/** Drains the queue once. Resolves with the exit code: 0 where all that was taken has been handed over. */
async function main(settings: JobSettings): Promise<number> {
  const stop = new AbortController();
  for (const event of ['SIGTERM', 'SIGINT', 'disconnect'] as const) process.once(event, () => stop.abort());
  const workDirectory = join(settings.workDirectory, `execution-${process.pid}`);
  await mkdir(workDirectory, { recursive: true });
  const credential = createCredential(settings);
  const storage = connectStorage(settings.storage, credential);
  const registry = createRegistryClient({
    fetch,
    clock,
    sleep: wait,
    registries: settings.registries.map(({ loginServer }) => loginServer),
    credential: credential === undefined ? { kind: 'anonymous' } : { kind: 'entra', credential },
  });
  const configured = new Map<string, (typeof settings.registries)[number]['loginServer']>(
    settings.registries.map(({ loginServer }) => [loginServer, loginServer]),
  );
  const scanner = createScanner({
    trivyPath: settings.trivyPath,
    runCommand,
    clock,
    ticks: () => performance.now(),
    workDirectory,
    database: parseDatabaseSource(settings.database),
    javaDatabase: settings.javaDatabase === undefined ? undefined : parseDatabaseSource(settings.javaDatabase),
    maxDatabaseAgeMilliseconds: settings.maxDatabaseAgeMilliseconds,
    timeoutSeconds: settings.scanTimeoutSeconds,
    caFile: settings.caFile,
    pull: {
      fetch,
      // Only a configured registry ever gets a token of ours.
      pullToken: async (host, repository) => {
        const known = configured.get(host);
        return known && registry.pullToken(known, repository as Parameters<typeof registry.pullToken>[1]);
      },
    },
    pullToken: ({ registry: host, repository }) => registry.pullToken(host, repository),
  });
  try {
    const taken = await drain({
      clock,
      log,
      send: createSend(storage.queues),
      // A sweep waits behind every push.
      receive: receiveFirst(
        [QUEUES.scan, QUEUES.scanSweep].map((queue) =>
          createReceiver(storage.queues.getQueueClient(queue), settings.leaseSeconds),
        ),
      ),
      scan: (request, signal) =>
        scan(request, signal, {
          clock,
          log,
          registry,
          reports: createReportStore(storage.blobs),
          maxImageBytes: settings.maxImageBytes,
          scanImage: scanner.scan,
        }),
      sleep: async (milliseconds, signal) => {
        await wait(milliseconds, undefined, { signal }).catch(() => undefined);
      },
      concurrency: settings.concurrency,
      lingerMilliseconds: settings.lingerMilliseconds,
      pollMilliseconds: settings.pollMilliseconds,
      renewMilliseconds: (settings.leaseSeconds * 1000) / 3,
      stop: stop.signal,
    });
    log('info', 'execution-ended', { taken });
    return 0;
  } finally {
    await rm(workDirectory, { recursive: true, force: true });
  }
}

main(loadJobSettings(process.env)).then(
  (code) => process.exit(code),
  (error: unknown) => {
    log('error', 'execution-failed', { message: error instanceof Error ? error.message : String(error) });
    process.exit(1);
  },
);
