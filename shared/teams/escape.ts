/** Invisible characters that reorder or hide text: controls, bidirectional overrides, zero-width characters, the BOM. */
const INVISIBLE = /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]/g;
const MARKDOWN = /[\\`*_{}[\]()#+\-.!|~<>&]/g;
/** Text that is longer than this is cut, in characters. */
export const DEFAULT_LENGTH = 200;

/**
 * Outside text as plain text: on one line, without invisible characters, not longer than `length`. For elements that are
 * not read as markdown (`TextRun`).
 */
export function plain(text: string, length = DEFAULT_LENGTH): string {
  const clean = text
    .slice(0, length * 4)
    .replaceAll(/\s+/g, ' ')
    .replaceAll(INVISIBLE, '')
    .trim();
  // Cut by code point: half a surrogate pair is no text.
  const points = Array.from(clean);
  return points.length <= length ? clean : `${points.slice(0, length - 1).join('')}…`;
}

/**
 * Outside text for elements that Teams reads as markdown (`TextBlock`, facts): as {@link plain}, with every character
 * that could begin markup, a link, HTML or a mention escaped.
 */
export function escapeMarkdown(text: string, length = DEFAULT_LENGTH): string {
  return plain(text, length).replaceAll(MARKDOWN, (character) => `\\${character}`);
}

/** A link that may stand on a card: https, or http on loopback for the local environment; undefined otherwise. */
export function safeUrl(text: string): string | undefined {
  if (!URL.canParse(text) || text.length > 1000) return undefined;
  const url = new URL(text);
  const loopback = url.hostname === '127.0.0.1' || url.hostname === 'localhost' || url.hostname === '[::1]';
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && loopback)) return undefined;
  return url.username === '' && url.password === '' ? url.href : undefined;
}
