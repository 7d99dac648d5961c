import type { Pair } from "./pair.ts";
import type { TwinView } from "./twin-view.ts";

/** A drawn curve. */
export interface CurveDrawing {
  readonly width: number;
  readonly height: number;
  /** Seconds at the right edge. */
  readonly endSeconds: number;
}

/** Room at the left (for the score's axis), right and below (for the time's axis) of the curve, in pixels. */
export const curveMargin: { readonly left: number; readonly right: number; readonly bottom: number } = {
  left: 46,
  right: 14,
  bottom: 26,
};

const top = 22;
const { bottom } = curveMargin;
/** Labels of key frames closer than this are left out, the lower scores first. */
const labelRoom = 20;

/** Height of a label of the score's axis, in pixels. */
const levelRoom = 13;

const fixed = (value: number): string => value.toFixed(1);

/** Position of a time on the drawing. */
const curveX = (timeSeconds: number, { width, endSeconds }: CurveDrawing): number =>
  curveMargin.left +
  (endSeconds === 0 ? 0 : timeSeconds / endSeconds) * (width - curveMargin.left - curveMargin.right);

/** Lowest and highest of many values; 0 and 0 when there are none. */
const rangeOf = (values: readonly number[]): [number, number] =>
  values.length === 0
    ? [0, 0]
    : values.reduce<[number, number]>(
        ([low, high], value) => [Math.min(low, value), Math.max(high, value)],
        [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY],
      );

/**
 * At most four points a pixel column (first, lowest, highest, last), so that hours of scores make a short line with
 * every peak in it.
 */
const thinnedPoints = (points: readonly (readonly [number, number])[]): [number, number][] => {
  const result: [number, number][] = [];
  for (let from = 0; from < points.length; ) {
    const column = Math.floor(points[from]![0]);
    let to = from;
    let low = from;
    let high = from;
    while (to < points.length && Math.floor(points[to]![0]) === column) {
      if (points[to]![1] < points[low]![1]) low = to;
      if (points[to]![1] > points[high]![1]) high = to;
      to++;
    }
    for (const at of [...new Set([from, low, high, to - 1])].sort((a, b) => a - b))
      result.push([...(points[at] as readonly [number, number])]);
    from = to;
  }
  return result;
};

/** Room for one mark of the time axis, in pixels. */
const markRoom = 56;

/** Seconds between two marks of the time axis: at most twelve marks, and each one has room. */
const timeStep = ({ endSeconds, width }: CurveDrawing): number => {
  const most = Math.max(
    1,
    Math.min(12, Math.floor((width - curveMargin.left - curveMargin.right) / markRoom)),
  );
  const steps = [0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200];
  return steps.find((step) => endSeconds / step <= most) ?? 14_400;
};

/** A time as people write it: "3.5 s", or "1:02:03" from a minute on. */
export const clockTime = (seconds: number, digits = 0): string => {
  if (seconds < 60) return `${+seconds.toFixed(Math.max(digits, 1))} s`;
  const rest = seconds % 60;
  const minutes = Math.floor(seconds / 60);
  const padded = rest.toFixed(digits).padStart(digits > 0 ? digits + 3 : 2, "0");
  return minutes < 60
    ? `${minutes}:${padded}`
    : `${Math.floor(minutes / 60)}:${String(minutes % 60).padStart(2, "0")}:${padded}`;
};

/**
 * The relevance curve of a pair as the inside of an SVG: bands of replaced frames, the score's and the time's axis, the
 * line, and numbered dots at key frames. Parts have classes, so that a page's style can recolour them.
 */
