import { type FunctionMetadata, type Invoke, type InvocationResponse, triggerOf } from '../protocol.js';
import { type Segment, matchRoute, parseRoute } from './route.js';

const MAX_BODY_BYTES = 1024 * 1024;

interface Door {
  readonly target: FunctionMetadata;
  readonly segments: readonly Segment[];
  readonly methods: readonly string[];
}

/**
 * Functions with an HTTP trigger, by route and method. Undefined is the answer to what none of them serves, an unknown
 * method included. https://learn.microsoft.com/azure/azure-functions/functions-bindings-http-webhook-trigger
 */
export function createHttpDoor(functions: readonly FunctionMetadata[], invoke: Invoke, routePrefix: string) {
  const prefix = routePrefix === '' ? '/' : `/${routePrefix}/`;
  const doors = functions
    .flatMap((target): readonly Door[] => {
      const trigger = triggerOf(target);
      if (trigger?.type !== 'httpTrigger') return [];
      const methods = (trigger.methods ?? ['GET', 'POST']).map((method) => method.toUpperCase());
      return [{ target, segments: parseRoute(trigger.route ?? target.name), methods }];
    })
    // A literal stands before a parameter, as in ASP.NET's routing.
    .toSorted((a, b) => parameters(a.segments) - parameters(b.segments));
  return async (request: Request): Promise<Response | undefined> => {
    const { pathname } = new URL(request.url);
    if (!pathname.toLowerCase().startsWith(prefix.toLowerCase())) return undefined;
    for (const { target, segments, methods } of doors) {
      const params = matchRoute(segments, pathname.slice(prefix.length));
      if (params !== undefined && methods.includes(request.method)) return open(request, { target, params }, invoke);
    }
    return undefined;
  };
}

function parameters(segments: readonly Segment[]): number {
  return segments.filter(({ kind }) => kind === 'parameter').length;
}

async function open(
  request: Request,
  { target, params }: { readonly target: FunctionMetadata; readonly params: Readonly<Record<string, string>> },
  invoke: Invoke,
): Promise<Response> {
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
          nullableParams: wrap(Object.entries(params)),
        },
      },
      reason: 'This function was programmatically called via the host APIs.',
    });
    return toResponse(response);
  } catch {
    return new Response(null, { status: 500 });
  }
}

function toResponse({ http }: InvocationResponse): Response {
  const body = http?.body?.bytes ?? http?.body?.string ?? http?.body?.json;
  const status = Number(http?.statusCode ?? 204);
  return new Response(
    status === 204 || body === undefined ? null : (body as NonNullable<ConstructorParameters<typeof Response>[0]>),
    { status, headers: { ...http?.headers } },
  );
}
