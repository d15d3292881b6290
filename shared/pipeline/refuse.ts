import { digestOf, hexOf } from '../artifact/digest.js';
import { AppError } from '../error/app-error.js';
import { type Clock, type Journal, LAZARET, type Send } from './effects.js';
import { notify } from './notify.js';

/** What {@link refuse} needs. */
export interface RefuseDeps {
  readonly store: {
    createOnce: (container: 'alerts' | 'refused', name: string, bytes: Uint8Array) => Promise<boolean>;
  };
  readonly send: Send;
  readonly clock: Clock;
  readonly journal: Journal;
}

/** What is refused. */
export interface Refused {
  /** The queue or the door that it came by. */
  readonly where: string;
  readonly message: unknown;
  readonly error: unknown;
}

/** The most bytes of a refused message that are kept. */
const MAX_KEPT_BYTES = 1024 * 1024;

/**
 * Keeps something that cannot be processed, tells the journal and the team, and so makes it safe to acknowledge:
 * nothing that arrives is lost without a word.
 */
export async function refuse({ where, message, error }: Refused, deps: RefuseDeps): Promise<void> {
  const bytes = Buffer.from(safeJson(message)).subarray(0, MAX_KEPT_BYTES);
  const name = hexOf(digestOf(bytes));
  const code = error instanceof AppError ? error.code : 'UNEXPECTED';
  const text = (error instanceof Error ? error.message : String(error)).slice(0, 1000);
  await deps.store.createOnce('refused', `${where}/${name}.json`, bytes);
  await deps.journal({
    what: 'refused',
    who: LAZARET,
    why: code,
    detail: { where, kept: `${where}/${name}.json`, message: text },
    id: `refused-${where}-${name}`,
  });
  await notify(
    {
      kind: 'system',
      code,
      title: `Refused on ${where}`,
      message: text,
      facts: [
        { name: 'Kept as', value: `refused/${where}/${name}.json` },
        { name: 'Queue or door', value: where },
      ],
      at: deps.clock().toISOString(),
    },
    ['refused', where, code, name],
    deps,
  );
}

function safeJson(message: unknown): string {
  try {
    return typeof message === 'string' ? message : JSON.stringify(message ?? null);
  } catch {
    return String(message);
  }
}
