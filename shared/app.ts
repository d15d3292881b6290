import { setTimeout as sleep } from 'node:timers/promises';
import { loadPolicy } from './config/load-policy.js';
import { type Environment, loadAppSettings } from './config/settings.js';
import { connectStorage, createCredential } from './connect.js';
import { createJournal } from './ledger/journal.js';
import { createLedger } from './ledger/ledger.js';
import { createLog } from './log.js';
import { createIsWaiting, createQueueLength, createSend, ensureQueues } from './queue/queues.js';
import { createHttp } from './net/http.js';
import { createRegistryClient } from './registry/registry-client.js';
import { createRetentionReader } from './registry/retention-api.js';
import { createReportStore } from './report/report-store.js';
import { type App, bindSteps } from './steps.js';
import { renderAlert } from './teams/render.js';
import { createTeamsWebhook } from './teams/webhook.js';

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
  const credential = createCredential(settings);
  const storage = connectStorage(settings.storage, credential);
  const ledger = createLedger(storage.table('ledger'));
  const journalTable = storage.table('journal');
  const reports = createReportStore(storage.blobs);
  await Promise.all([ledger.ensure(), journalTable.createTable(), reports.ensure(), ensureQueues(storage.queues)]);
  // What is older than this moment was in the registries before us.
  await ledger.installedAt(clock());
  const url = settings.teamsWebhookUrl;
  const webhook = url === undefined ? undefined : createTeamsWebhook({ url, fetch });
  return bindSteps({
    clock,
    sleep,
    log: createLog(write, clock),
    send: createSend(storage.queues),
    journal: createJournal(journalTable, clock),
    ledger,
    reports,
    registry: createRegistryClient({
      fetch,
      clock,
      sleep,
      registries: settings.registries.map(({ loginServer }) => loginServer),
      credential: credential === undefined ? { kind: 'anonymous' } : { kind: 'entra', credential },
    }),
    sendCard: webhook && ((alert) => webhook(renderAlert(alert))),
    policy,
    keys,
    registries: settings.registries,
    mode: settings.enforcement,
    signIn: settings.signIn,
    reportUrl: settings.reportUrl,
    maxDatabaseAgeMilliseconds: settings.maxDatabaseAgeMilliseconds,
    queueLength: createQueueLength(storage.queues),
    isWaiting: createIsWaiting(storage.queues),
    reconcileCallsPerMinute: settings.reconcileCallsPerMinute,
    maxNewQuarantinesPerHour: settings.maxNewQuarantinesPerHour,
    reserved: settings.reserved,
    readRetention: createRetentionReader({
      http: createHttp({ fetch, sleep }),
      resourceManager: settings.resourceManager,
      credential,
    }),
  });
}
