import { type FunctionMetadata, type Invoke, messageOf, triggerOf } from '../protocol.js';

interface Validation {
  readonly data?: unknown;
}

/**
 * Event Grid's webhook: both handshakes, one invocation for each event of a notification, all at once; one failure, and
 * the whole delivery comes again. What cannot be read is a 500, as an exception is in the real host.
 * https://github.com/Azure/azure-sdk-for-net/tree/main/sdk/eventgrid/Microsoft.Azure.WebJobs.Extensions.EventGrid
 * (EventGridExtensionConfigProvider, HttpRequestProcessor)
 */
export async function eventGridDoor(
  request: Request,
  functions: readonly FunctionMetadata[],
  invoke: Invoke,
): Promise<Response> {
  const name = new URL(request.url).searchParams.get('functionName') ?? '';
  const target = functions.find(
    (candidate) =>
      candidate.name.toLowerCase() === name.toLowerCase() && triggerOf(candidate)?.type === 'eventGridTrigger',
  );
  if (target === undefined) return new Response(`cannot find function: '${name}'`, { status: 404 });
  // https://github.com/cloudevents/spec/blob/v1.0/http-webhook.md#4-abuse-protection
  if (request.method === 'OPTIONS') {
    return new Response(null, { status: 200, headers: { 'webhook-allowed-origin': 'eventgrid.azure.net' } });
  }
  try {
    switch ((request.headers.get('aeg-event-type') ?? '').toLowerCase()) {
      case 'subscriptionvalidation':
        return Response.json({ validationResponse: validationCode(await request.json()) });
      case 'notification':
        return await notify(await request.json(), target, invoke);
      case 'unsubscribe':
        return new Response(null, { status: 202 });
      default:
        return new Response(null, { status: 400 });
    }
  } catch (error) {
    return new Response(messageOf(error), { status: 500 });
  }
}

/** In the CloudEvents schema the data is JSON within JSON. */
function validationCode(body: unknown): string {
  const data = Array.isArray(body)
    ? (body as readonly Validation[])[0]?.data
    : (JSON.parse(String((body as Validation).data)) as unknown);
  const code = (data as { readonly validationCode?: unknown } | undefined)?.validationCode;
  if (typeof code !== 'string') throw new Error('a handshake without a validation code');
  return code;
}

async function notify(body: unknown, target: FunctionMetadata, invoke: Invoke): Promise<Response> {
  if (typeof body !== 'object' || body === null) throw new Error('neither an event nor an array of events');
  const events: readonly unknown[] = Array.isArray(body) ? (body as unknown[]) : [body];
  const invoked = await Promise.allSettled(
    events.map((event) => {
      const { data } = (event ?? {}) as { readonly data?: unknown };
      return invoke(target, {
        input: { json: JSON.stringify(event) },
        triggerMetadata: { data: { json: JSON.stringify(data ?? null) } },
        reason: 'EventGrid trigger fired',
      });
    }),
  );
  const failed = invoked.find((outcome) => outcome.status === 'rejected');
  return failed === undefined
    ? new Response(null, { status: 202 })
    : new Response(messageOf(failed.reason), { status: 500 });
}
