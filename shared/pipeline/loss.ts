import { z } from 'zod';
import { AppError } from '../error/app-error.js';
import { type Clock, type Journal, LAZARET } from './effects.js';
import { type NotifyDeps, notify } from './notify.js';
import { RECORDS, type RecordStore, parseRecordName } from './record.js';

/** Whether the ledger holds what it once held: one row for the whole installation. */
export const conditionSchema = z.object({
  /** `lost`: it was found empty where records tell of digests that it knew. */
  state: z.enum(['whole', 'lost']),
  /** Since when. */
  at: z.iso.datetime(),
  /** When the team was told. */
  toldAt: z.iso.datetime().optional(),
});

/** The row of {@link conditionSchema}. */
export type LedgerCondition = z.infer<typeof conditionSchema>;

/** Reads records, and what else stands beside them. */
export interface RecordReader extends RecordStore {
  readonly readNamed: (container: 'quarantine', name: string, maxBytes: number) => Promise<Uint8Array | undefined>;
  readonly listNamed: (
    container: 'quarantine',
    options: { readonly prefix: string; readonly after?: string | undefined; readonly max: number },
  ) => Promise<{ readonly names: readonly string[]; readonly next: string | undefined }>;
}

/** What is needed to tell whether the ledger was lost. */
export interface ConditionDeps {
  readonly clock: Clock;
  readonly store: RecordReader;
  readonly ledger: {
    installedAt: (now: Date) => Promise<Date>;
    updateCondition: (
      change: (current: LedgerCondition | undefined) => LedgerCondition | undefined,
    ) => Promise<LedgerCondition | undefined>;
  };
}

const INSTALLATION = 'installation.json';
const installationSchema = z.object({ at: z.iso.datetime() });
const DISCARDS = 'discards/';
const MAX_NOTE_BYTES = 16_384;
/** As many names as the service gives at once. */
const PAGE = 5000;

/**
 * Called at every start, before any step: remembers when this installation began, in the ledger and beside it, so that it is
 * known even to a ledger that begins anew; and notices such a one, before anything is recorded that it could be taken for.
 */
export async function openLedger(deps: ConditionDeps): Promise<void> {
  await restoreInstallation(deps);
  await conditionOf(deps);
}

/** The earliest time that ledger or blob know; what was in a registry before that was there before us. */
export async function restoreInstallation({ clock, store, ledger }: ConditionDeps): Promise<void> {
  const bytes = await store.readNamed('quarantine', INSTALLATION, MAX_NOTE_BYTES);
  const noted = bytes && readNote(bytes);
  const at = await ledger.installedAt(noted ?? clock());
  if (bytes === undefined) {
    await store.createOnce('quarantine', INSTALLATION, Buffer.from(JSON.stringify({ at: at.toISOString() })));
  }
}

function readNote(bytes: Uint8Array): Date | undefined {
  try {
    return new Date(installationSchema.parse(JSON.parse(Buffer.from(bytes).toString('utf8'))).at);
  } catch {
    return undefined;
  }
}

/** Whether the ledger is whole. One that says nothing of it is new, unless there are records from before. */
export async function conditionOf({ clock, store, ledger }: ConditionDeps): Promise<LedgerCondition> {
  const known = await ledger.updateCondition((current) => current);
  if (known !== undefined) return known;
  const at = clock().toISOString();
  const found: LedgerCondition = { state: (await hasRecords(store)) ? 'lost' : 'whole', at };
  // Who came first may have written records since.
  return (await ledger.updateCondition((current) => current ?? found)) ?? found;
}

/** Since when records count (RFC 3339): what is older, somebody has given up. */
export async function discardedAt(store: RecordReader): Promise<string> {
  let last = '';
  for await (const name of namesOf(store, DISCARDS)) {
    const at = name.slice(DISCARDS.length, -'.json'.length);
    if (z.iso.datetime().safeParse(at).success && at > last) last = at;
  }
  return last;
}

async function hasRecords(store: RecordReader): Promise<boolean> {
  const since = await discardedAt(store);
  for await (const name of namesOf(store, RECORDS)) {
    const named = parseRecordName(name);
    if (named !== undefined && named.at > since) return true;
  }
  return false;
}

async function* namesOf(store: RecordReader, prefix: string): AsyncGenerator<string> {
  for (let after: string | undefined, first = true; first || after !== undefined; first = false) {
    const { names, next } = await store.listNamed('quarantine', { prefix, after, max: PAGE });
    yield* names;
    after = next;
  }
}

/** What {@link refuseIfLost} needs. */
export interface RefuseIfLostDeps extends ConditionDeps {
  readonly journal: Journal;
  readonly send: NotifyDeps['send'];
  readonly store: RecordReader & NotifyDeps['store'];
}

/**
 * A sweep would judge everything anew, and tell it. Throws `LEDGER_LOST` until the ledger has been rebuilt, or the records
 * are given up; tells the team once.
 */
export async function refuseIfLost(deps: RefuseIfLostDeps): Promise<void> {
  const { state, at, toldAt } = await conditionOf(deps);
  if (state === 'whole') return;
  if (toldAt === undefined) {
    await deps.journal({ what: 'ledger-lost', who: LAZARET, id: `ledger-lost-${at}` });
    await notify(
      {
        kind: 'system',
        code: 'LEDGER_LOST',
        title: 'The ledger was lost: nothing is swept until it has been rebuilt',
        message:
          'The table is empty, and the quarantine records tell of images that it knew. New pushes are judged as ever; sweeps ' +
          'wait. Rebuild it: npx lazaret rebuild-ledger --endpoint https://….',
        facts: [{ name: 'Found empty', value: at }],
        at,
      },
      ['ledger-lost', at],
      deps,
    );
    const now = deps.clock().toISOString();
    await deps.ledger.updateCondition((current) => (current?.at === at ? { ...current, toldAt: now } : current));
  }
  throw new AppError('LEDGER_LOST', 'the ledger was lost: run npx lazaret rebuild-ledger');
}

/** The ledger holds what can be had again, or what is missing is given up. */
export async function declareWhole({ clock, ledger }: Pick<ConditionDeps, 'clock' | 'ledger'>): Promise<void> {
  const at = clock().toISOString();
  await ledger.updateCondition((current) => (current?.state === 'whole' ? current : { state: 'whole', at }));
}

/** A person gives up all records so far: what is in the registries is judged anew. Journalled first. */
export async function discardRecords(
  { by, reason }: { readonly by: string; readonly reason: string },
  deps: ConditionDeps & { readonly journal: Journal },
): Promise<void> {
  const at = deps.clock().toISOString();
  await deps.journal({ what: 'records-discarded', who: by, why: reason });
  await deps.store.createOnce('quarantine', `${DISCARDS}${at}.json`, Buffer.from(JSON.stringify({ at, by, reason })));
  await declareWhole(deps);
}
