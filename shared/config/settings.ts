import { z } from 'zod';
import { type LoginServer, parseLoginServer } from '../artifact/login-server.js';
import { type Problem, ProblemsError } from '../error/app-error.js';
import { CHANNEL_NAME, COMMON_CHANNEL } from '../policy/channel.js';
import type { Reserved } from '../policy/reserved.js';
import { readReserved } from './reserved.js';

/** How to reach Azure Storage. */
export type StorageSettings =
  | { readonly kind: 'connection-string'; readonly connectionString: string }
  | {
      readonly kind: 'identity';
      readonly queueServiceUri: string;
      readonly blobServiceUri: string;
      readonly tableServiceUri: string | undefined;
    };

/** What the function app and the scan job both need. */
export interface CommonSettings {
  readonly registries: readonly { readonly resourceId: string; readonly loginServer: LoginServer }[];
  readonly storage: StorageSettings;
  /** `anonymous` is for the local environment; in Azure it is a managed identity. */
  readonly identity:
    { readonly kind: 'anonymous' } | { readonly kind: 'managed' | 'developer'; readonly clientId: string | undefined };
}

/** The function app's settings. */
export interface AppSettings extends CommonSettings {
  readonly enforcement: 'observe' | 'enforce';
  readonly policyFile: string;
  /** By channel, the common one among them; empty where there are to be no cards. */
  readonly teamsWebhookUrls: ReadonlyMap<string, string>;
  /** For each channel; what comes beyond is told together. */
  readonly maxCardsPerHour: number;
  readonly signIn: 'entra' | 'local' | 'closed';
  readonly reportUrl: string | undefined;
  readonly maxDatabaseAgeMilliseconds: number;
  readonly reconcileCallsPerMinute: number;
  /** Undefined: the larger of ten and two of a hundred known digests. */
  readonly maxNewQuarantinesPerHour: number | undefined;
  /** Never enforced beyond marks. */
  readonly reserved: readonly Reserved[];
  /** Azure Resource Manager. */
  readonly resourceManager: URL;
  /** Hosts on private addresses that may be asked whether a certificate is revoked. */
  readonly revocationHosts: readonly string[];
}

/** The scan job's settings. */
export interface JobSettings extends CommonSettings {
  readonly trivyPath: string;
  /** An OCI reference or `directory:PATH`. */
  readonly database: string;
  readonly javaDatabase: string | undefined;
  readonly maxDatabaseAgeMilliseconds: number;
  readonly maxImageBytes: number;
  readonly scanTimeoutSeconds: number;
  readonly concurrency: number;
  readonly lingerMilliseconds: number;
  readonly pollMilliseconds: number;
  readonly leaseSeconds: number;
  readonly caFile: string | undefined;
  readonly workDirectory: string;
}

/** Environment variables. */
export type Environment = Readonly<Record<string, string | undefined>>;

const integer = (least: number, most: number) => z.coerce.number().int().min(least).max(most);
const uri = z.url({ protocol: /^https$/ });
const resourceId = z
  .string()
  .regex(
    /^\/subscriptions\/[^/]+\/resourceGroups\/[^/]+\/providers\/Microsoft\.ContainerRegistry\/registries\/[a-z0-9]+$/i,
  );

const json = z.string().transform((text, context): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    context.addIssue({ code: 'custom', message: 'is not JSON' });
    return z.NEVER;
  }
});
const registryList = json.pipe(
  z
    .array(z.strictObject({ resourceId, loginServer: z.string() }))
    .min(1)
    .max(50),
);
const webhooks = json.pipe(
  z
    .record(z.string().regex(CHANNEL_NAME), z.url({ protocol: /^https?$/ }))
    .refine(
      (record) => Object.keys(record).length <= 200 && !(COMMON_CHANNEL in record),
      `at most 200 channels, none of them named ${COMMON_CHANNEL}`,
    ),
);
const hostList = json.pipe(z.array(z.string().regex(/^[A-Za-z0-9.-]{1,253}(?::\d{1,5})?$/)).max(50));
const reservedList = json.pipe(z.array(z.string().max(400)).max(200));

const common = {
  LAZARET_REGISTRIES: registryList,
  LAZARET_STORAGE: z.string().min(1).optional(),
  LAZARET_STORAGE__queueServiceUri: uri.optional(),
  LAZARET_STORAGE__blobServiceUri: uri.optional(),
  LAZARET_STORAGE__tableServiceUri: uri.optional(),
  LAZARET_STORAGE__clientId: z.string().optional(),
  LAZARET_IDENTITY: z.enum(['managed', 'developer', 'anonymous']).default('managed'),
  LAZARET_DATABASE_MAX_AGE_HOURS: integer(1, 876_000).default(72),
};

