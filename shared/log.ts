import type { Log } from './pipeline/effects.js';

/** Writes log lines as JSON, one object a line: whatever a value holds, it cannot start another line. */
export function createLog(write: (line: string) => void, clock: () => Date): Log {
  return (level, event, fields = {}) => {
    write(JSON.stringify({ at: clock().toISOString(), level, event, ...fields }));
  };
}
