import { type Html, html } from "../core/html.ts";
import { compactNumber, niceTicks } from "./format.ts";

export interface Curve {
  readonly title: string;
  /** What the horizontal axis counts, e.g. "step". */
  readonly xLabel: string;
  /** Unit of the values, e.g. "nats", "share". */
  readonly yLabel: string;
  readonly series: readonly CurveSeries[];
  /** Vertical marks such as the start of a stage. */
  readonly marks?: readonly { readonly x: number; readonly label: string }[];
}

/** One line; points ascend in x, values are finite. */
export interface CurveSeries {
  readonly name: string;
  readonly points: readonly (readonly [x: number, y: number])[];
}

const WIDTH = 520;
const HEIGHT = 258;
const PLOT = { left: 60, right: 14, top: 14, bottom: 42 } as const;
const MOST_POINTS = 240;

/** At most `limit` points: neighbours are averaged in equal stretches, so every value still counts. */
export const thinned = (points: CurveSeries["points"], limit: number = MOST_POINTS): [number, number][] => {
  const finite = points.filter(([x, y]) => Number.isFinite(x) && Number.isFinite(y));
  const size = Math.max(1, Math.ceil(finite.length / limit));
  const result: [number, number][] = [];
  for (let at = 0; at < finite.length; at += size) {
    const stretch = finite.slice(at, at + size);
    const mean = (axis: 0 | 1): number =>
      stretch.reduce((sum, point) => sum + point[axis], 0) / stretch.length;
    result.push([mean(0), mean(1)]);
  }
  return result;
};

const path = (points: readonly (readonly [number, number])[]): string =>
  points.map(([x, y], i) => `${i === 0 ? "M" : "L"}${x.toFixed(1)} ${y.toFixed(1)}`).join("");

/** A line chart as SVG with a legend; the page's script adds a cross-hair that reads the values out. */
export const lineChart = (curve: Curve): Html => {
  const series = curve.series
    .map(({ name, points }) => ({
      name,
      points: thinned(points),
      averaged: Math.ceil(points.length / MOST_POINTS),
    }))
    .filter(({ points }) => points.length > 0);
  if (series.length === 0)
    return html`<figure class="chart"><figcaption>${curve.title}</figcaption><p class="muted">No values were logged.</p></figure>`;
  const xs = series.flatMap(({ points }) => points.map(([x]) => x));
  const ys = series.flatMap(({ points }) => points.map(([, y]) => y));
  const xTicks = niceTicks(Math.min(...xs), Math.max(...xs), 5);
  const lowest = Math.min(...ys);
  const highest = Math.max(...ys);
  // Values of one sign are drawn from 0 when 0 is near, so that heights can be compared.
  const from = lowest >= 0 && lowest < 0.6 * highest ? 0 : lowest;
  const yTicks = niceTicks(from, highest, 5);
  const [x0, x1] = [Math.min(...xs), Math.max(...xs)];
  const [y0, y1] = [yTicks[0]!, yTicks.at(-1)!];
  const toX = (x: number): number =>
    PLOT.left + ((x - x0) / (x1 - x0 || 1)) * (WIDTH - PLOT.left - PLOT.right);
  const toY = (y: number): number =>
    HEIGHT - PLOT.bottom - ((y - y0) / (y1 - y0 || 1)) * (HEIGHT - PLOT.top - PLOT.bottom);
  const data = JSON.stringify({
    left: PLOT.left,
    right: WIDTH - PLOT.right,
    width: WIDTH,
    xLabel: curve.xLabel,
    series: series.map(({ name, points }) => ({
      name,
      points: points.map(([x, y]) => [toX(x), toY(y), compactNumber(x), compactNumber(y)]),
    })),
  });
  const averaged = Math.max(...series.map((one) => one.averaged));
  return html`<figure class="chart" data-chart="${data}">
<figcaption>${curve.title} <span class="muted">${curve.yLabel}</span></figcaption>
${series.length > 1 && html`<ul class="legend">${series.map(({ name }, i) => html`<li><span class="swatch s${i % 6}"></span>${name}</li>`)}</ul>`}
<div class="plot"><svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" tabindex="0" aria-label="${curve.title}: ${series
    .map(
      ({ name, points }) =>
        `${name} from ${compactNumber(points[0]![1])} to ${compactNumber(points.at(-1)![1])}`,
    )
    .join("; ")}">
${yTicks.map(
  (tick) =>
    html`<line class="grid" x1="${PLOT.left}" x2="${WIDTH - PLOT.right}" y1="${toY(tick)}" y2="${toY(tick)}"/><text class="tick" text-anchor="end" x="${PLOT.left - 8}" y="${toY(tick) + 4}">${compactNumber(tick)}</text>`,
)}
${xTicks
  .filter((tick) => tick >= x0 && tick <= x1)
  .map(
    (tick) =>
      html`<text class="tick" text-anchor="middle" x="${toX(tick)}" y="${HEIGHT - PLOT.bottom + 18}">${compactNumber(tick)}</text>`,
  )}
${(curve.marks ?? [])
  .filter(({ x }) => x >= x0 && x <= x1)
  .map(
    ({ x, label }) =>
      html`<line class="mark" x1="${toX(x)}" x2="${toX(x)}" y1="${PLOT.top}" y2="${HEIGHT - PLOT.bottom}"/><text class="tick" text-anchor="${toX(x) > WIDTH * 0.85 ? "end" : "start"}" x="${toX(x) + (toX(x) > WIDTH * 0.85 ? -5 : 5)}" y="${PLOT.top + 9}">${label}</text>`,
  )}
<line class="axis" x1="${PLOT.left}" x2="${WIDTH - PLOT.right}" y1="${HEIGHT - PLOT.bottom}" y2="${HEIGHT - PLOT.bottom}"/>
${series.map(({ points }, i) => {
  const drawn = points.map(([x, y]) => [toX(x), toY(y)] as const);
  const last = drawn.at(-1)!;
  return html`<path class="line s${i % 6}" d="${path(drawn)}"/><circle class="end s${i % 6}" cx="${last[0].toFixed(1)}" cy="${last[1].toFixed(1)}" r="3"/>`;
})}
<text class="tick" text-anchor="end" x="${WIDTH - PLOT.right}" y="${HEIGHT - 4}">${curve.xLabel}</text>
<g class="cursor" visibility="hidden"><line class="mark" y1="${PLOT.top}" y2="${HEIGHT - PLOT.bottom}"/></g>
</svg><output class="tip" hidden></output></div>
${averaged > 1 && html`<p class="muted small">Each point is the mean of ${averaged} logged values.</p>`}
</figure>`;
};
