import type { OpenUrl } from './adaptive-card.js';
import { plain, safeUrl } from './escape.js';

/** Links as buttons; those that are not safe to follow are left out. */
export function toActions(links: readonly { readonly title: string; readonly url: string }[] = []): readonly OpenUrl[] {
  return links.slice(0, 3).flatMap(({ title, url }) => {
    const safe = safeUrl(url);
    return safe === undefined ? [] : [{ type: 'Action.OpenUrl' as const, title: plain(title, 40), url: safe }];
  });
}
