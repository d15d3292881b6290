import { randomUUID } from 'node:crypto';
import { type Invoke, messageOf } from './protocol.js';
import type { WorkerChannel } from './worker/worker-channel.js';

/** Builds {@link Invoke} on a worker. Logs each invocation in the real host's words (its FunctionInstanceLogger). */
export function createInvoke(channel: Pick<WorkerChannel, 'invoke'>, write: (line: string) => void): Invoke {
  return async ({ name }, invocation) => {
    const id = randomUUID();
    const started = performance.now();
    const took = () => `Id=${id}, Duration=${Math.round(performance.now() - started)}ms`;
    write(`Executing 'Functions.${name}' (Reason='${invocation.reason}', Id=${id})`);
    try {
      const response = await channel.invoke(id, name, invocation);
      write(`Executed 'Functions.${name}' (Succeeded, ${took()})`);
      return response;
    } catch (error) {
      write(`Executed 'Functions.${name}' (Failed, ${took()}) ${JSON.stringify(messageOf(error))}`);
      throw error;
    }
  };
}
