/** What a call of a registry is for. Bounds are held on reads and on lists of referrers; the others are told. */
export type CallKind = 'read' | 'referrers' | 'write' | 'token';

/** One call of a registry, by what it asks for. */
export interface Call {
  readonly kind: CallKind;
  readonly operation: string;
}

/** How often each operation was called. */
export type Counts = Readonly<Record<CallKind, number>> & { readonly operations: Readonly<Record<string, number>> };

/** A request that a registry has answered. */
export interface Answered {
  readonly method: string;
  readonly path: string;
  readonly status: number;
}

const RULES: readonly (readonly [method: RegExp, path: RegExp, call: Call])[] = [
  [/./, /^\/oauth2\//, { kind: 'token', operation: 'token' }],
  [/^GET$/, /\/referrers\/[^/]+$/, { kind: 'referrers', operation: 'list of referrers' }],
  [/^GET$/, /\/manifests\/[a-z0-9]+:[^/]+$/, { kind: 'read', operation: 'manifest by digest' }],
  [/^HEAD$/, /\/manifests\/[a-z0-9]+:[^/]+$/, { kind: 'read', operation: 'head of a manifest' }],
  [/^(GET|HEAD)$/, /\/manifests\/[^/]+$/, { kind: 'read', operation: 'manifest by tag' }],
  [/^PUT$/, /\/manifests\/[^/]+$/, { kind: 'write', operation: 'put a manifest' }],
  [/^POST$/, /\/blobs\/uploads\/$/, { kind: 'write', operation: 'begin an upload' }],
  [/^PUT$/, /\/blobs\/uploads\/[^/]+$/, { kind: 'write', operation: 'end an upload' }],
  [/^GET$/, /\/blobs\/[^/]+$/, { kind: 'read', operation: 'blob' }],
  [/^HEAD$/, /\/blobs\/[^/]+$/, { kind: 'read', operation: 'head of a blob' }],
  [/^GET$/, /^\/v2\/$/, { kind: 'read', operation: 'base' }],
  [/^GET$/, /\/_manifests\/[^/]+$/, { kind: 'read', operation: 'attributes of a manifest' }],
  [/^PATCH$/, /\/_manifests\/[^/]+$/, { kind: 'write', operation: 'lock' }],
  [/^GET$/, /\/_tags\/[^/]+$/, { kind: 'read', operation: 'attributes of a tag' }],
  [/^DELETE$/, /\/_tags\/[^/]+$/, { kind: 'write', operation: 'untag' }],
];

/**
 * Says what a request asks for. A request that is sent back for a token is part of the way to that token. Throws for one
 * that no rule knows: what is not counted must not pass unseen.
 */
export function classifyCall({ method, path, status }: Answered): Call {
  if (status === 401) return { kind: 'token', operation: 'challenge' };
  const decoded = decodeURIComponent(path);
  const rule = RULES.find(([methods, paths]) => methods.test(method) && paths.test(decoded));
  if (rule === undefined) throw new Error(`a call that nobody counts: ${method} ${decoded}`);
  return rule[2];
}

/** Counts calls by kind and by operation. */
export function countCalls(calls: readonly Call[]): Counts {
  const ofKind = (kind: CallKind) => calls.filter((call) => call.kind === kind).length;
  const operations: Record<string, number> = {};
  for (const { operation } of calls) operations[operation] = (operations[operation] ?? 0) + 1;
  return {
    read: ofKind('read'),
    referrers: ofKind('referrers'),
    write: ofKind('write'),
    token: ofKind('token'),
    operations,
  };
}
