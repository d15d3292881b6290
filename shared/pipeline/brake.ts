import { z } from 'zod';
import type { ArtifactKey } from '../artifact/reference.js';
import type { Decision } from '../policy/decision.js';
import { type Clock, type Journal, LAZARET } from './effects.js';
import type { Cause, LedgerEntry } from './entry.js';
import { type Epoch, type EpochDeps, describeEpoch, recentChanges } from './epoch.js';
import { type NotifyDeps, notify } from './notify.js';
import { counted, describeTally, merged, tallySchema } from './tally.js';
import { ofLastHour, stepOf, totalOf } from './window.js';

const count = z.number().int().nonnegative();
const time = z.iso.datetime();

/** What the brake remembers: one row for the whole installation. */
export const brakeSchema = z.object({
  /** New quarantines of the last hour, in steps of five minutes: what changed, and the findings that they fail by. */
  recent: z.array(
    z.object({ at: time, count, causes: tallySchema, findings: tallySchema, packages: tallySchema.default([]) }),
  ),
  /** How many more a person has allowed beyond the limit. */
  allowance: count,
  tripped: z
    .object({
      at: time,
      limit: count,
      /** Digests whose quarantine it has withheld. */
      withheld: count,
      /** What they have in common with one another, and with those of the hour before. */
      causes: tallySchema,
      findings: tallySchema,
      packages: tallySchema.default([]),
      /** When the team was told. */
      toldAt: time.optional(),
    })
    .optional(),
  resumed: z.object({ by: z.string(), reason: z.string(), at: time, allowed: count }).optional(),
});

/** The brake's row. */
export type BrakeState = z.infer<typeof brakeSchema>;

/** The limit where no setting names one: whichever is larger of ten, and two of a hundred known digests. */
export function defaultLimit(knownDigests: number): number {
  return Math.max(10, Math.ceil(knownDigests * 0.02));
}

const RELEASED: BrakeState = { recent: [], allowance: 0 };

/** One quarantine that asks to be let through. */
export interface BrakeRequest {
  readonly cause: Cause;
  /** The finding that it fails by; absent where it fails by something else. */
  readonly finding: string | undefined;
  /** The package that this finding is in. */
  readonly package: string | undefined;
  /** The brake withheld it before: it is in the count already. */
  readonly again: boolean;
}

/** Lets one quarantine through, or withholds it. Pure. Once tripped, the brake holds until a person lets go. */
export function step(
  before: BrakeState | undefined,
  { now, limit, request }: { readonly now: Date; readonly limit: number; readonly request: BrakeRequest },
): { readonly state: BrakeState; readonly allowed: boolean } {
  const { allowance, tripped, ...rest } = before ?? RELEASED;
  const recent = ofLastHour(rest.recent, now);
  const spent = totalOf(recent);
  const base = { ...rest, recent, allowance };
  const add = <T extends Pick<Recent, 'causes' | 'findings' | 'packages'>>(to: T): T => ({
    ...to,
    causes: counted(to.causes, request.cause),
    findings: request.finding === undefined ? to.findings : counted(to.findings, request.finding),
    packages: request.package === undefined ? to.packages : counted(to.packages, request.package),
  });
  if (tripped === undefined && (spent < limit || allowance > 0)) {
    const at = stepOf(now);
    const last = recent.find((each) => each.at === at) ?? { at, count: 0, causes: [], findings: [], packages: [] };
    return {
      allowed: true,
      state: {
        ...rest,
        recent: [...recent.filter((each) => each !== last), add({ ...last, count: last.count + 1 })],
        allowance: spent < limit ? allowance : allowance - 1,
      },
    };
  }
  if (request.again && tripped !== undefined) return { allowed: false, state: { ...base, tripped } };
  const held = tripped ?? {
    ...{ at: now.toISOString(), limit, withheld: 0 },
    causes: merged(recent.map(({ causes }) => causes)),
    findings: merged(recent.map(({ findings }) => findings)),
    packages: merged(recent.map(({ packages }) => packages)),
  };
  return { allowed: false, state: { ...base, tripped: add({ ...held, withheld: held.withheld + 1 }) } };
}

type Recent = BrakeState['recent'][number];

/** A person lets go: what was withheld goes through, and so many more as `allowed` says. Pure. */
export function letGo(
  before: BrakeState | undefined,
  { by, reason, at, allowed }: { by: string; reason: string; at: string; allowed: number | undefined },
): BrakeState {
  const { tripped, ...rest } = before ?? RELEASED;
  const allowance = allowed ?? tripped?.withheld ?? 0;
  return { ...rest, allowance, resumed: { by, reason, at, allowed: allowance } };
}

/** Why a digest is to be quarantined now, by what is different from its last verdict. Pure. */
export function causeOf(before: LedgerEntry, decision: Decision): Cause {
  const { decision: last, enforcement, failing, scan } = before;
  if (enforcement.state === 'withheld' && enforcement.withheld?.because === 'observe') return 'enforcement';
  if (failing !== undefined) return failing.cause;
  if (last === undefined || last.verdict === 'pending') return 'push';
  const isSignature = decision.reasons.some(({ code }) => code.startsWith('SIGNATURE_'));
  if (isSignature && last.trust !== decision.trust) return 'key';
  if (last.policy !== decision.policy) return 'policy';
  if (scan.state !== 'done' || last.basis === undefined) return 'evidence';
  const { database, scanner } = basisOf(scan);
  if (scanner !== last.basis.scanner) return 'scanner';
  return database === last.basis.database ? 'evidence' : 'database';
}

