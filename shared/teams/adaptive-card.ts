/** The part of Adaptive Cards 1.4 that we use: what Teams shows in every client. https://adaptivecards.io/explorer/ */
export type Colour = 'default' | 'good' | 'warning' | 'attention' | 'accent';

export interface TextBlock {
  readonly type: 'TextBlock';
  readonly text: string;
  readonly wrap?: boolean;
  readonly weight?: 'bolder';
  readonly size?: 'small' | 'medium' | 'large';
  readonly color?: Colour;
  readonly isSubtle?: boolean;
  readonly spacing?: 'none' | 'small' | 'medium';
  readonly fontType?: 'monospace';
}

export interface TextRun {
  readonly type: 'TextRun';
  readonly text: string;
  readonly weight?: 'bolder';
  readonly color?: Colour;
  readonly isSubtle?: boolean;
  readonly size?: 'small' | 'medium' | 'large';
  readonly fontType?: 'monospace';
}

/** Its runs are never read as markdown, which makes it the place for outside text. */
export interface RichTextBlock {
  readonly type: 'RichTextBlock';
  readonly inlines: readonly TextRun[];
  readonly spacing?: 'none' | 'small' | 'medium';
}

export interface FactSet {
  readonly type: 'FactSet';
  readonly facts: readonly { readonly title: string; readonly value: string }[];
}

export interface Column {
  readonly type: 'Column';
  readonly width: 'auto' | 'stretch';
  readonly items: readonly CardElement[];
}

export interface ColumnSet {
  readonly type: 'ColumnSet';
  readonly columns: readonly Column[];
  readonly spacing?: 'none' | 'small' | 'medium';
}

export interface Container {
  readonly type: 'Container';
  readonly style?: 'default' | 'emphasis' | 'good' | 'warning' | 'attention';
  readonly bleed?: boolean;
  readonly items: readonly CardElement[];
  readonly spacing?: 'none' | 'small' | 'medium';
}

export type CardElement = TextBlock | RichTextBlock | FactSet | ColumnSet | Container;

export interface OpenUrl {
  readonly type: 'Action.OpenUrl';
  readonly title: string;
  readonly url: string;
}

/** One card. */
export interface AdaptiveCard {
  readonly type: 'AdaptiveCard';
  readonly $schema: string;
  readonly version: '1.4';
  readonly msteams: { readonly width: 'Full' };
  /** What a notification shows. */
  readonly fallbackText: string;
  readonly body: readonly CardElement[];
  readonly actions?: readonly OpenUrl[];
}

/** The envelope that a Workflows webhook takes: one message with one card. */
export interface Envelope {
  readonly type: 'message';
  readonly attachments: readonly [
    {
      readonly contentType: 'application/vnd.microsoft.card.adaptive';
      readonly contentUrl: null;
      readonly content: AdaptiveCard;
    },
  ];
}

/** Wraps a card for the webhook. */
export function toEnvelope(content: AdaptiveCard): Envelope {
  return {
    type: 'message',
    attachments: [{ contentType: 'application/vnd.microsoft.card.adaptive', contentUrl: null, content }],
  };
}

/** A card of these parts. */
export function toCard(
  fallbackText: string,
  body: readonly CardElement[],
  actions: readonly OpenUrl[] = [],
): AdaptiveCard {
  return {
    type: 'AdaptiveCard',
    $schema: 'http://adaptivecards.io/schemas/adaptive-card.json',
    version: '1.4',
    msteams: { width: 'Full' },
    fallbackText,
    body,
    ...(actions.length > 0 && { actions }),
  };
}
