import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { AppError } from './error/app-error.js';
import { loadPolicy } from './config/load-policy.js';
import { type Environment, loadAppSettings } from './config/settings.js';
import { connectStorage, createCredential } from './connect.js';
import { createJournal } from './ledger/journal.js';
import { createLedger } from './ledger/ledger.js';
import { createLog } from './log.js';
import {
  alertRequestSchema,
  decideRequestSchema,
  MESSAGE_VERSION,
  retriedEventSchema,
  scannedSchema,
  verifyRequestSchema,
} from './message/queue-message.js';
import { QUEUES, type QueueName } from './message/queue-name.js';
import { parseRegistryEvent } from './message/registry-event.js';
import { deliverAlert } from './pipeline/alert.js';
import { decide, giveUpDecide } from './pipeline/decide.js';
import { deliver } from './pipeline/deliver.js';
import { type DoorRequest, type DoorResponse, releaseDoor, verdictDoor } from './pipeline/http-doors.js';
import { receivePoison } from './pipeline/poison.js';
import { receive } from './pipeline/receive.js';
import { closeScan, recordScan } from './pipeline/record-scan.js';
import { refuse } from './pipeline/refuse.js';
import { giveUpVerify, verify } from './pipeline/verify.js';
import { createSend, ensureQueues } from './queue/queues.js';
import { createRegistryClient } from './registry/registry-client.js';
import { createReportStore } from './report/report-store.js';
import { renderAlert } from './teams/render.js';
import { createTeamsWebhook } from './teams/webhook.js';
import { databaseProblem } from './trivy/database/check-database.js';
import { readTrivyReport } from './trivy/report/read-report.js';

/** The steps, each bound to the services that the settings name. */
export interface App {
  /** One Event Grid event, in either envelope, or one that is tried again. */
  readonly receive: (event: unknown) => Promise<void>;
  readonly verify: (message: unknown) => Promise<void>;
  readonly recordScan: (message: unknown) => Promise<void>;
  readonly decide: (message: unknown) => Promise<void>;
  readonly alert: (message: unknown) => Promise<void>;
  readonly poison: (queue: QueueName, message: unknown) => Promise<void>;
  readonly verdict: (request: DoorRequest) => Promise<DoorResponse>;
  readonly release: (request: DoorRequest) => Promise<DoorResponse>;
}

/** The effects of the whole app. */
export interface AppEffects {
  readonly fetch: typeof fetch;
  readonly clock: () => Date;
  readonly write: (line: string) => void;
}

/**
 * Builds the app from its settings: every part is made here and nowhere else. Throws `SETTINGS_INVALID` or
 * `POLICY_INVALID` with everything that is wrong, before anything starts.
 */