const appSchema = z.object({
  ...common,
  LAZARET_ENFORCEMENT: z.enum(['observe', 'enforce']).default('observe'),
  LAZARET_POLICY: z.string().min(1).default('policy/policy.yaml'),
  LAZARET_TEAMS_WEBHOOK_URL: z.url({ protocol: /^https?$/ }).optional(),
  LAZARET_TEAMS_WEBHOOK_URLS: webhooks.default({}),
  LAZARET_MAX_CARDS_PER_HOUR: integer(1, 1000).default(30),
  LAZARET_SIGN_IN: z.enum(['entra', 'local', 'closed']).default('entra'),
  LAZARET_REPORT_URL: z.url({ protocol: /^https?$/ }).optional(),
  LAZARET_RECONCILE_CALLS_PER_MINUTE: integer(10, 10_000).default(300),
  LAZARET_MAX_NEW_QUARANTINES_PER_HOUR: integer(1, 1_000_000).optional(),
  LAZARET_RESERVED_REPOSITORIES: reservedList.default([]),
  LAZARET_JOB_IMAGE: z.string().min(1).optional(),
  LAZARET_DATABASE: z.string().min(1).optional(),
  LAZARET_JAVA_DATABASE: z.string().min(1).optional(),
  LAZARET_REVOCATION_HOSTS: hostList.default([]),
  LAZARET_RESOURCE_MANAGER: uri.default('https://management.azure.com'),
});

const jobSchema = z.object({
  ...common,
  LAZARET_TRIVY: z.string().min(1).default('/usr/local/bin/trivy'),
  LAZARET_DATABASE: z.string().min(1).default('ghcr.io/aquasecurity/trivy-db:2'),
  LAZARET_JAVA_DATABASE: z.string().min(1).optional(),
  LAZARET_MAX_IMAGE_BYTES: integer(1, 2 ** 43).default(10 * 1024 ** 3),
  LAZARET_SCAN_TIMEOUT_SECONDS: integer(5, 7200).default(600),
  LAZARET_SCAN_CONCURRENCY: integer(1, 64).default(2),
  LAZARET_LINGER_SECONDS: z.coerce.number().min(0).max(3600).default(60),
  LAZARET_POLL_MILLISECONDS: integer(50, 60_000).default(1000),
  LAZARET_LEASE_SECONDS: integer(5, 3600).default(60),
  LAZARET_CA_FILE: z.string().optional(),
  LAZARET_WORK_DIRECTORY: z.string().min(1).default('/tmp/lazaret'),
});

/** The names of all settings, for the comparison with the sample file and with the infrastructure. */
export const APP_SETTING_NAMES: readonly string[] = Object.keys(appSchema.shape);
export const JOB_SETTING_NAMES: readonly string[] = Object.keys(jobSchema.shape);

/** Reads the function app's settings. Throws {@link ProblemsError} `SETTINGS_INVALID` with every mistake at once. */
export function loadAppSettings(env: Environment): AppSettings {
  const { values, problems } = read(appSchema, env);
  // A header that anybody can send is believed on a developer's machine only.
  const inAzure = env['WEBSITE_SITE_NAME'] !== undefined || env['WEBSITE_INSTANCE_ID'] !== undefined;
  if (inAzure && env['LAZARET_SIGN_IN'] === 'local') {
    problems.push({ path: 'LAZARET_SIGN_IN', message: '"local" is refused in Azure' });
  }
  const shared = readCommon(values, env, { problems, tables: true });
  const reserved = values && shared ? reservedOf(values, shared, problems) : [];
  if (values && Object.keys(values.LAZARET_TEAMS_WEBHOOK_URLS).length > 0 && !values.LAZARET_TEAMS_WEBHOOK_URL) {
    const message = "is not set; what is no team's in particular, and what a team's channel refuses, goes there";
    problems.push({ path: 'LAZARET_TEAMS_WEBHOOK_URL', message });
  }
  if (values === undefined || shared === undefined || problems.length > 0) throw invalid(problems);
  return Object.freeze({
    ...shared,
    enforcement: values.LAZARET_ENFORCEMENT,
    policyFile: values.LAZARET_POLICY,
    teamsWebhookUrls: channelsOf(values),
    maxCardsPerHour: values.LAZARET_MAX_CARDS_PER_HOUR,
    signIn: isSignInOff(env) ? 'closed' : values.LAZARET_SIGN_IN,
    reportUrl: values.LAZARET_REPORT_URL,
    reconcileCallsPerMinute: values.LAZARET_RECONCILE_CALLS_PER_MINUTE,
    maxNewQuarantinesPerHour: values.LAZARET_MAX_NEW_QUARANTINES_PER_HOUR,
    reserved,
    resourceManager: new URL(values.LAZARET_RESOURCE_MANAGER),
    revocationHosts: values.LAZARET_REVOCATION_HOSTS,
    maxDatabaseAgeMilliseconds: values.LAZARET_DATABASE_MAX_AGE_HOURS * 3_600_000,
  });
}

function channelsOf({
  LAZARET_TEAMS_WEBHOOK_URL: url,
  LAZARET_TEAMS_WEBHOOK_URLS: urls,
}: z.infer<typeof appSchema>): ReadonlyMap<string, string> {
  return new Map([...(url === undefined ? [] : [[COMMON_CHANNEL, url] as const]), ...Object.entries(urls)]);
}

