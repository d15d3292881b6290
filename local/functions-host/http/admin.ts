import { hostname } from 'node:os';
import type { FunctionMetadata, Invocation } from '../protocol.js';

/** What {@link createAdminDoor} needs. */
export interface AdminOptions {
  readonly functions: readonly FunctionMetadata[];
  readonly hostId: string;
  /** The version that the status shows. */
  readonly version: string;
  /** What a function's trigger makes of the text that a person hands it; undefined where it makes nothing of any. */
  readonly toInvocation: (target: FunctionMetadata, input: string) => Promise<Invocation> | undefined;
  readonly run: (target: FunctionMetadata, invocation: Invocation) => void;
  readonly uptimeMilliseconds: () => number;
}

/**
 * The part of the host's admin API that is here: ping, status, the list of functions, and running one of them. No key is
 * asked for, as under Core Tools.
 * https://github.com/Azure/azure-functions-host (HostController, FunctionsController)
 */
export function createAdminDoor(options: AdminOptions) {
  return async (request: Request): Promise<Response | undefined> => {
    const { pathname } = new URL(request.url);
    const path = pathname.toLowerCase();
    const get = request.method === 'GET';
    if (path === '/admin/host/ping' && (get || request.method === 'POST')) return new Response(null, { status: 200 });
    if (path === '/admin/host/status' && get) return Response.json(status(options));
    if (path === '/admin/functions' && get) return Response.json(options.functions.map(({ name }) => ({ name })));
    const name = /^\/admin\/functions\/([^/]+)$/.exec(path)?.[1];
    if (name === undefined) return undefined;
    const target = options.functions.find((known) => known.name.toLowerCase() === decodeURIComponent(name));
    if (request.method === 'POST') return runFunction(request, target, options);
    return get && target !== undefined ? Response.json({ name: target.name }) : undefined;
  };
}

function status({ hostId, version, uptimeMilliseconds }: AdminOptions) {
  return {
    id: hostId,
    state: 'Running',
    version,
    versionDetails: `${version} local`,
    instanceId: String(process.pid),
    computerName: hostname(),
    processUptime: Math.round(uptimeMilliseconds()),
  };
}

/** Answers before the function has run, whatever comes of it. */
async function runFunction(
  request: Request,
  target: FunctionMetadata | undefined,
  options: AdminOptions,
): Promise<Response> {
  // A page in a browser cannot send this type to another origin without asking first.
  const type = request.headers.get('content-type') ?? '';
  if (!/^application\/json\b/i.test(type)) return new Response(null, { status: 415 });
  const body = (await request.json().catch(() => undefined)) as { readonly input?: unknown } | null | undefined;
  if (typeof body !== 'object' || body === null) return new Response(null, { status: 400 });
  if (target === undefined) return new Response(null, { status: 404 });
  const { input = '' } = body;
  const invocation = options.toInvocation(target, typeof input === 'string' ? input : JSON.stringify(input));
  if (invocation === undefined) {
    return new Response('the local host runs functions of queues, timers and Event Grid', { status: 400 });
  }
  options.run(target, await invocation);
  return new Response(null, { status: 202 });
}
