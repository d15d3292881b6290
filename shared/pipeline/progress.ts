import { z } from 'zod';
import type { Survey } from './entry.js';
import { ofLastHour } from './window.js';

const count = z.number().int().nonnegative();

/** What is remembered of how much there is to judge, and how fast it goes. */
export const progressSchema = z.object({
  /** Digests to judge, judged or not. */
  digests: count,
  /** How many had been judged by then; of the last hour, and the last one before it. */
  steps: z.array(z.object({ at: z.iso.datetime(), judged: count })).default([]),
});

export type ProgressState = z.infer<typeof progressSchema>;

/** Of the last hour, at the timer's pace. */
const MAX_STEPS = 13;

/** Notes what a sweep has found; the same as before where that has not changed. Pure. */
export function noted(
  before: ProgressState | undefined,
  { digests, judged, now }: { readonly digests: number; readonly judged: number; readonly now: Date },
): ProgressState {
  const steps = before?.steps ?? [];
  if (before?.digests === digests && steps.at(-1)?.judged === judged) return before;
  return { digests, steps: [...steps, { at: now.toISOString(), judged }].slice(-MAX_STEPS) };
}

/** How far the registries are judged. */
export interface Progress {
  readonly judged: number;
  /** Known, or found in the registry, and not judged yet. What has never been looked at is in no count. */
  readonly remaining: number;
  /** How many were judged an hour lately; null before that is known. */
  readonly perHour: number | null;
  /** Seconds until all are, at that rate; null where there is none. */
  readonly left: number | null;
}

/** How far it is, from what has been noted. Pure. */
export function progressOf(
  state: ProgressState | undefined,
  { judged, remaining, now }: { readonly judged: number; readonly remaining: number; readonly now: Date },
): Progress {
  const steps = state?.steps ?? [];
  const since = ofLastHour(steps, now)[0] ?? steps.at(-1);
  const hours = since === undefined ? 0 : (now.getTime() - new Date(since.at).getTime()) / 3_600_000;
  const perHour =
    since === undefined || hours < 1 / 60 ? null : Math.max(Math.round((judged - since.judged) / hours), 0);
  const left =
    remaining === 0 ? 0 : perHour === null || perHour === 0 ? null : Math.round((remaining / perHour) * 3600);
  return { judged, remaining, perHour, left };
}

/** How many digests there are to judge, and how many are. */
export interface Known {
  readonly digests: number;
  readonly judged: number;
}

/** By the last looks at repositories. Pure. */
export function knownOf(surveys: readonly Survey[]): Known {
  const summaries = surveys.flatMap(({ summary }) => (summary === undefined ? [] : [summary]));
  const judged = summaries.reduce((sum, { pass, fail, inconclusive }) => sum + pass + fail + inconclusive, 0);
  return { judged, digests: summaries.reduce((sum, { pending }) => sum + pending, judged) };
}
