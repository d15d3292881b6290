import { AppError } from '../error/app-error.js';

/** A tag, by the grammar of the OCI distribution specification 1.1. */
export type Tag = string & { readonly __brand: 'Tag' };

const TAG = /^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$/;
const REFERRERS_TAG = /^sha256-([0-9a-f]{64})(?:\.(sig|att|sbom))?$/;

/** Whether `text` is a tag. */
export function isTag(text: string): text is Tag {
  return TAG.test(text);
}

/** Parses a tag strictly. Throws `INVALID_TAG`. */
export function parseTag(text: string): Tag {
  if (!isTag(text)) throw new AppError('INVALID_TAG', `not a tag: ${JSON.stringify(text.slice(0, 80))}`);
  return text;
}

/**
 * What a tag of the referrers tag schema (`sha256-<hex>`) or of Cosign's old scheme (`sha256-<hex>.sig`) stands for;
 * undefined for any other tag.
 */
export function parseReferrersTag(
  tag: string,
): { readonly subjectHex: string; readonly suffix: 'sig' | 'att' | 'sbom' | undefined } | undefined {
  const match = REFERRERS_TAG.exec(tag);
  if (match?.[1] === undefined) return undefined;
  return { subjectHex: match[1], suffix: match[2] as 'sig' | 'att' | 'sbom' | undefined };
}
