import type { DequeuedMessageItem } from '@azure/storage-queue';
import type { TypedData } from '../protocol.js';
import { toDotNetTime } from '../timer/dot-net-time.js';

/** A message, as far as a function is told of it. */
export type MessageFacts = Pick<
  DequeuedMessageItem,
  'messageId' | 'popReceipt' | 'dequeueCount' | 'insertedOn' | 'expiresOn' | 'nextVisibleOn'
>;

/**
 * What the host tells of a message. Members of a JSON message overwrite it, whatever their case: that is what the real
 * host does, and why our messages have no members of these names. Scalars become text (of a boolean, .NET's), objects
 * stay, arrays and nulls are passed over.
 * https://github.com/Azure/azure-functions-host/blob/dev/src/WebJobs.Script/Utility.cs (ApplyBindingData)
 */
export function triggerMetadata(text: string, item: MessageFacts): Readonly<Record<string, TypedData>> {
  const time = (date: Date): TypedData => ({ json: JSON.stringify(toDotNetTime(date)) });
  const all: Record<string, TypedData> = {
    QueueTrigger: { string: text },
    DequeueCount: { json: String(item.dequeueCount) },
    ExpirationTime: time(item.expiresOn),
    Id: { string: item.messageId },
    InsertionTime: time(item.insertedOn),
    NextVisibleTime: time(item.nextVisibleOn),
    PopReceipt: { string: item.popReceipt },
  };
  for (const [name, value] of Object.entries(membersOf(text))) {
    if (value === null || Array.isArray(value)) continue;
    const known = Object.keys(all).find((key) => key.toLowerCase() === name.toLowerCase());
    all[known ?? name] = typeof value === 'object' ? { json: JSON.stringify(value) } : { string: toText(value) };
  }
  return all;
}

/** What the host tells of a message that a person hands a function through the admin API: it has never been in a queue. */
export function manualMetadata(text: string, now: Date): Readonly<Record<string, TypedData>> {
  const never = new Date('9999-12-31T23:59:59.999Z');
  const item = { messageId: '', popReceipt: '', dequeueCount: 0, insertedOn: now, expiresOn: never };
  return triggerMetadata(text, { ...item, nextVisibleOn: never });
}

function toText(value: unknown): string {
  return typeof value === 'boolean' ? (value ? 'True' : 'False') : String(value);
}

function membersOf(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
    return isObject ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
