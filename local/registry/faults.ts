import { z } from 'zod';
import { RegistryError } from './error.js';

/** One scripted fault: the next `times` requests that match get this answer. */
export const faultSchema = z.strictObject({
  method: z.string().optional(),
  /** A regular expression that the decoded path has to match. */
  path: z.string(),
  /** So many requests that match go through first. */
  after: z.number().int().nonnegative().optional(),
  times: z.number().int().positive(),
  status: z.number().int().min(400).max(599),
  code: z.string(),
  retryAfterSeconds: z.number().int().positive().optional(),
});
export type Fault = z.infer<typeof faultSchema>;

/** Answers by script, and by nothing else: the same requests in the same order meet the same faults. */
export function createFaults(script: readonly Fault[]): (method: string, path: string) => void {
  const entries = script.map((fault) => ({ fault, pattern: new RegExp(fault.path), seen: 0 }));
  return (method, path) => {
    for (const entry of entries) {
      const { fault, pattern } = entry;
      if ((fault.method ?? method) !== method || !pattern.test(path)) continue;
      entry.seen += 1;
      const skipped = fault.after ?? 0;
      if (entry.seen <= skipped || entry.seen > skipped + fault.times) continue;
      throw new RegistryError(fault.status, fault.code, {
        ...(fault.retryAfterSeconds !== undefined && { headers: { 'retry-after': String(fault.retryAfterSeconds) } }),
      });
    }
  };
}
