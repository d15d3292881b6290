/** What the storage clients throw: an error with the status of the answer; without one, there was no answer. */
export class StorageRefusal extends Error {
  readonly statusCode: number | undefined;

  constructor(statusCode: number | undefined) {
    super(`storage answered ${statusCode ?? 'nothing'}`);
    this.statusCode = statusCode;
  }
}

/** Rejects as the storage clients do. */
export function refusal(statusCode: number): Promise<never> {
  return Promise.reject(new StorageRefusal(statusCode));
}
