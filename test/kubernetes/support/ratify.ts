import { type ChildProcess, spawn } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { z } from 'zod';
import { runCommand } from '../../../shared/trivy/run/run-command.js';
import { tool } from '../../support/go-tool.js';
import { only, type Resource } from './resource.js';

/** Where the chart mounts the key of Cosign. */
const MOUNTED_KEY = '/usr/local/ratify-certs/cosign/cosign.pub';

type Json = Readonly<Record<string, unknown>>;

/** The configuration of Ratify's command line. */
export interface RatifyConfig {
  readonly store: Json;
  readonly verifier: { readonly version: string; readonly plugins: readonly Json[] };
  readonly policy: { readonly version: string; readonly plugin: Json };
}

/**
 * The resources that are installed, as Ratify's command line wants them. It does what Ratify's controllers do, and differs in
 * three things: the registry is asked by HTTP and without Azure's tokens; certificates of a KeyManagementProvider come from a
 * file, since the command line has no such thing; the key lies elsewhere.
 */
export function ratifyConfig(
  resources: readonly Resource[],
  { directory, cosignKey }: { readonly directory: string; readonly cosignKey: string },
): RatifyConfig {
  const store = only(resources, 'Store').spec as { name: string; version: string; parameters: Json };
  const certificates = (names: readonly string[]) =>
    names.map((name) => {
      const { parameters } = only(resources, 'KeyManagementProvider', name).spec as { parameters: { value: string } };
      const file = join(directory, `${name}.crt`);
      writeFileSync(file, parameters.value);
      return file;
    });
  const plugins = resources
    .filter(({ kind }) => kind === 'Verifier')
    .map(({ spec }) => {
      const { parameters, name, artifactTypes } = spec as { name: string; artifactTypes: string; parameters: Json };
      const {
        verificationCertStores: stores,
        key,
        ...others
      } = parameters as {
        verificationCertStores?: { readonly ca: { readonly lazaret: readonly string[] } };
        key?: string;
      };
      return {
        ...others,
        ...(stores !== undefined && { verificationCerts: certificates(stores.ca.lazaret) }),
        ...(key !== undefined && { key: key === MOUNTED_KEY ? cosignKey : key }),
        ...{ name, type: name, artifactTypes },
      };
    });
  const policy = only(resources, 'Policy').spec as { type: string; parameters: Json };
  const parameters = Object.fromEntries(Object.entries(store.parameters).filter(([name]) => name !== 'authProvider'));
  const localCachePath = join(directory, 'cache');
  return {
    store: {
      version: store.version,
      plugins: [{ ...parameters, name: store.name, useHttp: true, localCachePath }],
    },
    verifier: { version: '1.0.0', plugins },
    policy: { version: '1.0.0', plugin: { ...policy.parameters, name: policy.type } },
  };
}

const resultSchema = z.object({
  isSuccess: z.boolean().default(false),
  verifierReports: z
    .array(
      z.object({
        // The reports of a policy of the other kind are flat, and are not looked into.
        verifierReports: z
          .array(
            z.object({
              type: z.string(),
              isSuccess: z.boolean(),
              message: z.string().optional(),
              errorReason: z.string().optional(),
              extensions: z.unknown(),
            }),
          )
          .default([]),
      }),
    )
    .nullish()
    .transform((reports) => reports ?? []),
});

/** What Ratify says: its verdict, and of each verifier that looked at something what it found. */
export interface RatifyVerdict {
  readonly isSuccess: boolean;
  readonly found: readonly { readonly verifier: string; readonly ok: boolean; readonly why: string }[];
}

/** Ratify's home: its configuration, its verifiers, and what it has fetched. */
export async function ratifyHome(directory: string): Promise<{ readonly env: Readonly<Record<string, string>> }> {
  mkdirSync(join(directory, 'plugins'), { recursive: true });
  const plugin = join(directory, 'plugins', 'vulnerabilityreport');
  // Once: a program that is open for writing, in whichever process, cannot be run.
  if (!existsSync(plugin)) copyFileSync(await tool('vulnerabilityreport'), plugin);
  return { env: { HOME: directory, RATIFY_CONFIG: directory } };
}

