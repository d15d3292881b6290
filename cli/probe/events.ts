import { SWITCHES, SWITCH_NAMES, type SwitchName } from '../../local/registry/switches.js';
import type { Lab } from './lab.js';
import type { Finding } from './questions.js';

/** What was done so that events would tell: the digests to look for. */
export interface Trail {
  /** Pushed by digest, without a tag. */
  readonly tagless: string;
  /** Pushed last, by tag: once its event is here, the earlier ones had their time. */
  readonly last: string;
  readonly referrer: string;
  /** A referrer that went with its subject, and that subject. */
  readonly cascaded: string;
  readonly deleted: string;
}

/** Leaves the trail: pushes and deletes inside the scratch repository. */
export async function leaveTrail(lab: Lab): Promise<Trail> {
  const tagless = await lab.push('event-tagless');
  const kept = await lab.push('event-subject', 'event-subject');
  const referrer = await lab.referrer(kept, 'event-referrer');
  await lab.put(referrer, referrer.digest);
  const doomed = await lab.push('event-doomed', 'event-doomed');
  const cascaded = await lab.referrer(doomed, 'event-cascaded');
  await lab.put(cascaded, cascaded.digest);
  await lab.send('DELETE', `/v2/${lab.repository}/manifests/${doomed.digest}`);
  const last = await lab.push('event-last', 'event-last');
  return {
    tagless: tagless.digest,
    last: last.digest,
    referrer: referrer.digest,
    cascaded: cascaded.digest,
    deleted: doomed.digest,
  };
}

interface Seen {
  readonly type: string;
  readonly subject: string;
  readonly digest: string;
  readonly location: string;
}

/** Reads events of either envelope, in JSON arrays or lines; what is none is passed over. */
export function readEvents(text: string, repository: string): readonly Seen[] {
  const values = text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .flatMap((line) => parse(line));
  return (values.length > 0 ? values : parse(text)).flatMap((value) => toSeen(value, repository));
}

function parse(text: string): readonly unknown[] {
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) ? value : [value];
  } catch {
    return [];
  }
}

function toSeen(value: unknown, repository: string): readonly Seen[] {
  const { eventType, type, subject, data } = (value ?? {}) as Readonly<Record<string, unknown>>;
  const { target, location } = (data ?? {}) as { target?: Readonly<Record<string, unknown>>; location?: unknown };
  if (target?.['repository'] !== repository || typeof target['digest'] !== 'string') return [];
  const text = (candidate: unknown) => (typeof candidate === 'string' ? candidate : '');
  return [
    { type: text(eventType ?? type), subject: text(subject), digest: target['digest'], location: text(location) },
  ];
}

/** Whether the last events of the trail have come, so that what is missing will not come. */
export function isComplete(events: readonly Seen[], { last, deleted }: Trail): boolean {
  return [last, deleted].every((wanted) => events.some(({ digest }) => digest === wanted));
}

/** What the events say; of an incomplete trail only what has come says anything. */
export function readTrail(
  events: readonly Seen[],
  trail: Trail,
  repository: string,
): Readonly<Partial<Record<SwitchName, Finding>>> {
  const complete = isComplete(events, trail);
  const of = (digest: string, kind: 'Pushed' | 'Deleted') =>
    events.filter((event) => event.digest === digest && event.type.endsWith(kind));
  const raised = (found: readonly Seen[]): Finding => {
    if (found.length > 0) return { answer: 'on' };
    return complete ? { answer: 'off' } : { unanswered: 'its events have not come' };
  };
  const [tagless] = of(trail.tagless, 'Pushed');
  const locations = new Set(of(trail.tagless, 'Pushed').map(({ location }) => location));
  return {
    taglessSubject:
      tagless === undefined
        ? { unanswered: 'its event has not come' }
        : tagless.subject === repository
          ? { answer: 'repository' }
          : tagless.subject === `${repository}@${trail.tagless}`
            ? { answer: 'repository@digest' }
            : { unanswered: `the subject is ${JSON.stringify(tagless.subject)}` },
    referrerEvent: raised(of(trail.referrer, 'Pushed')),
    cascadeEvent: raised(of(trail.cascaded, 'Deleted')),
    replicaEvent:
      locations.size > 1
        ? { answer: 'on' }
        : { unanswered: 'one region has raised events: the registry has no replica, or replicas raise none' },
  };
}

/** Questions that nobody has asked, with the reason. */
export function unasked(withEvents: boolean): Readonly<Partial<Record<SwitchName, Finding>>> {
  const names = SWITCH_NAMES.filter((name) => SWITCHES[name].askedBy === 'events');
  const reasons: Readonly<Partial<Record<SwitchName, string>>> = {
    importEvent: 'an import is asked for outside of the registry, at Azure Resource Manager',
    retentionEvent: 'the policy takes days',
  };
  return Object.fromEntries(
    names
      .filter((name) => !withEvents || reasons[name] !== undefined)
      .map((name) => [name, { unanswered: reasons[name] ?? 'events were not asked for: see --events' }]),
  );
}
