/** One part of a route between slashes. */
export type Segment =
  { readonly kind: 'literal'; readonly text: string } | { readonly kind: 'parameter'; readonly name: string };

/**
 * Reads a route template. Parameters are whole segments (`items/{id}`); throws at constraints, defaults, optional
 * parameters and catch-alls. https://learn.microsoft.com/aspnet/core/fundamentals/routing#route-templates
 */
export function parseRoute(route: string): readonly Segment[] {
  return route
    .replace(/^\//, '')
    .split('/')
    .map((text) => {
      const name = /^\{([A-Za-z_]\w*)\}$/.exec(text)?.[1];
      if (name !== undefined) return { kind: 'parameter', name };
      if (text === '' || /[{}*?]/.test(text)) throw new Error(`a route that is not served: ${route}`);
      return { kind: 'literal', text };
    });
}

/** The parameters of a path (without its first slash) that the route matches, in any case; undefined where it does not. */
export function matchRoute(segments: readonly Segment[], path: string): Readonly<Record<string, string>> | undefined {
  const parts = path.replace(/\/$/, '').split('/');
  if (parts.length !== segments.length) return undefined;
  const found: Record<string, string> = {};
  for (const [index, segment] of segments.entries()) {
    const part = decode(parts[index] ?? '');
    if (part === undefined || part === '') return undefined;
    if (segment.kind === 'parameter') found[segment.name] = part;
    else if (segment.text.toLowerCase() !== part.toLowerCase()) return undefined;
  }
  return found;
}

function decode(part: string): string | undefined {
  try {
    return decodeURIComponent(part);
  } catch {
    return undefined;
  }
}