export async function createApp(env: Environment, { fetch, clock, write }: AppEffects): Promise<App> {
  const settings = loadAppSettings(env);
  const { policy, keys } = await loadPolicy(settings.policyFile);
  const log = createLog(write, clock);
  const credential = createCredential(settings);
  const storage = connectStorage(settings.storage, credential);
  const ledger = createLedger(storage.table('ledger'));
  const journalTable = storage.table('journal');
  const journal = createJournal(journalTable, clock);
  const reports = createReportStore(storage.blobs);
  const send = createSend(storage.queues);
  const servers = settings.registries.map(({ loginServer }) => loginServer);
  const registry = createRegistryClient({
    fetch,
    clock,
    sleep,
    registries: servers,
    credential: credential === undefined ? { kind: 'anonymous' } : { kind: 'entra', credential },
  });
  await Promise.all([ledger.ensure(), journalTable.createTable(), reports.ensure(), ensureQueues(storage.queues)]);

  const base = { clock, log, send, journal, ledger, registry, reports, policy, store: reports };
  const receiveDeps = {
    ...base,
    registries: new Map(settings.registries.map(({ resourceId, loginServer }) => [resourceId, loginServer])),
    newId: randomUUID,
  };
  const verifyDeps = { ...base, keys };
  const recordDeps = {
    ...base,
    readReport: readTrivyReport,
    databaseProblem: (database: Parameters<typeof databaseProblem>[0], newest: typeof database | undefined) =>
      databaseProblem(database, {
        now: clock(),
        maxAgeMilliseconds: settings.maxDatabaseAgeMilliseconds,
        ...(newest && { newest }),
      }),
  };
  const { reportUrl } = settings;
  const decideDeps = {
    ...base,
    mode: settings.enforcement,
    link: (key: { readonly registry: string; readonly repository: string; readonly digest: string }) => {
      if (reportUrl === undefined) return [];
      const url = new URL(reportUrl);
      url.searchParams.set('reference', `${key.registry}/${key.repository}@${key.digest}`);
      return [{ title: 'Details', url: url.href }];
    },
  };
  const webhook =
    settings.teamsWebhookUrl === undefined ? undefined : createTeamsWebhook({ url: settings.teamsWebhookUrl, fetch });
  const alertDeps = {
    log,
    clock,
    store: reports,
    sendCard: webhook && ((alert: Parameters<typeof renderAlert>[0]) => webhook(renderAlert(alert))),
  };
  const doorDeps = { ...base, signIn: settings.signIn, registries: new Set(servers), sleep };
  const giveUp = {
    verify: (message: Parameters<typeof giveUpVerify>[0], error: AppError) => giveUpVerify(message, error, verifyDeps),
    scanned: ({ key, scanId }: Parameters<typeof recordScan>[0], error: AppError) =>
      closeScan({ key, scanId, failure: { code: error.code, message: error.message } }, recordDeps),
    decide: async (message: { readonly key: Parameters<typeof decide>[0] }, error: AppError) => {
      await refuse({ where: QUEUES.decide, message, error }, base);
      await giveUpDecide(message.key, error, base);
    },
  };

  return {
    receive: async (event) => {
      const since = clock().toISOString();
      const isRetry = typeof event === 'object' && event !== null && 'v' in event;
      const message = isRetry ? event : { v: MESSAGE_VERSION, attempt: 0, since, event };
      await deliver(
        message,
        {
          queue: QUEUES.registryEvents,
          schema: retriedEventSchema,
          step: async (retried) => receive(parseRegistryEvent(retried.event, clock()), receiveDeps),
          giveUp: (retried, error) => refuse({ where: QUEUES.registryEvents, message: retried.event, error }, base),
        },
        base,
      );
    },
    verify: (message) =>
      deliver(
        message,
        {
          queue: QUEUES.verify,
          schema: verifyRequestSchema,
          step: (m) => verify(m, verifyDeps),
          giveUp: giveUp.verify,
        },
        base,
      ),
    recordScan: (message) =>
      deliver(
        message,
        {
          queue: QUEUES.scanned,
          schema: scannedSchema,
          step: (m) => recordScan(m, recordDeps),
          giveUp: giveUp.scanned,
        },
        base,
      ),
    decide: (message) =>
      deliver(
        message,
        {
          queue: QUEUES.decide,
          schema: decideRequestSchema,
          step: ({ key }) => decide(key, decideDeps),
          giveUp: giveUp.decide,
        },
        base,
      ),
    alert: (message) =>
      deliver(
        message,
        {
          queue: QUEUES.alert,
          schema: alertRequestSchema,
          step: ({ alertId }) => deliverAlert(alertId, alertDeps),
          // There is no other channel to tell it on; the journal keeps it.
          giveUp: ({ alertId }, error) =>
            journal({
              what: 'alert-undelivered',
              who: 'lazaret',
              why: error.code,
              detail: { alertId },
              id: `undelivered-${alertId}`,
            }),
        },
        base,
      ),
    poison: (queue, message) =>
      receivePoison(queue, message, {
        ...base,
        giveUpVerify: giveUp.verify,
        giveUpScanned: giveUp.scanned,
        giveUpDecide: giveUp.decide,
      }),
    verdict: (request) => verdictDoor(request, doorDeps),
    release: (request) => releaseDoor(request, doorDeps),
  };
}
