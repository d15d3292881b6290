import { randomUUID } from 'node:crypto';
import type { LoginServer } from './artifact/login-server.js';
import { type ArtifactKey, formatKey } from './artifact/reference.js';
import type { AppError } from './error/app-error.js';
import type { Ledger } from './ledger/ledger.js';
import type { Alert, ImageAlert } from './message/alert.js';
import type { SignIn } from './message/principal.js';
import {
  MESSAGE_VERSION,
  alertRequestSchema,
  decideRequestSchema,
  retriedEventSchema,
  scannedSchema,
  sweepRequestSchema,
  verifyRequestSchema,
} from './message/queue-message.js';
import { QUEUES, type QueueName } from './message/queue-name.js';
import { parseRegistryEvent } from './message/registry-event.js';
import { accept } from './pipeline/accept.js';
import type { Retention } from './pipeline/coverage.js';
import { deliverAlert, giveUpAlert } from './pipeline/alert.js';
import { createBrake } from './pipeline/brake.js';
import { askChannel } from './pipeline/card-cap.js';
import { decide } from './pipeline/decide.js';
import { giveUpDecide } from './pipeline/give-up-decide.js';
import { deliver } from './pipeline/deliver.js';
import { type Clock, type Journal, type Log, type Send } from './pipeline/effects.js';
import {
  type DoorRequest,
  type DoorResponse,
  coverageDoor,
  brakeDoor,
  insistDoor,
  letGoDoor,
  reconcileDoor,
  releaseDoor,
  verdictDoor,
} from './pipeline/http-doors.js';
import { createEpochs } from './pipeline/epoch.js';
import { detailsLink } from './pipeline/link.js';
import { verifyNowDoor } from './pipeline/verify-door.js';
import type { AskAuthorities } from './pipeline/judge-signatures.js';
import { explainDoor, policyDiffDoor } from './pipeline/policy-doors.js';
import { receivePoison } from './pipeline/poison.js';
import { rebuildDoor } from './pipeline/rebuild-door.js';
import { receive, receiveFound } from './pipeline/receive.js';
import { type Reconciled, reconcile } from './pipeline/reconcile.js';
import { closeScan, recordScan } from './pipeline/record-scan.js';
import { refuse } from './pipeline/refuse.js';
import { giveUpVerify, verify } from './pipeline/verify.js';
import { COMMON_CHANNEL } from './policy/channel.js';
import { matchRule } from './policy/match.js';
import type { EnforcementMode } from './policy/operation.js';
import type { Policy } from './policy/policy.js';
import { type Reserved, isReserved } from './policy/reserved.js';
import { cachedEvidence } from './registry/cached-evidence.js';
import type { RegistryClient } from './registry/registry-client.js';
import type { ReportStore } from './report/report-store.js';
import type { TrustMaterial } from './signature/material.js';
import { databaseProblem } from './trivy/database/check-database.js';
import { readTrivyReport } from './trivy/report/read-report.js';

/** The steps, each bound to its services. */
export interface App {
  /** One event from Event Grid, in either envelope. */
  readonly accept: (event: unknown) => Promise<void>;
  /** One event from its queue: as Event Grid wrote it, accepted by us, or tried again. */
  readonly receive: (event: unknown) => Promise<void>;
  /** One manifest that a sweep found. */
  readonly receiveSweep: (message: unknown) => Promise<void>;
  readonly verify: (message: unknown) => Promise<void>;
  readonly verifySweep: (message: unknown) => Promise<void>;
  readonly recordScan: (message: unknown) => Promise<void>;
  readonly decide: (message: unknown) => Promise<void>;
  readonly alert: (message: unknown) => Promise<void>;
  readonly poison: (queue: QueueName, message: unknown) => Promise<void>;
  readonly verdict: (request: DoorRequest) => Promise<DoorResponse>;
  readonly release: (request: DoorRequest) => Promise<DoorResponse>;
  readonly coverage: (request: DoorRequest) => Promise<DoorResponse>;
  readonly reconcileNow: (request: DoorRequest) => Promise<DoorResponse>;
  readonly rebuildLedger: (request: DoorRequest) => Promise<DoorResponse>;
  readonly insist: (request: DoorRequest) => Promise<DoorResponse>;
  readonly brake: (request: DoorRequest) => Promise<DoorResponse>;
  readonly letGo: (request: DoorRequest) => Promise<DoorResponse>;
  readonly explain: (request: DoorRequest) => Promise<DoorResponse>;
  readonly verifyNow: (request: DoorRequest) => Promise<DoorResponse>;
  readonly policyDiff: (request: DoorRequest) => Promise<DoorResponse>;
  readonly reconcile: () => Promise<Reconciled>;
}

/** The services that the steps stand on, and what they are told. */
export interface Services {
  readonly clock: Clock;
  readonly sleep: (milliseconds: number) => Promise<void>;
  readonly log: Log;
  readonly send: Send;
  readonly journal: Journal;
  readonly ledger: Ledger;
  readonly registry: RegistryClient;
  readonly reports: ReportStore;
  /** Undefined where no channel is configured. */
  readonly sendCard: ((alert: Alert, channel: string) => Promise<void>) | undefined;
  /** All channels of cards. */
  readonly channels: readonly string[];
  /** For each channel. */
  readonly maxCardsPerHour: number;
  readonly policy: Policy;
  readonly material: TrustMaterial;
  readonly askAuthorities: AskAuthorities;
  readonly registries: readonly { readonly resourceId: string; readonly loginServer: LoginServer }[];
  readonly mode: EnforcementMode;
  readonly signIn: SignIn;
  readonly reportUrl: string | undefined;
  readonly maxDatabaseAgeMilliseconds: number;
  readonly queueLength: (queue: QueueName) => Promise<number>;
  /** Whether a receiver would find a message now. */
  readonly isWaiting: (queue: QueueName) => Promise<boolean>;
  readonly reconcileCallsPerMinute: number;
  /** Beyond it the brake is on; undefined for the default. */
  readonly maxNewQuarantinesPerHour: number | undefined;
  /** Repositories that are never enforced beyond marks. */
  readonly reserved: readonly Reserved[];
  readonly readRetention: (resourceId: string) => Promise<Retention>;
}

