import { parseReference } from '../shared/artifact/reference.js';
import { connect } from './client.js';
import { UsageError } from './usage.js';

/** What `insist` is asked. */
export interface InsistOptions {
  readonly reference: string;
  readonly reason: string | undefined;
  readonly endpoint: string | undefined;
  readonly json: boolean;
}

/** Locks an image again whose lock somebody else keeps taking off; returns the exit code. */
export async function insist(options: InsistOptions, print: (text: string) => void): Promise<number> {
  const { reference, reason, endpoint, json } = options;
  if (reason === undefined || reason.trim() === '') throw new UsageError('insist needs --reason TEXT');
  const client = await connect(parseReference(reference), endpoint);
  const answer = (await client.post('insist', { reference, reason })) as {
    readonly digest: string;
    readonly by: string;
  };
  print(json ? JSON.stringify(answer) : `${answer.digest} is to be locked again, says ${answer.by}`);
  return 0;
}
