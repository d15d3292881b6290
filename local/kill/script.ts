import type { Scripted } from './director.js';

/**
 * What is killed when. Every step of the way of a push is met before and after its effect, and between an effect and its
 * acknowledgement. `every` is about what twenty pushes bring of a moment, so longer runs meet each entry as often.
 */
export const SCRIPT: readonly Scripted[] = [
  // The scan job: as a scan begins, before its outcome is handed over, and before the request is acknowledged.
  { at: 'registry: scan GET manifest arrived', nth: 2, every: 22, deed: 'kill job' },
  { at: 'storage: POST scanned arrived', nth: 5, every: 22, deed: 'kill job' },
  { at: 'storage: POST scanned answered', nth: 9, every: 22, deed: 'kill job' },
  // The registry: a manifest that is there and unanswered; answered; an event that was taken; a lock that is there.
  { at: 'registry: PUT manifest stored', nth: 3, every: 70, deed: 'kill registry' },
  { at: 'registry: PUT manifest answered', nth: 20, every: 70, deed: 'kill registry' },
  { at: 'registry: event taken', nth: 12, every: 40, deed: 'kill registry' },
  { at: 'registry: PATCH attributes stored', nth: 4, every: 18, deed: 'kill registry' },
  // The host with its worker: as a decision begins, between untag and lock, and before a message is acknowledged.
  { at: 'host: decide begins', nth: 4, every: 40, deed: 'kill host' },
  { at: 'registry: DELETE tag stored', nth: 2, every: 14, deed: 'kill host' },
  { at: 'storage: DELETE decide arrived', nth: 16, every: 40, deed: 'kill host' },
  // The worker: a card that is sent and not recorded, and three more places.
  { at: 'inbox: card taken', nth: 1, every: 16, deed: 'kill worker' },
  { at: 'host: recordScan begins', nth: 6, every: 24, deed: 'kill worker' },
  { at: 'storage: POST decide answered', nth: 12, every: 40, deed: 'kill worker' },
  { at: 'registry: DELETE tag stored', nth: 5, every: 14, deed: 'kill worker' },
  // Storage: away, and stopped cleanly and started again.
  { at: 'host: decide begins', nth: 12, every: 40, deed: 'storage unreachable' },
  { at: 'registry: scan GET manifest arrived', nth: 13, every: 22, deed: 'storage stopped' },
];
