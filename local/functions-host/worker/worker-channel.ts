import type { FunctionMetadata, Invocation, InvocationResponse } from '../protocol.js';
import type { Wait } from '../../wait.js';
import type { WorkerConnection } from './worker-connection.js';

/** What {@link createWorkerChannel} needs. */
export interface WorkerChannelOptions {
  readonly connect: () => WorkerConnection;
  /** How long one invocation may take, in milliseconds; undefined is for ever. Asked at each invocation. */
  readonly functionTimeoutMilliseconds: () => number | undefined;
  readonly wait: Wait;
  readonly write: (line: string) => void;
  /** Called whenever a worker is ready, the first one included. */
  readonly onReady?: (pid: number) => void;
}

/** The one worker of a host, whichever process that is at the moment. */
export interface WorkerChannel {
  /** Resolves when a worker is ready. Rejects where workers end before they are, as long as none was. */
  readonly ready: () => Promise<readonly FunctionMetadata[]>;
  /** Waits for a worker, and rejects where the function fails, times out, or its worker dies. */
  readonly invoke: (id: string, name: string, invocation: Invocation) => Promise<InvocationResponse>;
  /** Resolves when no worker is started any more, because none becomes ready. */
  readonly gone: Promise<Error>;
  readonly stop: () => Promise<void>;
}

interface Pending {
  readonly resolve: (response: InvocationResponse) => void;
  readonly reject: (error: Error) => void;
}

interface Worker {
  readonly connection: WorkerConnection;
  readonly pending: Map<string, Pending>;
  functions: readonly FunctionMetadata[] | undefined;
  refusal: string | undefined;
  /** It takes no more: it has ended, or we end it. */
  closed: boolean;
  /** We end it, so its end says nothing about it. */
  retired: boolean;
}

const FIRST_BACKOFF_MILLISECONDS = 250;
const MAX_BACKOFF_MILLISECONDS = 10_000;
const MAX_FAILED_STARTS = 3;
const STOP_MILLISECONDS = 5000;

/**
 * Keeps a worker running. When it dies, every invocation on it fails and another one is started: at once after a first
 * death, later with a backoff that a successful invocation resets. An invocation that takes too long fails, and takes its
 * worker with it.
 * https://github.com/Azure/azure-functions-host (RpcFunctionInvocationDispatcher, WebScriptHostExceptionHandler)
 */
export function createWorkerChannel(options: WorkerChannelOptions): WorkerChannel {
  const { wait, write } = options;
  const stopping = new AbortController();
  const stopped = () => stopping.signal.aborted;
  let deaths = 0;
  let failedStarts = 0;
  let current: Worker | undefined;
  let available: PromiseWithResolvers<Worker>;
  const gone = Promise.withResolvers<Error>();
  const renew = () => {
    available = Promise.withResolvers<Worker>();
    // Whoever asks hears of it; nobody has to.
    available.promise.catch(() => undefined);
  };
  renew();

  const start = (): Worker => {
    const connection = options.connect();
    const worker: Worker = {
      connection,
      pending: new Map(),
      functions: undefined,
      refusal: undefined,
      closed: false,
      retired: false,
    };
    connection.onMessage((message) => {
      switch (message.kind) {
        case 'ready':
          worker.functions = message.functions;
          failedStarts = 0;
          options.onReady?.(connection.pid);
          available.resolve(worker);
          return;
        case 'refused':
          worker.refusal = message.message;
          return;
        case 'done':
          deaths = 0;
          worker.pending.get(message.id)?.resolve(message.response);
          return;
        case 'failed':
          // A function that throws is a worker that works.
          deaths = 0;
          worker.pending.get(message.id)?.reject(new Error(message.message));
      }
    });
    return worker;
  };
  const retire = (worker: Worker) => {
    if (worker.closed) return;
    worker.closed = true;
    worker.retired = true;
    renew();
    worker.connection.kill();
  };
  const supervise = async (): Promise<void> => {
    while (!stopped()) {
      const worker = start();
      current = worker;
      const how = await worker.connection.exited;
      const { retired } = worker;
      worker.closed = true;
      for (const { reject } of worker.pending.values()) reject(new Error(`the worker process ended (${how})`));
      if (stopped()) return;
      if (worker.functions === undefined) {
        failedStarts += 1;
        write(`error host: the worker process ended (${how}) before it was ready`);
        if (worker.refusal !== undefined || failedStarts >= MAX_FAILED_STARTS) {
          const reason = new Error(worker.refusal ?? `no worker process starts (${how})`);
          available.reject(reason);
          gone.resolve(reason);
          return;
        }
      } else if (!retired) {
        renew();
        write(`error host: the worker process ended (${how}); starting another one`);
      }
      if (!retired) {
        deaths += 1;
        if (deaths > 1) await wait(backoff(deaths - 1), stopping.signal);
      }
    }
  };
  const supervising = supervise();

  return {
    ready: async () => (await available.promise).functions ?? [],
    gone: gone.promise,
    invoke: async (id, name, invocation) => {
      let worker = await available.promise;
      while (worker.closed) worker = await available.promise;
      const settled = new AbortController();
      const { promise, resolve, reject } = Promise.withResolvers<InvocationResponse>();
      worker.pending.set(id, { resolve, reject });
      const limit = options.functionTimeoutMilliseconds();
      if (limit !== undefined) {
        void wait(limit, settled.signal).then(() => {
          if (settled.signal.aborted) return;
          reject(new Error(`Timeout value of ${limit} ms was exceeded by function: Functions.${name}`));
          worker.pending.delete(id);
          write(`error host: a function timeout has occurred; restarting the worker process that runs ${id}`);
          retire(worker);
        });
      }
      worker.connection.send({ kind: 'invoke', id, name, invocation });
      try {
        return await promise;
      } finally {
        worker.pending.delete(id);
        settled.abort();
      }
    },
    stop: async () => {
      stopping.abort();
      const ending = current?.connection;
      if (ending === undefined) return;
      ending.send({ kind: 'stop' });
      const asked = new AbortController();
      void wait(STOP_MILLISECONDS, asked.signal).then(() => {
        if (!asked.signal.aborted) ending.kill();
      });
      await supervising;
      asked.abort();
    },
  };
}

function backoff(deaths: number): number {
  return Math.min(FIRST_BACKOFF_MILLISECONDS * 2 ** (deaths - 1), MAX_BACKOFF_MILLISECONDS);
}
