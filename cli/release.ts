import { parseReference } from '../shared/artifact/reference.js';
import { connect } from './client.js';
import { UsageError } from './usage.js';

/** What `release` is asked. */
export interface ReleaseOptions {
  readonly reference: string;
  readonly reason: string | undefined;
  /** A duration, after which the quarantine returns. */
  readonly for: string | undefined;
  readonly endpoint: string | undefined;
  readonly json: boolean;
}

/** Takes an image out of quarantine; returns the exit code. */
export async function release(options: ReleaseOptions, print: (text: string) => void): Promise<number> {
  const { reference, reason, endpoint } = options;
  if (reason === undefined || reason.trim() === '') throw new UsageError('a release needs --reason TEXT');
  const client = await connect(parseReference(reference), endpoint);
  const answer = (await client.post('release', {
    ...{ reference, reason },
    ...(options.for !== undefined && { for: options.for }),
  })) as { readonly digest: string; readonly by: string; readonly until: string | null };
  print(
    options.json
      ? JSON.stringify(answer)
      : `release of ${answer.digest}${answer.until === null ? '' : ` until ${answer.until}`} asked for by ${answer.by}; see: lazaret status ${reference} --wait 60`,
  );
  return 0;
}
