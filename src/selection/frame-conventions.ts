import { linspaceFloat32, roundHalfEven } from "../core/python-numbers.ts";

/**
 * The frame-index formulas of published evaluation code, as they stand there: they may repeat an index when a clip is
 * shorter than the number of frames asked for. `total` is the number of decoded frames, `count` what is asked for.
 */

const range = (count: number): number[] => Array.from({ length: count }, (_, at) => at);

/** trunc(i (T-1) / (n-1)), the last one T-1. @source lmms-eval, VRU-Accident and VSI-Bench loaders */
export const linspaceTrunc = (total: number, count: number): number[] => {
  if (count === 1) return [0];
  const step = (total - 1) / (count - 1);
  return range(count).map((i) => (i === count - 1 ? total - 1 : Math.trunc(i * step)));
};

/** trunc(i T / (n+1)) for i = 1..n. @source VLMEvalKit, default video sampling */
export const innerPoints = (total: number, count: number): number[] => {
  const step = total / (count + 1);
  return range(count).map((i) => Math.trunc((i + 1) * step));
};

/**
 * trunc(a + s/2 + rint(s i)) with s = (b - a) / n. Without bounds a = 0, b = T-1; with bounds in seconds,
 * a = max(0, round(start fps)) and b = min(round(end fps), T-1).
 *
 * @source MVBench, MLVU and InternVL `get_index`
 */
export const segmentMiddles = (
  total: number,
  count: number,
  bounds?: { readonly startSeconds: number; readonly endSeconds: number; readonly fps: number },
): number[] => {
  const a = bounds === undefined ? 0 : Math.max(0, roundHalfEven(bounds.startSeconds * bounds.fps));
  const b =
    bounds === undefined ? total - 1 : Math.min(roundHalfEven(bounds.endSeconds * bounds.fps), total - 1);
  const segment = (b - a) / count;
  return range(count).map((i) => Math.trunc(a + segment / 2 + roundHalfEven(segment * i)));
};

/** trunc(i (T / n)), the step rounded first as numpy's arange does. @source VRU-Accident's Qwen and LLaVA scripts */
export const arangeTrunc = (total: number, count: number): number[] =>
  range(count).map((i) => Math.trunc(i * (total / count)));

/**
 * rint(linspace(0, T-1, n)) in float32, filled from both ends as torch does it.
 *
 * @source qwen-vl-utils `fetch_video` (torch.linspace, round, long)
 */
export const linspaceRound = (total: number, count: number): number[] =>
  Array.from(linspaceFloat32(0, total - 1, count), roundHalfEven);

/** k = min(n, int(duration)) frames at int(int(duration fps) / k) i. @source LongVideoBench loader */
export const longVideoBench = (durationSeconds: number, fps: number, count: number): number[] => {
  const frames = Math.min(count, Math.trunc(durationSeconds));
  const step = Math.trunc(Math.trunc(durationSeconds * fps) / frames);
  return range(Math.max(0, frames)).map((i) => step * i);
};
