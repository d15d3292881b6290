/** A value as it crosses between the host and its worker: the forms of the host's own protocol that are used here. */
export type TypedData =
  | { readonly string: string }
  | { readonly json: string }
  | { readonly bytes: Uint8Array }
  | { readonly http: HttpData };

/** An HTTP request on its way in. */
export interface HttpData {
  readonly url: string;
  readonly method: string;
  readonly body?: TypedData;
  readonly nullableHeaders: Readonly<Record<string, { readonly value: string }>>;
  readonly nullableQuery: Readonly<Record<string, { readonly value: string }>>;
  readonly nullableParams: Readonly<Record<string, { readonly value: string }>>;
}

/** One binding as the library registers it. */
export interface Binding {
  readonly type: string;
  readonly direction: 'in' | 'out';
  readonly queueName?: string;
  readonly connection?: string;
  readonly schedule?: string;
  readonly runOnStartup?: boolean;
  readonly useMonitor?: boolean;
  readonly methods?: readonly string[];
  readonly authLevel?: string;
  readonly route?: string;
}

/** A function as the host knows it: what it is called, and what it is bound to. */
export interface FunctionMetadata {
  readonly name: string;
  readonly bindings: Readonly<Record<string, Binding>>;
  /** Where the app asked for the host to run it again after a failure. */
  readonly retryOptions?: unknown;
}

/** What triggers an invocation. */
export interface Invocation {
  /** The trigger's own value. */
  readonly input: TypedData;
  readonly triggerMetadata?: Readonly<Record<string, TypedData>>;
  /** For the log: why it runs. */
  readonly reason: string;
}

/** What an invocation ends with. */
export interface InvocationResponse {
  readonly http?: {
    readonly statusCode?: string | number;
    readonly headers?: Readonly<Record<string, string>>;
    readonly body?: { readonly bytes?: Uint8Array; readonly string?: string; readonly json?: string };
  };
}

/** Runs a function, and rejects where it fails, for whatever reason. */
export type Invoke = (target: FunctionMetadata, invocation: Invocation) => Promise<InvocationResponse>;

/** From the host to its worker. */
export type ToWorker =
  | { readonly kind: 'invoke'; readonly id: string; readonly name: string; readonly invocation: Invocation }
  | { readonly kind: 'stop' };

/** From the worker to its host. */
export type FromWorker =
  | { readonly kind: 'ready'; readonly functions: readonly FunctionMetadata[] }
  | { readonly kind: 'refused'; readonly message: string }
  | { readonly kind: 'done'; readonly id: string; readonly response: InvocationResponse }
  | { readonly kind: 'failed'; readonly id: string; readonly message: string };

/** The one trigger of a function. */
export function triggerOf({ bindings }: FunctionMetadata): Binding | undefined {
  return Object.values(bindings).find(({ type }) => /trigger$/i.test(type));
}

/** The message of whatever was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
