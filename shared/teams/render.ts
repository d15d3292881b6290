import type { Alert, SystemAlert } from '../message/alert.js';
import { type AdaptiveCard, type Envelope, toCard, toEnvelope } from './adaptive-card.js';
import { toActions } from './actions.js';
import { escapeMarkdown, plain } from './escape.js';
import { type Detail, imageCard } from './image-card.js';

/** The largest envelope that is sent, in bytes of JSON: Teams takes 28 KB, of which Workflows uses some itself. */
export const MAX_CARD_BYTES = 20 * 1024;

/** From rich to bare: the first one that fits is sent. The last one fits whatever is in it. */
const DETAILS: readonly Detail[] = [
  { findings: 10, reasons: 8, tags: 8, text: 160 },
  { findings: 8, reasons: 6, tags: 5, text: 100 },
  { findings: 5, reasons: 4, tags: 3, text: 70 },
  { findings: 3, reasons: 3, tags: 2, text: 50 },
  { findings: 1, reasons: 2, tags: 1, text: 30 },
];

/** Renders an alert as the message that a Workflows webhook takes, within {@link MAX_CARD_BYTES}. Pure. */
export function renderAlert(alert: Alert): Envelope {
  if (alert.kind === 'system') return toEnvelope(systemCard(alert));
  const envelopes = DETAILS.map((detail) => () => toEnvelope(imageCard(alert, detail)));
  for (const make of envelopes) {
    const envelope = make();
    if (Buffer.byteLength(JSON.stringify(envelope)) <= MAX_CARD_BYTES) return envelope;
  }
  const name = plain(`${alert.key.registry}/${alert.key.repository}@${alert.key.digest}`, 400);
  return toEnvelope(
    toCard(name, [{ type: 'RichTextBlock', inlines: [{ type: 'TextRun', text: `${alert.verdict}: ${name}` }] }]),
  );
}

const MAX_FACTS = 10;

function systemCard({ code, title, message, facts, at, links }: SystemAlert): AdaptiveCard {
  return toCard(
    plain(title),
    [
      {
        type: 'Container',
        style: 'warning',
        bleed: true,
        items: [
          {
            type: 'RichTextBlock',
            inlines: [{ type: 'TextRun', text: plain(title), weight: 'bolder', size: 'large' }],
          },
          { type: 'RichTextBlock', inlines: [{ type: 'TextRun', text: plain(code, 80), fontType: 'monospace' }] },
        ],
      },
      { type: 'RichTextBlock', inlines: [{ type: 'TextRun', text: plain(message, 1000) }] },
      {
        type: 'FactSet',
        facts: [...facts.slice(0, MAX_FACTS), { name: 'When', value: at }].map(({ name, value }) => ({
          title: escapeMarkdown(name, 60),
          value: escapeMarkdown(value, 300),
        })),
      },
    ],
    toActions(links),
  );
}