/**
 * `ratify verify`. Ratify 1.4 and its verifiers, which are processes of their own, read the index of its cache on disk while one of
 * them writes it, once in a while: then a verifier says so, and what it looked at is refused. Whoever deploys tries again, and so do we.
 */
export async function ratifyVerify(reference: string, how: HowToVerify): Promise<RatifyVerdict> {
  for (let tries = 1; ; tries++) {
    const verdict = await verifyOnce(reference, how);
    const isRace = verdict.found.some(({ ok, why }) => !ok && why.includes('could not create local oras cache'));
    if (!isRace || tries === 5) return verdict;
  }
}

interface HowToVerify {
  readonly config: RatifyConfig;
  readonly home: string;
}

async function verifyOnce(reference: string, { config, home }: HowToVerify): Promise<RatifyVerdict> {
  const { env } = await ratifyHome(home);
  const file = join(home, 'config.json');
  writeFileSync(file, JSON.stringify(config));
  const { stdout, stderr } = await runCommand(await tool('ratify'), ['verify', '-c', file, '-s', reference], {
    cwd: home,
    env,
    timeoutMilliseconds: 60_000,
    killAfterMilliseconds: 1000,
    maxOutputBytes: 4 * 1024 * 1024,
  });
  const text = stdout.toString('utf8');
  if (!text.includes('{')) throw new Error(`ratify verify says nothing:\n${stderr}`);
  const { isSuccess, verifierReports } = resultSchema.parse(JSON.parse(text.slice(text.indexOf('{'))));
  const found = verifierReports.flatMap((report) =>
    report.verifierReports.map((result) => ({
      verifier: result.type,
      ok: result.isSuccess,
      why: [result.message, result.errorReason, JSON.stringify(result.extensions)].join(' | '),
    })),
  );
  return { isSuccess, found };
}

/** What a provider of Gatekeeper's external data answers. */
export const providerSchema = z.object({
  response: z.object({
    items: z
      .array(z.object({ key: z.string(), value: z.unknown().optional(), error: z.string().optional() }))
      .nullish()
      .transform((items) => items ?? []),
    systemError: z.string().default(''),
  }),
});

/** Ratify as Gatekeeper asks it, on loopback and without TLS. */
export async function serveRatify(
  config: RatifyConfig,
  home: string,
): Promise<{
  readonly ask: (keys: readonly string[]) => Promise<z.infer<typeof providerSchema>['response']>;
  readonly stop: () => Promise<void>;
}> {
  const { env } = await ratifyHome(home);
  const file = join(home, 'served.json');
  writeFileSync(file, JSON.stringify(config));
  const address = `127.0.0.1:${await freePort()}`;
  const child: ChildProcess = spawn(await tool('ratify'), ['serve', '--http', address, '-c', file], {
    cwd: home,
    env,
    stdio: 'ignore',
  });
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const ask = async (keys: readonly string[]) => {
    const answer = await fetch(`http://${address}/ratify/gatekeeper/v1/verify`, {
      method: 'POST',
      body: JSON.stringify({ kind: 'ProviderRequest', request: { keys } }),
    });
    return providerSchema.parse(await answer.json()).response;
  };
  for (let attempt = 0; ; attempt += 1) {
    if (await ask([]).catch(() => undefined)) break;
    if (attempt > 100 || child.exitCode !== null) throw new Error('ratify serve does not answer');
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return {
    ask,
    stop: () => {
      child.kill('SIGKILL');
      return exited;
    },
  };
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}

/** What each look of a verifier came to. */
export const by = (verdict: RatifyVerdict, verifier: string) =>
  verdict.found.filter((each) => each.verifier === verifier).map(({ ok }) => ok);

/** Why a verifier has refused. */
export const why = (verdict: RatifyVerdict, verifier: string) =>
  verdict.found
    .filter((each) => each.verifier === verifier && !each.ok)
    .map((each) => each.why)
    .join('\n');
