import type { Resource } from '../harness/plan.js';
import { type Finding, ofType, textAt } from './read.js';

type Column = 'string' | 'number' | 'bool';

/** The columns that we read, by table. https://learn.microsoft.com/azure/azure-monitor/reference/tables-index */
const TABLES: Readonly<Record<string, Readonly<Record<string, Column>>>> = {
  AppRequests: { Name: 'string', Success: 'bool' },
  AppTraces: { Message: 'string' },
  ContainerAppConsoleLogs: { Log: 'string' },
  ContainerRegistryLoginEvents: { Identity: 'string', LoginServer: 'string' },
  ContainerRegistryRepositoryEvents: { Identity: 'string', LoginServer: 'string', OperationName: 'string' },
  // A status is text: of a request that was broken off it says Unknown.
  StorageBlobLogs: { OperationName: 'string', StatusCode: 'string', Uri: 'string' },
};
const WORDS = new Set(['and', 'or', 'not', 'in', 'isfuzzy', 'true', 'false']);
const OPERATORS = new Set(['union', 'where', 'extend', 'summarize']);
const PREDICATES = new Set(['startswith', 'endswith', 'contains']);
const FUNCTIONS: Readonly<Record<string, Column>> = { tostring: 'string', toint: 'number', count: 'number' };

/** The pipes that are put together in a union, each with what is done to the whole; or the query itself. */
function branches(query: string): readonly string[] {
  if (!query.startsWith('union ')) return [query];
  const parts: string[] = [];
  let depth = 0;
  let start = 0;
  for (let at = query.indexOf('('); at < query.length; at += 1) {
    if (depth === 0 && query[at] === '|') return parts.map((part) => part + query.slice(at));
    if (query[at] === '(' && depth++ === 0) start = at + 1;
    if (query[at] === ')' && --depth === 0) parts.push(`${query.slice(start, at)} `);
  }
  return parts;
}

/** What is wrong with one pipe over one table, as far as words and types tell. */
function branchProblems(query: string): readonly string[] {
  const [table = '', ...steps] = query.split('|').map((step) => step.trim());
  const known = TABLES[table];
  if (known === undefined) return [`table ${table}`];
  const columns = new Map<string, Column>(Object.entries(known));
  return steps.flatMap((step) => {
    const [operator = ''] = step.split(' ');
    const rest = step.slice(operator.length);
    for (const [, name = '', made = ''] of rest.matchAll(/(\w+) = (\w+)\(/g))
      columns.set(name, FUNCTIONS[made] ?? 'string');
    const words = [...rest.matchAll(/(?<![\w.])([A-Za-z_]\w*)(?!\w|\()/g)].map(([, word = '']) => word);
    const unknown = words.filter((word) => !columns.has(word) && !WORDS.has(word) && !PREDICATES.has(word));
    const compared = [...rest.matchAll(/(?<![\w(.])(\w+) (?:[<>]=?|==) \d/g)].map(([, name = '']) => name);
    const notNumbers = compared.filter((name) => columns.get(name) !== 'number');
    return [
      ...(OPERATORS.has(operator) ? [] : [`operator ${operator}`]),
      ...unknown.map((word) => `column ${word}`),
      ...notNumbers.map((name) => `number ${name}`),
    ];
  });
}

/** Tables and columns that the alerts ask for and that nobody writes, and texts that are taken for numbers. */
export function queryFindings(resources: readonly Resource[]): readonly Finding[] {
  return ofType(resources, 'azurerm_monitor_scheduled_query_rules_alert_v2').flatMap(({ address, values }) =>
    branches(textAt(values, 'criteria', 'query').replaceAll(/'[^']*'/g, "''"))
      .flatMap(branchProblems)
      .map((problem): Finding => `QUERY ${address} ${problem}`),
  );
}