function reservedOf(
  {
    LAZARET_RESERVED_REPOSITORIES: list,
    LAZARET_JOB_IMAGE,
    LAZARET_DATABASE,
    LAZARET_JAVA_DATABASE,
  }: z.infer<typeof appSchema>,
  { registries }: CommonSettings,
  problems: Problem[],
): readonly Reserved[] {
  const named = { LAZARET_JOB_IMAGE, LAZARET_DATABASE, LAZARET_JAVA_DATABASE };
  return readReserved(
    { list, named },
    registries.map(({ loginServer }) => loginServer),
    problems,
  );
}

/** Reads the scan job's settings. Throws {@link ProblemsError} `SETTINGS_INVALID` with every mistake at once. */
export function loadJobSettings(env: Environment): JobSettings {
  const { values, problems } = read(jobSchema, env);
  const shared = readCommon(values, env, { problems, tables: false });
  if (values === undefined || shared === undefined || problems.length > 0) throw invalid(problems);
  return Object.freeze({
    ...shared,
    trivyPath: values.LAZARET_TRIVY,
    database: values.LAZARET_DATABASE,
    javaDatabase: values.LAZARET_JAVA_DATABASE,
    maxDatabaseAgeMilliseconds: values.LAZARET_DATABASE_MAX_AGE_HOURS * 3_600_000,
    maxImageBytes: values.LAZARET_MAX_IMAGE_BYTES,
    scanTimeoutSeconds: values.LAZARET_SCAN_TIMEOUT_SECONDS,
    concurrency: values.LAZARET_SCAN_CONCURRENCY,
    lingerMilliseconds: values.LAZARET_LINGER_SECONDS * 1000,
    pollMilliseconds: values.LAZARET_POLL_MILLISECONDS,
    leaseSeconds: values.LAZARET_LEASE_SECONDS,
    caFile: values.LAZARET_CA_FILE,
    workDirectory: values.LAZARET_WORK_DIRECTORY,
  });
}

/**
 * Azure tells an app whether its sign-in is on. Where it is off nobody strips the header that we read, and anybody could send
 * it. https://learn.microsoft.com/azure/app-service/reference-app-settings#authentication--authorization
 */
function isSignInOff(env: Environment): boolean {
  return (env['WEBSITE_AUTH_ENABLED'] ?? '').toLowerCase() === 'false';
}

function read<T>(
  schema: z.ZodType<T>,
  env: Environment,
): { readonly values: T | undefined; readonly problems: Problem[] } {
  // An empty setting is how portals show one that is not set.
  const set = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined && value !== ''));
  const result = schema.safeParse(set);
  const problems = (result.error?.issues ?? []).map(({ path, message }) => ({
    path: path.map(String).join('.'),
    message: set[String(path[0])] === undefined ? 'is not set' : message,
  }));
  return { values: result.data, problems };
}

type CommonValues = z.infer<z.ZodObject<typeof common>>;

function readCommon(
  values: CommonValues | undefined,
  env: Environment,
  { problems, tables }: { readonly problems: Problem[]; readonly tables: boolean },
): CommonSettings | undefined {
  const connectionString = env['LAZARET_STORAGE'] ?? '';
  const uris = [
    env['LAZARET_STORAGE__queueServiceUri'],
    env['LAZARET_STORAGE__blobServiceUri'],
    ...(tables ? [env['LAZARET_STORAGE__tableServiceUri']] : []),
  ];
  if (connectionString === '' && uris.some((value) => (value ?? '') === '')) {
    const needed = `LAZARET_STORAGE__queueServiceUri, __blobServiceUri${tables ? ' and __tableServiceUri' : ''}`;
    problems.push({ path: 'LAZARET_STORAGE', message: `is not set; nor are all of ${needed}` });
  }
  if (values === undefined) return undefined;
  const registries = values.LAZARET_REGISTRIES.flatMap((entry, index) => {
    try {
      return [{ resourceId: entry.resourceId.toLowerCase(), loginServer: parseLoginServer(entry.loginServer) }];
    } catch {
      problems.push({ path: `LAZARET_REGISTRIES.${index}.loginServer`, message: 'is not a login server' });
      return [];
    }
  });
  const { LAZARET_IDENTITY: kind, LAZARET_STORAGE__clientId: clientId } = values;
  return {
    registries,
    storage:
      connectionString !== ''
        ? { kind: 'connection-string', connectionString }
        : {
            kind: 'identity',
            queueServiceUri: values.LAZARET_STORAGE__queueServiceUri ?? '',
            blobServiceUri: values.LAZARET_STORAGE__blobServiceUri ?? '',
            tableServiceUri: values.LAZARET_STORAGE__tableServiceUri,
          },
    identity: kind === 'anonymous' ? { kind } : { kind, clientId },
  };
}

function invalid(problems: readonly Problem[]): ProblemsError {
  return new ProblemsError('SETTINGS_INVALID', 'the settings cannot be used:', problems);
}
