import { type AppSettings, connectionString, resolveSettings } from './app-settings.js';
import { parseRoute } from './http/route.js';
import { type FunctionMetadata, messageOf, triggerOf } from './protocol.js';
import { parseSchedule } from './timer/schedule.js';

const TRIGGERS: readonly string[] = ['queueTrigger', 'timerTrigger', 'eventGridTrigger', 'httpTrigger'];

/**
 * Throws, with everything that is wrong, where the app wants something that is not served here: another trigger, an
 * output, a retry policy, function keys, a route constraint; or where a setting that a binding names is not there.
 */
export function checkFunctions(
  functions: readonly FunctionMetadata[],
  { settings, routePrefix }: { readonly settings: AppSettings; readonly routePrefix: string },
): void {
  const problems = functions.flatMap((target) =>
    problemsOf(target, settings, routePrefix).map((problem) => `function ${target.name}: ${problem}`),
  );
  if (problems.length > 0) throw new Error(`the local host does not serve this app:\n${problems.join('\n')}`);
}

function problemsOf(target: FunctionMetadata, settings: AppSettings, routePrefix: string): readonly string[] {
  const bindings = Object.values(target.bindings);
  const problems = bindings
    .filter(({ type, direction }) => !(direction === 'out' ? type === 'http' : TRIGGERS.includes(type)))
    .map(({ type, direction }) => `a binding that is not served: ${direction} ${type}`);
  if (bindings.filter(({ direction }) => direction === 'in').length !== 1) problems.push('not exactly one trigger');
  if (target.retryOptions !== undefined) problems.push('a retry policy, which is not served');
  const trigger = triggerOf(target);
  if (trigger === undefined) return problems;
  const attempt = (check: () => unknown) => {
    try {
      check();
    } catch (error) {
      problems.push(messageOf(error));
    }
  };
  switch (trigger.type) {
    case 'queueTrigger':
      attempt(() => {
        const name = resolveSettings(trigger.queueName ?? '', settings).toLowerCase();
        // https://learn.microsoft.com/rest/api/storageservices/naming-queues-and-metadata
        if (!/^(?=.{3,63}$)[a-z0-9]+(?:-[a-z0-9]+)*$/.test(name)) throw new Error(`not a queue's name: ${name}`);
      });
      attempt(() => connectionString(trigger.connection, settings));
      return problems;
    case 'timerTrigger':
      attempt(() => parseSchedule(resolveSettings(trigger.schedule ?? '', settings)));
      return problems;
    case 'httpTrigger':
      if ((trigger.authLevel ?? 'anonymous').toLowerCase() !== 'anonymous') {
        problems.push(`keys are not served: authLevel ${trigger.authLevel ?? ''}`);
      }
      attempt(() => {
        const [first] = parseRoute(trigger.route ?? target.name);
        const reserved = first?.kind === 'literal' && ['admin', 'runtime'].includes(first.text.toLowerCase());
        if (routePrefix === '' && reserved) throw new Error('the route is one of the host’s own');
      });
      return problems;
    default:
      return problems;
  }
}
