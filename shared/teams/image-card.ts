import { formatKey } from '../artifact/reference.js';
import type { AlertOperation, ImageAlert } from '../message/alert.js';
import type { Finding } from '../vulnerability/finding.js';
import type { SeverityCounts } from '../vulnerability/severity.js';
import { type AdaptiveCard, type CardElement, type Colour, type TextRun, toCard } from './adaptive-card.js';
import { toActions } from './actions.js';
import { plain } from './escape.js';

/** How much of everything a card shows; shrunk until the card is small enough. */
export interface Detail {
  readonly findings: number;
  readonly reasons: number;
  readonly tags: number;
  readonly text: number;
}

const LOOK: Readonly<
  Record<
    ImageAlert['verdict'],
    { readonly word: string; readonly style: 'attention' | 'warning' | 'good'; readonly colour: Colour }
  >
> = {
  fail: { word: 'Failed', style: 'attention', colour: 'attention' },
  inconclusive: { word: 'Inconclusive', style: 'warning', colour: 'warning' },
  pass: { word: 'Passes', style: 'good', colour: 'good' },
};

/** The card for news about one image. */
export function imageCard(alert: ImageAlert, detail: Detail): AdaptiveCard {
  const name = `${alert.key.registry}/${alert.key.repository}`;
  const headline = headlineOf(alert);
  const body: CardElement[] = [
    {
      type: 'Container',
      style: LOOK[alert.verdict].style,
      bleed: true,
      items: [
        rich([{ ...run(headline), weight: 'bolder', size: 'large' }]),
        rich([
          { ...run(name, detail.text), weight: 'bolder' },
          { ...run(tagsOf(alert, detail)), isSubtle: true },
        ]),
      ],
    },
    ...reasonsOf(alert, detail),
    ...countsOf(alert.counts),
    ...findingsOf(alert, detail),
    ...secretsOf(alert, detail),
    ...doneOf(alert, detail),
    rich([{ ...run(originOf(alert, detail), 600), isSubtle: true, size: 'small' }]),
    rich([
      {
        ...run(`${alert.platform === undefined ? '' : `${alert.platform} · `}${alert.key.digest}`, 200),
        isSubtle: true,
        size: 'small',
        fontType: 'monospace',
      },
    ]),
    ...releaseOf(alert),
  ];
  const actions = toActions(alert.links);
  return toCard(plain(`${headline}: ${name}`, 200), body, actions);
}

function headlineOf({ verdict, cause, operations, previous, withheld, contested }: ImageAlert): string {
  if (cause === 'release') return 'Released from quarantine';
  const { word } = LOOK[verdict];
  if (isHalfUndone(operations)) return `${verdict === 'pass' ? 'Passes now' : word} — release incomplete`;
  if (verdict === 'pass') return previous === undefined ? word : 'Passes now';
  if (contested === true) return `${word} — somebody keeps taking the lock off`;
  const done = operations.some(({ kind, outcome }) => outcome === 'done' && (kind === 'lock' || kind === 'untag'));
  if (operations.some(({ outcome }) => outcome === 'refused')) return `${word} — quarantine incomplete`;
  if (done) return `${word} and quarantined`;
  if (!operations.some(({ outcome }) => outcome === 'withheld')) return word;
  if (withheld?.because === 'change') return `${word} — will be quarantined`;
  if (withheld?.because === 'reserved') return `${word} — reserved, left as it is`;
  if (withheld?.because === 'brake') return `${word} — quarantine withheld`;
  return withheld?.because === 'existing' ? `${word} — there before, left as it is` : `${word} — observed only`;
}

/** The registry refused to take back what we had done. */
function isHalfUndone(operations: ImageAlert['operations']): boolean {
  return operations.some(({ kind, outcome }) => outcome === 'refused' && (kind === 'unlock' || kind === 'retag'));
}

function tagsOf({ tags }: ImageAlert, detail: Detail): string {
  if (tags.length === 0) return '  (no tag)';
  const shown = tags.slice(-detail.tags).map((tag) => `:${plain(tag, 60)}`);
  const more = tags.length - shown.length;
  return `  ${shown.join(' ')}${more > 0 ? ` and ${more} more` : ''}`;
}

function reasonsOf({ reasons }: ImageAlert, detail: Detail): CardElement[] {
  const shown = reasons
    .slice(0, detail.reasons)
    .map(({ code, message }) =>
      rich([{ ...run(`${plain(code, 60)}  `), weight: 'bolder' }, run(message, detail.text)], 'small'),
    );
  return [...shown, ...more(reasons.length - shown.length, 'reason')];
}

function countsOf(counts: SeverityCounts): CardElement[] {
  const entries = Object.entries(counts).filter(([, count]) => count > 0);
  if (entries.length === 0) return [];
  const colours: Readonly<Record<string, Colour>> = { critical: 'attention', high: 'warning', medium: 'accent' };
  return [
    {
      type: 'ColumnSet',
      spacing: 'medium',
      columns: entries.map(([severity, count]) => ({
        type: 'Column',
        width: 'auto',
        items: [
          {
            type: 'TextBlock',
            text: String(count),
            size: 'large',
            weight: 'bolder',
            color: colours[severity] ?? 'default',
          },
          { type: 'TextBlock', text: severity, size: 'small', isSubtle: true, spacing: 'none' },
        ],
      })),
    },
  ];
}

function findingsOf({ findings, counts }: ImageAlert, detail: Detail): CardElement[] {
  const shown = findings.slice(0, detail.findings);
  const total = counts.critical + counts.high + counts.medium + counts.low + counts.unknown;
  return [...shown.map((finding) => findingLine(finding, detail)), ...more(total - shown.length, 'finding')];
}

