import { z } from 'zod';
import { type Clock, type Journal, LAZARET } from './effects.js';

/** What verdicts depend on besides their images. */
export const EPOCH_KINDS = ['policy', 'trust', 'database', 'scanner'] as const;
export type EpochKind = (typeof EPOCH_KINDS)[number];

/** Epochs that are remembered. */
const MAX_EPOCHS = 100;
/** The longest name of one, in characters. */
const MAX_NAME = 120;

const epoch = z.object({
  kind: z.enum(EPOCH_KINDS),
  /** A digest, or a version; `from` is absent where nothing is known from before. */
  to: z.string().max(MAX_NAME),
  from: z.string().max(MAX_NAME).optional(),
  at: z.iso.datetime(),
});
export type Epoch = z.infer<typeof epoch>;

/** zod for the epochs of an installation, the last one last. */
export const epochsSchema = z.object({ epochs: z.array(epoch) });
export type EpochState = z.infer<typeof epochsSchema>;

/** Begins an epoch where the value is another than that of the last one of its kind; the same as before where it is not. Pure. */
export function begun(
  before: EpochState | undefined,
  { kind, to, now }: { readonly kind: EpochKind; readonly to: string; readonly now: Date },
): EpochState {
  const epochs = before?.epochs ?? [];
  const last = epochs.findLast((each) => each.kind === kind);
  if (before !== undefined && last?.to === to) return before;
  const next = { kind, to, ...(last !== undefined && { from: last.to }), at: now.toISOString() };
  // The last one of each kind says what is in force, and is kept.
  const current = new Set(EPOCH_KINDS.map((name) => [...epochs, next].findLast((each) => each.kind === name)));
  const old = epochs.filter((each) => !current.has(each)).slice(-(MAX_EPOCHS - current.size));
  return { epochs: [...epochs.filter((each) => current.has(each) || old.includes(each)), next] };
}

/** What {@link createEpochs} needs. */
export interface EpochDeps {
  readonly clock: Clock;
  readonly journal: Journal;
  readonly ledger: {
    updateEpochs: (
      change: (current: EpochState | undefined) => EpochState | undefined,
    ) => Promise<EpochState | undefined>;
  };
}

/** Told of what is in force. */
export type Epochs = (kind: EpochKind, value: string) => Promise<void>;

/** Remembers what is in force, and since when, so that what many verdicts changed by is known. Asks the ledger about news alone. */
export function createEpochs({ clock, journal, ledger }: EpochDeps): Epochs {
  const told = new Map<EpochKind, string>();
  return async (kind, value) => {
    const to = value.slice(0, MAX_NAME);
    if (told.get(kind) === to) return;
    const now = clock();
    const state = await ledger.updateEpochs((current) => begun(current, { kind, to, now }));
    const last = state?.epochs.findLast((each) => each.kind === kind);
    if (last?.at === now.toISOString() && last.from !== undefined) {
      const id = `epoch-${kind}-${last.at}-${to}`;
      await journal({ what: `epoch-${kind}`, who: LAZARET, detail: { from: last.from, to }, id });
    }
    told.set(kind, to);
  };
}

/** The changes of the last two days, newest first: the first of their kind are none. Pure. */
export function recentChanges(state: EpochState | undefined, now: Date): readonly Epoch[] {
  const changes = (state?.epochs ?? []).filter(
    ({ from, at }) => from !== undefined && now.getTime() - new Date(at).getTime() < 48 * 3_600_000,
  );
  return changes.toReversed().slice(0, 10);
}

const WORDS: Readonly<Record<EpochKind, string>> = {
  policy: 'the policy',
  trust: 'the keys that are trusted',
  database: 'the vulnerability database',
  scanner: 'the scanner',
};

/** What has changed, and when, for people. */
export function describeEpoch({ kind, to, from, at }: Epoch): string {
  return `${WORDS[kind]} at ${at}: ${short(from ?? 'nothing')} → ${short(to)}`;
}

/** As much of a digest as people compare. */
function short(name: string): string {
  return name.startsWith('sha256:') ? name.slice(0, 'sha256:'.length + 12) : name;
}
