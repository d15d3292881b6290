import { randomUUID } from 'node:crypto';
import type { InvocationResponse, ProgrammingModel, RegisteredFunction, TypedData } from './core-module.js';

/** What triggers an invocation. */
export interface Invocation {
  /** The trigger's own value. */
  readonly input: TypedData;
  readonly triggerMetadata?: Readonly<Record<string, TypedData>>;
  /** For the log: why it runs. */
  readonly reason: string;
}

/** Runs functions by way of the library's own invocation model. */
export type Invoke = (target: RegisteredFunction, invocation: Invocation) => Promise<InvocationResponse>;

/** Builds {@link Invoke}. Rejects with what the function threw, after logging it as the host does. */
export function createInvoke(model: () => ProgrammingModel, write: (line: string) => void): Invoke {
  return async (target, { input, triggerMetadata, reason }) => {
    const invocationId = randomUUID();
    const triggerName = Object.entries(target.bindings).find(([, { type }]) => /trigger$/i.test(type))?.[0] ?? '';
    const coreContext = {
      invocationId,
      request: {
        invocationId,
        functionId: target.name,
        inputData: [{ name: triggerName, data: input }],
        ...(triggerMetadata && { triggerMetadata }),
        traceContext: { traceParent: '', traceState: '', attributes: {} },
      },
      metadata: { name: target.name, bindings: target.bindings },
      state: 'invocation',
      log: (level: string, _category: string, message: string) => write(`${level} ${target.name}: ${message}`),
    };
    const started = performance.now();
    const took = () => `Id=${invocationId}, Duration=${Math.round(performance.now() - started)}ms`;
    write(`Executing 'Functions.${target.name}' (Reason='${reason}', Id=${invocationId})`);
    try {
      const invocation = model().getInvocationModel(coreContext);
      const { context, inputs } = await invocation.getArguments();
      const result = await invocation.invokeFunction(context, inputs, target.callback);
      const response = await invocation.getResponse(context, result);
      write(`Executed 'Functions.${target.name}' (Succeeded, ${took()})`);
      return response;
    } catch (error) {
      const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
      write(`Executed 'Functions.${target.name}' (Failed, ${took()}) ${JSON.stringify(message)}`);
      throw error;
    }
  };
}