function findingLine({ id, package: name, installed, fixed, severity, title }: Finding, detail: Detail): CardElement {
  const colour: Colour = severity === 'CRITICAL' ? 'attention' : severity === 'HIGH' ? 'warning' : 'default';
  const versions = fixed === undefined ? `${installed} — no fix yet` : `${installed} → ${fixed}`;
  return rich(
    [
      { ...run(`${severity} `), color: colour, weight: 'bolder' },
      { ...run(`${plain(id, 40)} `), weight: 'bolder' },
      run(`${plain(name, 80)} ${plain(versions, 120)}`),
      ...(title === undefined || detail.text < 80
        ? []
        : [{ ...run(`  ${plain(title, detail.text)}`), isSubtle: true }]),
    ],
    'small',
  );
}

function secretsOf({ secrets }: ImageAlert, detail: Detail): CardElement[] {
  const shown = secrets.slice(0, detail.findings);
  const lines = shown.map(({ rule, path }) =>
    rich(
      [
        { ...run('SECRET '), color: 'attention', weight: 'bolder' },
        run(`${plain(rule, 60)} in ${plain(path, detail.text)}`),
      ],
      'small',
    ),
  );
  return [...lines, ...more(secrets.length - shown.length, 'secret')];
}

const OUTCOME: Readonly<Record<AlertOperation['outcome'], string>> = {
  done: '',
  withheld: '',
  refused: ' (refused by the registry)',
};
const OPERATION: Readonly<Record<AlertOperation['kind'], string>> = {
  lock: 'digest locked',
  untag: 'tag removed',
  unlock: 'digest unlocked',
  retag: 'tag restored',
};

function doneOf({ operations, withheld }: ImageAlert, detail: Detail): CardElement[] {
  const shown = operations.slice(0, detail.tags + 1);
  if (shown.length === 0) return [];
  const text = shown.map(({ kind, tag, outcome }) => {
    const what = tag === undefined ? OPERATION[kind] : `${OPERATION[kind]} (${plain(tag, 60)})`;
    return `${what}${OUTCOME[outcome]}`;
  });
  const rest = operations.length - shown.length;
  return [
    rich([
      { ...run(withheld === undefined ? 'Done: ' : whenOf(withheld)), weight: 'bolder' },
      run(`${text.join(', ')}${rest > 0 ? ` and ${rest} more` : ''}`, 1000),
    ]),
  ];
}

/** What keeps us from it, in front of what would be done. */
function whenOf({ because, until }: NonNullable<ImageAlert['withheld']>): string {
  if (because === 'change')
    return `It has passed before. To be done at ${plain(until ?? 'a later time', 40)}, unless it passes again: `;
  if (because === 'existing') return 'It is older than this installation. Would be done if it were pushed now: ';
  if (because === 'reserved')
    return 'Lazaret or the cluster depends on this repository, so it is never done here. It would be: ';
  if (because === 'brake') return 'The brake is on. To be done once somebody lets go: ';
  return 'Enforcement is off. Would be done: ';
}

function originOf(alert: ImageAlert, detail: Detail): string {
  const { pushedBy, pushedAt, decidedAt, scannedAt, databaseAt } = alert;
  const by = pushedBy === undefined ? '' : ` by ${plain(pushedBy, detail.text)}`;
  const pushed = pushedAt === undefined ? '' : `Pushed ${plain(pushedAt, 40)}${by}. `;
  const scanned =
    scannedAt === undefined
      ? ''
      : `Scanned ${plain(scannedAt, 40)} with vulnerability data of ${plain(databaseAt ?? 'an unknown time', 40)}. `;
  return `${pushed}${scanned}Decided ${plain(decidedAt, 40)}.`;
}

function releaseOf({ key, operations, cause, contested }: ImageAlert): CardElement[] {
  const command = (word: string) =>
    rich([{ ...run(`npx lazaret ${word} ${formatKey(key)} --reason "…"`, 600), size: 'small', fontType: 'monospace' }]);
  if (operations.some(({ outcome }) => outcome === 'refused')) {
    return [
      rich([
        run(
          'A lock of somebody else, on the tag, the image or its repository, or a missing right kept the registry from it. ' +
            'We do not try again by ourselves. Once it is out of the way:',
        ),
      ]),
      command(isHalfUndone(operations) ? 'release' : 'insist'),
    ];
  }
  const quarantined = operations.some(
    ({ kind, outcome }) => outcome === 'done' && (kind === 'lock' || kind === 'untag'),
  );
  if (!quarantined || cause === 'release') return [];
  if (contested === true) {
    return [
      rich([run('We leave it open until somebody decides. To lock it again, or to release it:')]),
      ...['insist', 'release'].map(command),
    ];
  }
  return [rich([{ ...run('To release:'), size: 'small' }]), command('release')];
}

function more(count: number, noun: string): CardElement[] {
  return count > 0
    ? [rich([{ ...run(`and ${count} more ${noun}${count === 1 ? '' : 's'}`), isSubtle: true }], 'small')]
    : [];
}

function run(text: string, length = 400): TextRun {
  // Runs keep the spaces that part them; everything from outside has been cleaned before it is joined.
  const lead = /^ */.exec(text)?.[0] ?? '';
  const tail = text.trim() === '' ? '' : (/ *$/.exec(text)?.[0] ?? '');
  return { type: 'TextRun', text: `${lead}${plain(text, length)}${tail}` };
}

function rich(inlines: readonly TextRun[], spacing?: 'none' | 'small' | 'medium'): CardElement {
  return { type: 'RichTextBlock', inlines, ...(spacing !== undefined && { spacing }) };
}
