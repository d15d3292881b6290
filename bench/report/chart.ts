import type { Series } from './results.js';

const WIDTH = 640;
const HEIGHT = 360;
const LEFT = 70;
const RIGHT = 190;
const TOP = 30;
const BOTTOM = 45;
const COLOURS = ['#0b6e99', '#c2410c', '#15803d', '#7e22ce'] as const;

/** Which of a point's values is drawn. */
export interface ChartOptions {
  readonly title: string;
  readonly unit: string;
  readonly value: (point: Series['points'][number]) => number;
}

/** A picture (SVG) of how a value grows with the number of artifacts, both axes logarithmic: linear growth rises by one decade in each. */
export function drawGrowth(series: readonly Series[], { title, unit, value }: ChartOptions): string {
  const points = series.flatMap(({ points: each }) => each);
  const [left, right] = decades(points.map(({ count }) => count));
  const [low, high] = decades(points.map(value));
  const x = (count: number) => LEFT + ((Math.log10(count) - left) / (right - left)) * (WIDTH - LEFT - RIGHT);
  const y = (amount: number) => HEIGHT - BOTTOM - ((Math.log10(amount) - low) / (high - low)) * (HEIGHT - TOP - BOTTOM);
  const grid = [
    ...range(left, right).map((decade) => {
      const at = x(10 ** decade).toFixed(1);
      return `<line x1="${at}" y1="${TOP}" x2="${at}" y2="${HEIGHT - BOTTOM}" stroke="#ddd"/><text x="${at}" y="${HEIGHT - BOTTOM + 18}" text-anchor="middle">${label(10 ** decade)}</text>`;
    }),
    ...range(low, high).map((decade) => {
      const at = y(10 ** decade).toFixed(1);
      return `<line x1="${LEFT}" y1="${at}" x2="${WIDTH - RIGHT}" y2="${at}" stroke="#ddd"/><text x="${LEFT - 8}" y="${Number(at) + 4}" text-anchor="end">${label(10 ** decade)}</text>`;
    }),
  ];
  const lines = series.map(({ work, place, points: each }, i) => {
    const colour = COLOURS[i % COLOURS.length];
    const path = each.map((point) => `${x(point.count).toFixed(1)},${y(value(point)).toFixed(1)}`).join(' ');
    const dots = each.map(
      (point) =>
        `<circle cx="${x(point.count).toFixed(1)}" cy="${y(value(point)).toFixed(1)}" r="3" fill="${colour}"/>`,
    );
    const legend = `<text x="${WIDTH - RIGHT + 14}" y="${TOP + 14 + i * 34}" fill="${colour}">${work}<tspan x="${WIDTH - RIGHT + 14}" dy="14">${place}</tspan></text>`;
    return `<polyline points="${path}" fill="none" stroke="${colour}" stroke-width="2"/>${dots.join('')}${legend}`;
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="12">`,
    `<title>${title}</title><rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>`,
    `<text x="${LEFT}" y="18" font-size="14">${title}, ${unit}</text>`,
    ...grid,
    ...lines,
    `<text x="${(LEFT + WIDTH - RIGHT) / 2}" y="${HEIGHT - 8}" text-anchor="middle">artifacts</text>`,
    '</svg>\n',
  ].join('\n');
}

function decades(values: readonly number[]): readonly [number, number] {
  return [Math.floor(Math.log10(Math.min(...values))), Math.ceil(Math.log10(Math.max(...values)))];
}

function range(from: number, to: number): readonly number[] {
  return Array.from({ length: to - from + 1 }, (_, i) => from + i);
}

function label(value: number): string {
  return value >= 1 ? value.toLocaleString('en-US') : String(value);
}
