import { z } from 'zod';

/** The largest message that Teams takes through a workflow, in bytes. */
export const MAX_ENVELOPE_BYTES = 28 * 1024;

// What Teams shows of Adaptive Cards 1.4 for a webhook: no input, no Submit, no Execute, no Table. Stricter than Teams,
// which drops in silence what it does not know.
const colour = z.enum(['default', 'dark', 'light', 'accent', 'good', 'warning', 'attention']);
const spacing = z.enum(['none', 'small', 'default', 'medium', 'large', 'extraLarge', 'padding']);
const size = z.enum(['small', 'default', 'medium', 'large', 'extraLarge']);
const weight = z.enum(['lighter', 'default', 'bolder']);
const fontType = z.enum(['default', 'monospace']);
const common = { spacing: spacing.optional(), separator: z.boolean().optional(), id: z.string().optional() };
const textLook = {
  color: colour.optional(),
  size: size.optional(),
  weight: weight.optional(),
  fontType: fontType.optional(),
  isSubtle: z.boolean().optional(),
};

const textBlock = z.strictObject({
  type: z.literal('TextBlock'),
  text: z.string(),
  wrap: z.boolean().optional(),
  ...textLook,
  ...common,
});
const textRun = z.strictObject({ type: z.literal('TextRun'), text: z.string(), ...textLook });
const richTextBlock = z.strictObject({ type: z.literal('RichTextBlock'), inlines: z.array(textRun).min(1), ...common });
const factSet = z.strictObject({
  type: z.literal('FactSet'),
  facts: z.array(z.strictObject({ title: z.string(), value: z.string() })),
  ...common,
});

type Element = z.infer<typeof textBlock> | z.infer<typeof richTextBlock> | z.infer<typeof factSet> | Box;
interface Box {
  type: 'ColumnSet' | 'Container';
}

const element: z.ZodType<Element> = z.lazy(() => z.union([textBlock, richTextBlock, factSet, columnSet, container]));
const column = z.strictObject({
  type: z.literal('Column'),
  width: z.enum(['auto', 'stretch']),
  items: z.array(z.lazy(() => element)),
  ...common,
});
const columnSet = z.strictObject({ type: z.literal('ColumnSet'), columns: z.array(column), ...common });
const container = z.strictObject({
  type: z.literal('Container'),
  style: z.enum(['default', 'emphasis', 'accent', 'good', 'warning', 'attention']).optional(),
  bleed: z.boolean().optional(),
  items: z.array(z.lazy(() => element)).min(1),
  ...common,
});
const openUrl = z.strictObject({
  type: z.literal('Action.OpenUrl'),
  title: z.string().min(1),
  url: z.url({ protocol: /^https?$/ }),
});

const card = z.strictObject({
  type: z.literal('AdaptiveCard'),
  $schema: z.string().optional(),
  version: z.enum(['1.0', '1.1', '1.2', '1.3', '1.4']),
  msteams: z.strictObject({ width: z.literal('Full').optional() }).optional(),
  fallbackText: z.string().optional(),
  body: z.array(element).min(1),
  actions: z.array(openUrl).max(6).optional(),
});

const envelope = z.strictObject({
  type: z.literal('message'),
  attachments: z
    .array(
      z.strictObject({
        contentType: z.literal('application/vnd.microsoft.card.adaptive'),
        contentUrl: z.null().optional(),
        content: card,
      }),
    )
    .min(1),
});

/** A message with cards, as the Workflows template "Post to a channel when a webhook request is received" takes it. */
export type CheckedEnvelope = z.infer<typeof envelope>;

/** Checks a message. Returns why it would fail or lose something in Teams. */
export function checkEnvelope(text: string): { readonly envelope: CheckedEnvelope } | { readonly problem: string } {
  if (Buffer.byteLength(text) > MAX_ENVELOPE_BYTES) return { problem: 'larger than 28 KB' };
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return { problem: 'not JSON' };
  }
  const result = envelope.safeParse(json);
  return result.success ? { envelope: result.data } : { problem: z.prettifyError(result.error).slice(0, 2000) };
}
