import { type Html, type HtmlValue, html } from "../core/html.ts";
import { niceTicks, type Range } from "./format.ts";

/** One dot with its interval. `look` picks colour and shape: 0 disc, 1 diamond, 2 ring. */
export interface IntervalMark {
  readonly look: 0 | 1 | 2;
  readonly estimate: Range & { readonly value: number };
  readonly title: string;
  readonly label: string;
}

/** A named row with its marks. */
export interface IntervalRow {
  readonly name: string;
  readonly note: string;
  readonly marks: readonly IntervalMark[];
}

const shape = (look: 0 | 1 | 2, x: number, y: number): Html =>
  look === 0
    ? html`<circle class="dot v0" cx="${x}" cy="${y}" r="5"/>`
    : look === 1
      ? html`<rect class="dot v1" x="${x - 4.5}" y="${y - 4.5}" width="9" height="9" transform="rotate(45 ${x} ${y})"/>`
      : html`<circle class="dot v2" cx="${x}" cy="${y}" r="4.4"/>`;

const GAP = 21;
const ROW_PAD = 15;

/** Where things stand: beside each other on wide pages, names above their marks on narrow ones. */
interface Layout {
  readonly width: number;
  /** Room for names left of the axis; 0: names stand above. */
  readonly labels: number;
  readonly right: number;
  readonly ticks: number;
  readonly look: "wide" | "narrow";
  /** Letters of a name that there is room for. */
  readonly letters: number;
}
const WIDE: Layout = { width: 1040, labels: 210, right: 70, ticks: 7, look: "wide", letters: 27 };
/** Width of a bold letter at most, and where names leave too little of the axis. */
const [letterWidth, mostLabels] = [7.8, 420];
/** The wide layout with room for the longest name, as far as the axis allows. */
const wideFor = (rows: IntervalPlot["rows"]): Layout => {
  const longest = Math.max(WIDE.letters, ...rows.map(({ name }) => name.length));
  const labels = Math.min(mostLabels, Math.round(longest * letterWidth));
  return { ...WIDE, labels, letters: Math.floor(labels / letterWidth) };
};
const NARROW: Layout = { width: 330, labels: 0, right: 46, ticks: 4, look: "narrow", letters: 40 };

/** A name that fits; a longer one loses its middle, since names tell apart by their ends. */
const fittedName = (name: string, letters: number): string => {
  if (name.length <= letters) return name;
  const half = (letters - 1) / 2;
  return `${name.slice(0, Math.ceil(half))}…${name.slice(name.length - Math.floor(half))}`;
};

/** What an interval plot shows. */
export interface IntervalPlot {
  readonly title: string;
  readonly rows: readonly IntervalRow[];
  readonly references: readonly { readonly value: number; readonly label: string }[];
  readonly format: (value: number) => string;
  /** Ends of the axis at least. */
  readonly span: readonly [number, number];
}

const draw = ({ title, rows, references, format, span }: IntervalPlot, layout: Layout): Html => {
  const marks = rows.flatMap((row) => row.marks);
  const lines = references.map(({ value }) => value);
  const ticks = niceTicks(
    Math.min(span[0], ...lines, ...marks.map(({ estimate }) => estimate.low)),
    Math.max(span[1], ...lines, ...marks.map(({ estimate }) => estimate.high)),
    layout.ticks,
  );
  const [low, high] = [ticks[0]!, ticks.at(-1)!];
  const above = layout.labels === 0 ? (rows.some(({ note }) => note !== "") ? 36 : 20) : 0;
  const left = layout.labels === 0 ? 14 : layout.labels;
  const top = references.some(({ label }) => label !== "") ? 34 : 10;
  const heights = rows.map((row) => Math.max(1, row.marks.length) * GAP + ROW_PAD + above);
  const bottom = top + heights.reduce((sum, height) => sum + height, 0);
  const toX = (value: number): number =>
    Number((left + ((value - low) / (high - low)) * (layout.width - left - layout.right)).toFixed(1));
  let y = top;
  const drawn: HtmlValue[] = rows.map((row, i) => {
    const start = y;
    y += heights[i]!;
    const middle = start + heights[i]! / 2;
    const names =
      above > 0
        ? html`<text class="name" x="0" y="${start + 18}">${fittedName(row.name, layout.letters)}</text><text class="tick" x="0" y="${start + 33}">${row.note}</text>`
        : html`<text class="name" x="0" y="${row.note === "" ? middle + 5 : middle - 3}">${fittedName(row.name, layout.letters)}</text><text class="tick" x="0" y="${middle + 14}">${row.note}</text>`;
    return html`${i > 0 && html`<line class="grid" x1="0" x2="${layout.width}" y1="${start}" y2="${start}"/>`}${names}
${row.marks.map(({ look, estimate, title: about, label }, at) => {
  const line = start + above + ROW_PAD / 2 + GAP * (at + 0.5);
  return html`<g><title>${about}</title><line class="reach v${look}" x1="${toX(estimate.low)}" x2="${toX(estimate.high)}" y1="${line}" y2="${line}"/>${shape(look, toX(estimate.value), line)}<text class="value" x="${toX(estimate.high) + 9}" y="${line + 4}">${label}</text></g>`;
})}`;
  });
  return html`<svg class="intervals ${layout.look}" viewBox="0 0 ${layout.width} ${bottom + 26}" role="img" aria-label="${title}">
${ticks.map(
  (tick) =>
    html`<line class="grid" x1="${toX(tick)}" x2="${toX(tick)}" y1="${top}" y2="${bottom}"/><text class="tick" text-anchor="middle" x="${toX(tick)}" y="${bottom + 17}">${format(tick)}</text>`,
)}
${references.map(
  ({ value, label }, i) =>
    html`<line class="reference" x1="${toX(value)}" x2="${toX(value)}" y1="${top - 6}" y2="${bottom}"/><text class="tick" text-anchor="middle" x="${toX(value)}" y="${top - 10 - (i % 2) * 13}">${label}</text>`,
)}
${drawn}
</svg>`;
};

/** Shares on a common axis: one group a row, dots with 95 % intervals, and labelled reference lines. */
export const intervalPlot = (plot: IntervalPlot): Html =>
  plot.rows.every((row) => row.marks.length === 0)
    ? html`<p class="muted">Not measured.</p>`
    : html`${draw(plot, wideFor(plot.rows))}${draw(plot, NARROW)}`;