export const curveSvg = (
  pair: Pair,
  view: TwinView,
  frameTimes: readonly number[],
  drawing: CurveDrawing,
): string => {
  const { width, height, endSeconds } = drawing;
  const [low, high] = rangeOf(pair.scores);
  const y = (score: number): number =>
    height - bottom - (high > low ? (score - low) / (high - low) : 0.5) * (height - top - bottom);
  const x = (time: number): number => curveX(time, drawing);
  const text = (attributes: string, content: string): string =>
    `<text font-size="11" font-family="sans-serif" fill="#555" ${attributes}>${content}</text>`;
  const points = thinnedPoints(
    pair.timeline.map(({ timeSeconds }, at) => [x(timeSeconds), y(pair.scores[at]!)] as const),
  );
  const bands = replacedSpans(view, frameTimes, endSeconds).map(
    ([from, to]) =>
      `<rect class="replaced" x="${fixed(x(from))}" y="${top - 8}" width="${fixed(Math.max(1, x(to) - x(from)))}" height="${height - top - bottom + 8}" fill="#f4b8b0"/>`,
  );
  // Zero is marked where its label has room between those of the lowest and the highest score.
  const zeroHasRoom = Math.min(y(low) - y(0), y(0) - y(high)) >= levelRoom;
  const levels = high > low ? [low, ...(low < 0 && high > 0 && zeroHasRoom ? [0] : []), high] : [low];
  const scoreAxis = levels.flatMap((level) => [
    `<line class="grid" x1="${curveMargin.left}" x2="${width - curveMargin.right}" y1="${fixed(y(level))}" y2="${fixed(y(level))}" stroke="#ddd"/>`,
    text(
      `class="axis" x="${curveMargin.left - 6}" y="${fixed(y(level) + 4)}" text-anchor="end"`,
      String(+level.toPrecision(2)),
    ),
  ]);
  const timeAxis: string[] = [];
  const step = timeStep(drawing);
  for (let at = 0; at * step <= endSeconds + 1e-9; at++)
    timeAxis.push(
      text(
        `class="axis" x="${fixed(x(at * step))}" y="${height - 6}" text-anchor="middle"`,
        clockTime(at * step),
      ),
    );
  return [
    `<rect class="ground" width="${width}" height="${height}" fill="#fff"/>`,
    ...bands,
    ...scoreAxis,
    `<polyline class="line" points="${points.map(([px, py]) => `${fixed(px)},${fixed(py)}`).join(" ")}" fill="none" stroke="#1b5e9b" stroke-width="1.6"/>`,
    ...keyMarks(pair, x, y),
    ...timeAxis,
  ].join("\n");
};

/** A dot at every key frame and, where there is room, its number (from 1, in order of time). */
const keyMarks = (pair: Pair, x: (time: number) => number, y: (score: number) => number): string[] => {
  const positions = new Map(pair.timeline.map(({ index }, at) => [index as number, at]));
  const keys = pair.keyFrames.map((index, number) => {
    const at = positions.get(index)!;
    const { timeSeconds } = pair.timeline[at]!;
    return { index, number: number + 1, timeSeconds, score: pair.scores[at]! };
  });
  const labelled: number[] = [];
  const labels = [...keys]
    .sort((a, b) => b.score - a.score)
    .flatMap(({ number, timeSeconds, score }) => {
      const left = x(timeSeconds);
      if (labelled.some((other) => Math.abs(other - left) < labelRoom)) return [];
      labelled.push(left);
      return [
        `<text class="key" x="${fixed(left)}" y="${fixed(y(score) - 8)}" font-size="12" font-weight="bold" font-family="sans-serif" fill="#b3261e" text-anchor="middle">${number}</text>`,
      ];
    });
  const dots = keys.map(
    ({ index, number, timeSeconds, score }) =>
      `<circle class="key" cx="${fixed(x(timeSeconds))}" cy="${fixed(y(score))}" r="4" fill="#b3261e"><title>key frame ${number}: frame ${index + 1} at ${timeSeconds.toFixed(3)} s, score ${score.toFixed(3)}</title></circle>`,
  );
  return [...dots, ...labels];
};

/** Runs of declared frames as [start, end) in seconds. */
const replacedSpans = (
  { changed }: TwinView,
  frameTimes: readonly number[],
  endSeconds: number,
): [number, number][] => {
  const spans: [number, number][] = [];
  let last = -2;
  for (const index of changed) {
    const until = frameTimes[index + 1] ?? endSeconds;
    if (index === last + 1) spans[spans.length - 1]![1] = until;
    else spans.push([frameTimes[index] ?? 0, until]);
    last = index;
  }
  return spans;
};