/** Binds every step to its services. */
export function bindSteps(services: Services): App {
  const { clock, log, send, journal, ledger, registry, reports, policy } = services;
  const servers = services.registries.map(({ loginServer }) => loginServer);
  const base = {
    ...{ clock, log, send, journal, ledger, registry, reports, policy, store: reports },
    isReserved: (key: ArtifactKey) => isReserved(services.reserved, key),
  };
  const receiveDeps = {
    ...base,
    registries: new Map(services.registries.map(({ resourceId, loginServer }) => [resourceId, loginServer])),
    newId: randomUUID,
  };
  const epochs = createEpochs(base);
  const verifyDeps = {
    ...base,
    registry: cachedEvidence(registry, { clock }),
    material: services.material,
    askAuthorities: services.askAuthorities,
  };
  const recordDeps = {
    ...base,
    epochs,
    readReport: readTrivyReport,
    databaseProblem: (database: Parameters<typeof databaseProblem>[0], newest: typeof database | undefined) =>
      databaseProblem(database, {
        now: clock(),
        maxAgeMilliseconds: services.maxDatabaseAgeMilliseconds,
        ...(newest && { newest }),
      }),
  };
  const { reportUrl } = services;
  const decideDeps = {
    ...base,
    mode: services.mode,
    brake: createBrake({ ...base, limit: services.maxNewQuarantinesPerHour }),
    link: (key: ArtifactKey) => detailsLink(reportUrl, formatKey(key)),
  };
  const alertDeps = {
    ...base,
    sendCard: services.sendCard,
    channelOf: (alert: Alert) =>
      alert.kind === 'image'
        ? (matchRule(policy, alert.key).rule.channel ?? COMMON_CHANNEL)
        : (alert.channel ?? COMMON_CHANNEL),
    takeCard: (channel: string, alert: ImageAlert) =>
      askChannel(channel, alert, { ledger, clock, cap: services.maxCardsPerHour }),
  };
  const reconcileDeps = {
    ...base,
    epochs,
    channels: services.channels,
    reportUrl,
    mode: services.mode,
    servers,
    newId: randomUUID,
    sleep: services.sleep,
    queueLength: services.queueLength,
    isWaiting: services.isWaiting,
    callsPerMinute: services.reconcileCallsPerMinute,
    registries: receiveDeps.registries,
    readRetention: services.readRetention,
  };
  const doorDeps = {
    ...base,
    limit: services.maxNewQuarantinesPerHour,
    signIn: services.signIn,
    registries: new Set(servers),
    sleep: services.sleep,
    reconcile: reconcileDeps,
  };
  const policyDoorDeps = { ...doorDeps, material: services.material, mode: services.mode };
  const giveUp = {
    verify: (message: Parameters<typeof giveUpVerify>[0], error: AppError) => giveUpVerify(message, error, verifyDeps),
    scanned: ({ key, scanId }: Parameters<typeof recordScan>[0], error: AppError) =>
      closeScan({ key, scanId, failure: { code: error.code, message: error.message } }, recordDeps),
    decide: async (message: { readonly key: Parameters<typeof decide>[0] }, error: AppError) => {
      await refuse({ where: QUEUES.decide, message, error }, base);
      await giveUpDecide(message.key, error, base);
    },
  };

  const verifyFrom = (queue: QueueName) => (message: unknown) =>
    deliver(
      message,
      { queue, schema: verifyRequestSchema, step: (m) => verify(m, verifyDeps), giveUp: giveUp.verify },
      base,
    );

  return {
    accept: (event) => accept(event, receiveDeps),
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
    receiveSweep: (message) =>
      deliver(
        message,
        {
          queue: QUEUES.sweep,
          schema: sweepRequestSchema,
          step: (found) => receiveFound(found, receiveDeps),
          giveUp: (found, error) => refuse({ where: QUEUES.sweep, message: found, error }, base),
        },
        base,
      ),
    verify: verifyFrom(QUEUES.verify),
    verifySweep: verifyFrom(QUEUES.verifySweep),
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
          // A try that follows another may have to undo what that one did.
          step: ({ key, deadline, attempt }) => decide(key, decideDeps, { deadline: deadline && attempt === 0 }),
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
          giveUp: ({ alertId }, error) => giveUpAlert(alertId, error, alertDeps),
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
    coverage: (request) => coverageDoor(request, doorDeps),
    insist: (request) => insistDoor(request, doorDeps),
    brake: (request) => brakeDoor(request, doorDeps),
    letGo: (request) => letGoDoor(request, doorDeps),
    rebuildLedger: (request) => rebuildDoor(request, { ...reconcileDeps, signIn: services.signIn }),
    explain: (request) => explainDoor(request, policyDoorDeps),
    verifyNow: (request) => verifyNowDoor(request, { ...verifyDeps, ...doorDeps }),
    policyDiff: (request) => policyDiffDoor(request, policyDoorDeps),
    reconcileNow: (request) => reconcileDoor(request, doorDeps),
    reconcile: () => reconcile(reconcileDeps),
  };
}