/** What a verdict that rests on this scan rests on. */
export function basisOf({ database, scannerVersion }: Extract<LedgerEntry['scan'], { readonly state: 'done' }>) {
  return { database: database.digest, scanner: scannerVersion };
}

/** What {@link createBrake} needs. */
export interface BrakeDeps {
  readonly clock: Clock;
  readonly journal: Journal;
  /** New quarantines an hour; undefined for the default. */
  readonly limit: number | undefined;
  readonly ledger: {
    updateBrake: (
      change: (current: BrakeState | undefined) => BrakeState | undefined,
    ) => Promise<BrakeState | undefined>;
    knownDigests: () => Promise<number>;
  };
}

/** Asked before each new quarantine. True: go on. False: it is withheld, and journalled. */
export type Brake = (key: ArtifactKey, request: BrakeRequest) => Promise<boolean>;

/** Builds the brake over the ledger. Throws what the ledger throws: then nothing is quarantined either, and it is tried again. */
export function createBrake(deps: BrakeDeps): Brake {
  return async (key, request) => {
    const limit = deps.limit ?? defaultLimit(await deps.ledger.knownDigests());
    const now = deps.clock();
    // Whoever is let through leaves the brake off, and whoever is not leaves it on.
    const tripped = (await deps.ledger.updateBrake((current) => step(current, { now, limit, request }).state))?.tripped;
    if (tripped === undefined) return true;
    const detail = { cause: request.cause, limit: tripped.limit };
    const id = `brake-${tripped.at}-${key.repository}-${key.digest}`;
    await deps.journal({ key, what: 'withheld-by-brake', who: LAZARET, why: 'BRAKE_TRIPPED', detail, id });
    return false;
  };
}

/** How long what trips the brake is gathered before it is told, in milliseconds: one card is to say what it is. */
const GATHERED_MILLISECONDS = 60_000;

/** Tells the team once that the brake is on, grouped by cause. Called by the timer; safe to repeat. */
export async function tellBrake(
  deps: NotifyDeps & { readonly ledger: BrakeDeps['ledger'] & EpochDeps['ledger'] },
): Promise<void> {
  const now = deps.clock();
  const tripped = (await deps.ledger.updateBrake((current) => current))?.tripped;
  if (tripped === undefined || tripped.toldAt !== undefined) return;
  if (now.getTime() - new Date(tripped.at).getTime() < GATHERED_MILLISECONDS) return;
  const changes = recentChanges(await deps.ledger.updateEpochs((current) => current), now).slice(0, 4);
  await notify(
    {
      kind: 'system',
      code: 'BRAKE_TRIPPED',
      title: 'The brake is on: nothing more is quarantined until somebody lets go',
      message:
        `More than ${tripped.limit} images were to be quarantined within an hour. ${tripped.withheld} of them are marked and ` +
        'told, and can still be pulled. If this is right, let go: npx lazaret brake --resume --reason "…".',
      facts: [
        { name: 'What changed', value: describeTally(tripped.causes) },
        ...(tripped.findings.length > 0 ? [{ name: 'They fail by', value: describeTally(tripped.findings, 5) }] : []),
        ...(tripped.packages.length > 0 ? [{ name: 'In packages', value: describeTally(tripped.packages, 5) }] : []),
        ...changes.map((change) => ({ name: 'Changed lately', value: describeEpoch(change) })),
        { name: 'Withheld so far', value: String(tripped.withheld) },
        { name: 'Limit an hour', value: String(tripped.limit) },
      ],
      at: tripped.at,
    },
    ['brake', tripped.at],
    deps,
  );
  await deps.ledger.updateBrake((current) =>
    current?.tripped?.at === tripped.at
      ? { ...current, tripped: { ...current.tripped, toldAt: now.toISOString() } }
      : current,
  );
}

/** What people are told of the brake. */
export interface BrakeStatus extends BrakeState {
  readonly on: boolean;
  readonly limit: number;
  /** New quarantines of the last hour. */
  readonly lastHour: number;
  /** What verdicts depend on, and what of it has changed in the last two days; newest first. */
  readonly changes: readonly Epoch[];
}

/** Reads the brake. */
export async function readBrake({
  ledger,
  limit,
  clock,
}: Pick<BrakeDeps, 'limit' | 'clock'> & {
  readonly ledger: BrakeDeps['ledger'] & EpochDeps['ledger'];
}): Promise<BrakeStatus> {
  const state = (await ledger.updateBrake((current) => current)) ?? RELEASED;
  const recent = ofLastHour(state.recent, clock());
  return {
    ...state,
    recent,
    on: state.tripped !== undefined,
    limit: limit ?? defaultLimit(await ledger.knownDigests()),
    lastHour: totalOf(recent),
    changes: recentChanges(await ledger.updateEpochs((current) => current), clock()),
  };
}

/** Lets go of the brake in a person's name. Journalled first. What was withheld is asked for by the next sweep. */
export async function letGoOfBrake(
  { by, reason, allowed }: { readonly by: string; readonly reason: string; readonly allowed: number | undefined },
  { ledger, clock, journal }: Pick<BrakeDeps, 'ledger' | 'clock' | 'journal'>,
): Promise<void> {
  const at = clock().toISOString();
  await journal({ what: 'brake-let-go', who: by, why: reason, detail: { ...(allowed !== undefined && { allowed }) } });
  await ledger.updateBrake((current) => letGo(current, { by, reason, at, allowed }));
}
