import Module from 'node:module';
import type { FunctionMetadata } from '../protocol.js';

/** A registered function, as the worker holds it. */
export interface RegisteredFunction extends FunctionMetadata {
  readonly callback: (...args: readonly unknown[]) => unknown;
}

/** The part of `@azure/functions` that runs an invocation. */
export interface InvocationModel {
  readonly getArguments: () => Promise<{ readonly context: unknown; readonly inputs: unknown[] }>;
  readonly invokeFunction: (
    context: unknown,
    inputs: unknown[],
    callback: RegisteredFunction['callback'],
  ) => Promise<unknown>;
  readonly getResponse: (context: unknown, result: unknown) => Promise<LibraryResponse>;
}

/** What the library makes of a result. */
export interface LibraryResponse {
  readonly outputData?: readonly { readonly name: string; readonly data: unknown }[];
  readonly returnValue?: {
    readonly http?: {
      readonly statusCode?: string | number;
      readonly headers?: Readonly<Record<string, string>>;
      readonly cookies?: readonly unknown[];
      readonly body?: { readonly bytes?: Uint8Array; readonly string?: string; readonly json?: string };
    };
  };
}

/** The library's own model, as it hands itself over. */
export interface ProgrammingModel {
  readonly getInvocationModel: (coreContext: unknown) => InvocationModel;
  readonly getCapabilities: (capabilities: Record<string, string>) => Promise<Readonly<Record<string, string>>>;
}

/** What the app has registered. */
export interface Registrations {
  readonly functions: readonly RegisteredFunction[];
  readonly model: () => ProgrammingModel;
  /** Ends the time in which functions may register. */
  readonly lock: () => void;
}

/**
 * Stands in for the module that a Functions worker provides, so that the real `@azure/functions` library registers with
 * us. It has to be there before the library is first used: the library remembers that it was not.
 * https://github.com/Azure/azure-functions-nodejs-worker/blob/v4.x/src/setupCoreModule.ts
 */
export function provideCoreModule(log: (level: string, message: string) => void): Registrations {
  const functions: RegisteredFunction[] = [];
  let model: ProgrammingModel | undefined;
  let locked = false;
  const disposable = { dispose: () => undefined };
  const core = {
    version: '4.0.0-local',
    hostVersion: '4.34.0-local',
    Disposable: class {
      dispose(): void {
        // Nothing is held.
      }
    },
    registerHook: (name: string) => {
      throw new Error(`the local host does not serve the hook ${name}`);
    },
    setProgrammingModel: (given: ProgrammingModel) => {
      model = given;
    },
    getProgrammingModel: () => model,
    log: (level: string, _category: string, message: string) => log(level, message),
    registerFunction: (
      { name, bindings, retryOptions }: FunctionMetadata,
      callback: RegisteredFunction['callback'],
    ) => {
      if (locked) throw new Error('A function can only be registered during app startup.');
      if (functions.some((known) => known.name.toLowerCase() === name.toLowerCase())) {
        throw new Error(`Two functions are named ${name}.`);
      }
      functions.push({ name, bindings, callback, ...(retryOptions !== undefined && { retryOptions }) });
      return disposable;
    },
  };
  const prototype = Module.prototype as unknown as { require: (this: unknown, id: string) => unknown };
  const original = prototype.require;
  prototype.require = function require(id) {
    return id === '@azure/functions-core' ? core : original.call(this, id);
  };
  return {
    functions,
    lock: () => {
      locked = true;
    },
    model: () => {
      if (model === undefined) throw new Error('The app does not use @azure/functions.');
      return model;
    },
  };
}
