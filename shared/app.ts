import { setTimeout as sleep } from 'node:timers/promises';
import type { LoginServer } from './artifact/login-server.js';
import { loadPolicy } from './config/load-policy.js';
import { type Environment, loadAppSettings } from './config/settings.js';
import { connectStorage, createCredential } from './connect.js';
import { AppError, ProblemsError } from './error/app-error.js';
import type { Policy } from './policy/policy.js';
import { createJournal } from './ledger/journal.js';
import { createLedger } from './ledger/ledger.js';
import { createLog } from './log.js';
import { sourcesOf } from './pipeline/requirement.js';
import { openLedger } from './pipeline/loss.js';
import { createIsWaiting, createQueueLength, createSend, ensureQueues } from './queue/queues.js';
import { createKeyReader } from './key-vault/read-key.js';
import { createHttp } from './net/http.js';
import { createRegistryClient } from './registry/registry-client.js';
import { createRetentionReader } from './registry/retention-api.js';
import { createRevocationFetcher } from './revocation/fetch-answers.js';
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
  const credential = createCredential(settings);
  const http = createHttp({ fetch, sleep });
  const { policy, material } = await loadPolicy(settings.policyFile, {
    readVaultKey: createKeyReader({ http, credential }),
  });
  refuseUnknownChannels(policy, settings.teamsWebhookUrls);
  refuseUnknownSources(
    policy,
    settings.registries.map(({ loginServer }) => loginServer),
  );
  const storage = connectStorage(settings.storage, credential);
  const ledger = createLedger(storage.table('ledger'));
  const journalTable = storage.table('journal');
  const reports = createReportStore(storage.blobs);
  await Promise.all([ledger.ensure(), journalTable.createTable(), reports.ensure(), ensureQueues(storage.queues)]);
  // What is older than this moment was in the registries before us.
  await openLedger({ clock, ledger, store: reports });
  const log = createLog(write, clock);
  const webhooks = new Map(
    [...settings.teamsWebhookUrls].map(([channel, url]) => [channel, createTeamsWebhook({ url, fetch })]),
  );
  return bindSteps({
    clock,
    sleep,
    log,
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
    sendCard:
      webhooks.size === 0
        ? undefined
        : async (alert, channel) => {
            const webhook = webhooks.get(channel);
            // Settings and policy have been compared at start; a stored alert may be older than both.
            if (webhook === undefined) throw new AppError('NO_CHANNEL', `no webhook is set for the channel ${channel}`);
            await webhook(renderAlert(alert));
          },
    channels: [...webhooks.keys()],
    maxCardsPerHour: settings.maxCardsPerHour,
    policy,
    material,
    askAuthorities: createRevocationFetcher({ clock, allowedHosts: new Set(settings.revocationHosts) }),
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
      http,
      resourceManager: settings.resourceManager,
      credential,
    }),
  });
}

/** A card that goes nowhere is a report that nobody reads. Throws `POLICY_INVALID`. */
function refuseUnknownChannels({ rules }: Policy, urls: ReadonlyMap<string, string>): void {
  const problems = rules.flatMap(({ channel }, index) =>
    channel === undefined || urls.has(channel)
      ? []
      : [{ path: `rules[${index}].channel`, message: `${channel} is not in LAZARET_TEAMS_WEBHOOK_URLS` }],
  );
  if (problems.length > 0) throw new ProblemsError('POLICY_INVALID', 'the policy cannot be used:', problems);
}

/** No token goes to a registry that is not configured, so nothing can be looked for there. Throws `POLICY_INVALID`. */
function refuseUnknownSources({ rules }: Policy, registries: readonly LoginServer[]): void {
  const problems = rules.flatMap(({ signature }, index) =>
    signature === undefined
      ? []
      : sourcesOf(signature)
          .filter(({ registry }) => !registries.includes(registry))
          .map(({ registry }) => ({
            path: `rules[${index}].signature.signaturesFrom`,
            message: `${registry} is not in LAZARET_REGISTRIES`,
          })),
  );
  if (problems.length > 0) throw new ProblemsError('POLICY_INVALID', 'the policy cannot be used:', problems);
}
