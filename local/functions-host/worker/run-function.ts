import type { Invocation, InvocationResponse } from '../protocol.js';
import type { ProgrammingModel, RegisteredFunction } from './core-module.js';

/** One invocation of one function. */
export interface Run extends Invocation {
  readonly id: string;
  readonly target: RegisteredFunction;
}

/**
 * Runs a function by way of the library's own invocation model, as the worker does. Rejects with what the function threw,
 * and where it asks for something that is not served: an output, or a cookie.
 * https://github.com/Azure/azure-functions-nodejs-worker/blob/v4.x/src/eventHandlers/InvocationHandler.ts
 */
export async function runFunction(
  { id, target, input, triggerMetadata }: Run,
  model: ProgrammingModel,
  write: (line: string) => void,
): Promise<InvocationResponse> {
  const triggerName = Object.entries(target.bindings).find(([, { type }]) => /trigger$/i.test(type))?.[0] ?? '';
  const invocation = model.getInvocationModel({
    invocationId: id,
    request: {
      invocationId: id,
      functionId: target.name,
      inputData: [{ name: triggerName, data: input }],
      ...(triggerMetadata && { triggerMetadata }),
      traceContext: { traceParent: '', traceState: '', attributes: {} },
    },
    metadata: { name: target.name, bindings: target.bindings },
    state: 'invocation',
    log: (level: string, _category: string, message: string) => write(`${level} ${target.name}: ${message}`),
  });
  const { context, inputs } = await invocation.getArguments();
  const result = await invocation.invokeFunction(context, inputs, target.callback);
  const { outputData = [], returnValue } = await invocation.getResponse(context, result);
  if (outputData.length > 0) throw new Error('the local host does not serve outputs');
  const http = returnValue?.http;
  if (http === undefined) return {};
  if ((http.cookies ?? []).length > 0) throw new Error('the local host does not serve cookies');
  const { statusCode, headers, body } = http;
  return {
    http: {
      ...(statusCode !== undefined && { statusCode }),
      ...(headers && { headers }),
      ...(body && { body }),
    },
  };
}
