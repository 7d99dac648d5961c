import type { Pair } from "./pair.ts";

/** A drawn curve. */
export interface CurveDrawing {
  readonly width: number;
  readonly height: number;
  /** Seconds at the right edge. */
  readonly endSeconds: number;
}

const fixed = (value: number): string => value.toFixed(1);

/** Position of a time on the drawing. */
export const curveX = (timeSeconds: number, drawing: CurveDrawing): number =>
  8 + (drawing.endSeconds === 0 ? 0 : timeSeconds / drawing.endSeconds) * (drawing.width - 16);

/** The relevance curve of a pair as the inside of an SVG: bands of replaced frames, line, dots at key frames, axis. */
export const curveSvg = (pair: Pair, frameTimes: readonly number[], drawing: CurveDrawing): string => {
  const { width, height } = drawing;
  const low = Math.min(...pair.scores);
  const high = Math.max(...pair.scores);
  const y = (score: number): number => height - 22 - ((score - low) / (high - low || 1)) * (height - 34);
  const x = (time: number): number => curveX(time, drawing);
  const points = pair.timeline.map(
    ({ timeSeconds }, at) => `${fixed(x(timeSeconds))},${fixed(y(pair.scores[at]!))}`,
  );
  const key = new Set(pair.keyFrames);
  const bands = replacedSpans(pair, frameTimes, drawing.endSeconds).map(
    ([from, to]) =>
      `<rect x="${fixed(x(from))}" y="6" width="${fixed(Math.max(0.8, x(to) - x(from)))}" height="${height - 26}" fill="#f4b8b0"/>`,
  );
  const dots = pair.timeline.flatMap(({ index, timeSeconds }, at) =>
    key.has(index)
      ? [
          `<circle cx="${fixed(x(timeSeconds))}" cy="${fixed(y(pair.scores[at]!))}" r="4" fill="#b3261e"><title>frame ${index + 1} at ${timeSeconds.toFixed(2)} s</title></circle>`,
        ]
      : [],
  );
  const step =
    [0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 300, 600, 1800].find((s) => drawing.endSeconds / s <= 12) ?? 3600;
  const ticks: string[] = [];
  for (let time = 0; time <= drawing.endSeconds + 1e-9; time += step)
    ticks.push(
      `<text x="${fixed(x(time))}" y="${height - 4}" font-size="11" font-family="sans-serif" fill="#555" text-anchor="middle">${+time.toFixed(1)}${time === 0 ? " s" : ""}</text>`,
    );
  return [
    `<rect width="${width}" height="${height}" fill="#fff"/>`,
    ...bands,
    `<line x1="8" x2="${width - 8}" y1="${height - 20}" y2="${height - 20}" stroke="#999"/>`,
    `<polyline points="${points.join(" ")}" fill="none" stroke="#1b5e9b" stroke-width="1.6"/>`,
    ...dots,
    ...ticks,
  ].join("\n");
};

/** Runs of declared frames as [start, end) in seconds. */
export const replacedSpans = (pair: Pair, times: readonly number[], end: number): [number, number][] => {
  const spans: [number, number][] = [];
  let last = -2;
  for (const { index } of pair.replacements) {
    const until = times[index + 1] ?? end;
    if (index === last + 1) spans[spans.length - 1]![1] = until;
    else spans.push([times[index] ?? 0, until]);
    last = index;
  }
  return spans;
};
