import type { Handler } from '../web/node-adapter.js';
import type { InvocationResponse, RegisteredFunction } from './core-module.js';
import type { Invoke } from './invoke.js';

const MAX_BODY_BYTES = 1024 * 1024;

/** The HTTP side of the host: functions with an HTTP trigger, Event Grid's webhook, and two admin routes. */
export function createDoors(functions: readonly RegisteredFunction[], invoke: Invoke, routePrefix: string): Handler {
  return async (request) => {
    const { pathname } = new URL(request.url);
    if (pathname.toLowerCase() === '/runtime/webhooks/eventgrid') return eventGridDoor(request, functions, invoke);
    if (pathname === '/admin/host/ping') return new Response(null, { status: 200 });
    if (pathname === '/admin/functions') return Response.json(functions.map(({ name }) => ({ name })));
    const prefix = routePrefix === '' ? '/' : `/${routePrefix}/`;
    const target = pathname.startsWith(prefix)
      ? findHttp(functions, pathname.slice(prefix.length), request.method)
      : undefined;
    return target === undefined ? new Response(null, { status: 404 }) : httpDoor(request, target, invoke);
  };
}

function findHttp(
  functions: readonly RegisteredFunction[],
  route: string,
  method: string,
): RegisteredFunction | undefined {
  return functions.find((candidate) => {
    const trigger = Object.values(candidate.bindings).find(({ type }) => type === 'httpTrigger');
    const methods = trigger?.methods ?? ['GET', 'POST'];
    return (
      trigger !== undefined &&
      (trigger.route ?? candidate.name).toLowerCase() === route.toLowerCase() &&
      methods.some((allowed) => allowed.toUpperCase() === method)
    );
  });
}

async function httpDoor(request: Request, target: RegisteredFunction, invoke: Invoke): Promise<Response> {
  const url = new URL(request.url);
  const body = Buffer.from(await request.arrayBuffer());
  if (body.byteLength > MAX_BODY_BYTES) return new Response(null, { status: 413 });
  const wrap = (pairs: Iterable<readonly [string, string]>) =>
    Object.fromEntries([...pairs].map(([name, value]) => [name, { value }]));
  try {
    const response = await invoke(target, {
      input: {
        http: {
          url: url.href,
          method: request.method,
          ...(body.byteLength > 0 && { body: { bytes: body } }),
          nullableHeaders: wrap(request.headers),
          nullableQuery: wrap(url.searchParams),
          nullableParams: {},
        },
      },
      reason: 'This function was programmatically called via the host APIs.',
    });
    return toResponse(response);
  } catch {
    return new Response(null, { status: 500 });
  }
}

function toResponse({ returnValue }: InvocationResponse): Response {
  const http = returnValue?.http;
  const body = http?.body?.bytes ?? http?.body?.string ?? http?.body?.json;
  const status = Number(http?.statusCode ?? 204);
  return new Response(
    status === 204 || body === undefined ? null : (body as NonNullable<ConstructorParameters<typeof Response>[0]>),
    {
      status,
      headers: { ...http?.headers },
    },
  );
}

/** https://github.com/Azure/azure-sdk-for-net (HttpRequestProcessor of the Event Grid extension). */
async function eventGridDoor(
  request: Request,
  functions: readonly RegisteredFunction[],
  invoke: Invoke,
): Promise<Response> {
  const name = new URL(request.url).searchParams.get('functionName') ?? '';
  const target = functions.find(
    (candidate) =>
      candidate.name.toLowerCase() === name.toLowerCase() &&
      Object.values(candidate.bindings).some(({ type }) => type === 'eventGridTrigger'),
  );
  if (target === undefined) return new Response(`cannot find function: '${name}'`, { status: 404 });
  if (request.method === 'OPTIONS') {
    return new Response(null, { status: 200, headers: { 'webhook-allowed-origin': 'eventgrid.azure.net' } });
  }
  const kind = request.headers.get('aeg-event-type');
  if (kind === 'Unsubscribe') return new Response(null, { status: 202 });
  const body = await request.json().catch(() => undefined);
  const events: readonly unknown[] = Array.isArray(body) ? (body as unknown[]) : [body];
  if (kind === 'SubscriptionValidation') {
    const [first] = events as readonly { readonly data?: { readonly validationCode?: string } }[];
    return Response.json({ validationResponse: first?.data?.validationCode });
  }
  if (kind !== 'Notification' || body === undefined) return new Response(null, { status: 400 });
  const invoked = await Promise.allSettled(
    events.map((event) =>
      invoke(target, {
        input: { json: JSON.stringify(event) },
        triggerMetadata: {
          data: { json: JSON.stringify((event as { readonly data?: unknown } | null)?.data ?? null) },
        },
        reason: 'EventGrid trigger fired',
      }),
    ),
  );
  // One failure, and the whole batch comes again.
  return new Response(null, { status: invoked.some(({ status }) => status === 'rejected') ? 500 : 202 });
}
