import type { Handler } from '../../web/node-adapter.js';
import type { FunctionMetadata, Invoke } from '../protocol.js';
import { type AdminOptions, createAdminDoor } from './admin.js';
import { eventGridDoor } from './event-grid-door.js';
import { createHttpDoor } from './http-door.js';

/** What {@link createDoors} needs. */
export interface DoorOptions {
  /** Those that are not disabled. */
  readonly functions: readonly FunctionMetadata[];
  readonly invoke: Invoke;
  readonly routePrefix: string;
  readonly admin: AdminOptions;
}

/** The HTTP side of the host: the app's own routes, Event Grid's webhook, and the admin API. */
export function createDoors({ functions, invoke, routePrefix, admin }: DoorOptions): Handler {
  const http = createHttpDoor(functions, invoke, routePrefix);
  const adminDoor = createAdminDoor(admin);
  return async (request) => {
    const { pathname } = new URL(request.url);
    if (pathname.toLowerCase() === '/runtime/webhooks/eventgrid') return eventGridDoor(request, functions, invoke);
    return (await adminDoor(request)) ?? (await http(request)) ?? new Response(null, { status: 404 });
  };
}
