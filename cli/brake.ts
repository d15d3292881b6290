import type { BrakeStatus } from '../shared/pipeline/brake.js';
import { describeEpoch } from '../shared/pipeline/epoch.js';
import { describeTally } from '../shared/pipeline/tally.js';
import { connectTo } from './client.js';
import { clean } from './clean.js';
import { UsageError } from './usage.js';

/** What `brake` is asked. */
export interface BrakeOptions {
  /** `host[:port]` of a registry, whose environment is asked. */
  readonly registry: string | undefined;
  readonly endpoint: string | undefined;
  /** Let go, rather than look. */
  readonly resume: boolean;
  readonly reason: string | undefined;
  /** Quarantines beyond the limit that are let through; as many as are withheld where it is absent. */
  readonly allow: string | undefined;
  readonly json: boolean;
}

/** Shows the brake, or lets go of it; returns the exit code: 1 where it is on. */
export async function brake(options: BrakeOptions, print: (text: string) => void): Promise<number> {
  const { resume, reason, allow } = options;
  if (!resume && (reason !== undefined || allow !== undefined))
    throw new UsageError('--reason and --allow go with --resume');
  if (resume && (reason === undefined || reason.trim() === '')) throw new UsageError('--resume needs --reason TEXT');
  if (allow !== undefined && !/^\d{1,7}$/.test(allow)) throw new UsageError('--allow is a number of quarantines');
  const client = await connectTo(options.registry, options.endpoint);
  const found = (
    resume
      ? await client.post('letGo', { reason, ...(allow !== undefined && { allow: Number(allow) }) })
      : await client.get('brake', {})
  ) as BrakeStatus;
  print(options.json ? JSON.stringify(found) : describe(found));
  return found.on ? 1 : 0;
}

function describe({ on, limit, lastHour, allowance, tripped, resumed, changes }: BrakeStatus): string {
  const lines = [
    `the brake is ${on ? 'ON' : 'off'}`,
    `  new quarantines ${lastHour} in the last hour, of ${limit}${allowance === 0 ? '' : ` and ${allowance} more that were allowed`}`,
    ...(tripped === undefined
      ? []
      : [
          `  tripped         at ${tripped.at}; ${tripped.withheld} withheld since`,
          `  what changed    ${describeTally(tripped.causes)}`,
          ...(tripped.findings.length === 0 ? [] : [`  they fail by    ${describeTally(tripped.findings, 5)}`]),
          ...(tripped.packages.length === 0 ? [] : [`  in packages     ${describeTally(tripped.packages, 5)}`]),
          '  if this is right: lazaret brake --resume --reason "…"',
        ]),
    ...changes.map((change) => `  changed lately  ${describeEpoch(change)}`),
    ...(resumed === undefined ? [] : [`  last let go     by ${resumed.by} at ${resumed.at}: ${resumed.reason}`]),
  ];
  return lines.map(clean).join('\n');
}
