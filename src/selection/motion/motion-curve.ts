import { z } from "zod";
import { ShapeError } from "../../core/errors.ts";
import type { FrameBatch } from "../../frames/frame-batch.ts";
import { blockChange, meanOfStrongest } from "./block-change.ts";
import { globalShift } from "./global-shift.ts";
import { type Planes, planesOf } from "./planes.ts";

/** Parameters of the motion curve. */
export const motionParams: z.ZodObject<{
  reachSeconds: z.ZodDefault<z.ZodNumber>;
  border: z.ZodDefault<z.ZodEnum<{ rest: "rest"; open: "open" }>>;
  longestSide: z.ZodDefault<z.ZodNumber>;
  cameraReachShare: z.ZodDefault<z.ZodNumber>;
  blocks: z.ZodDefault<z.ZodNumber>;
  strongestShare: z.ZodDefault<z.ZodNumber>;
  colourWeight: z.ZodDefault<z.ZodNumber>;
  removeFlicker: z.ZodDefault<z.ZodBoolean>;
  smoothingSeconds: z.ZodDefault<z.ZodNumber>;
}> = z.strictObject({
  reachSeconds: z
    .number()
    .nonnegative()
    .default(1)
    .describe(
      "a frame is compared with those this many seconds before and after it (at least one frame away)",
    ),
  border: z
    .enum(["rest", "open"])
    .default("rest")
    .describe(
      "rest: the clip's first and last frame stand for what lies outside; open: only the side that exists",
    ),
  longestSide: z.number().int().min(8).default(96).describe("pictures are reduced to this many pixels"),
  cameraReachShare: z
    .number()
    .min(0)
    .max(0.4)
    .default(0.09)
    .describe("camera shift searched and removed, as a share of each side; 0 removes none"),
  blocks: z.number().int().min(1).max(32).default(8).describe("blocks a row and a column"),
  strongestShare: z
    .number()
    .gt(0)
    .max(1)
    .default(0.25)
    .describe("share of the blocks, the strongest ones, whose mean is the score"),
  colourWeight: z
    .number()
    .min(0)
    .default(0.5)
    .describe("weight of a level of colour difference against luma"),
  removeFlicker: z
    .boolean()
    .default(true)
    .describe("subtract the mean brightness change of the whole picture"),
  smoothingSeconds: z
    .number()
    .min(0)
    .default(0.25)
    .describe("standard deviation of the Gaussian that smooths the curve, seconds; 0 leaves it rough"),
});

/** Checked {@link motionParams}. */
export type MotionParams = z.output<typeof motionParams>;

interface Held {
  readonly planes: Planes;
  readonly timeSeconds: number;
}

/** Times closer than this are equal (half a millisecond). */
const sameTimeSeconds = 5e-4;

/**
 * How much each frame departs from what was before AND what comes after, from frames pushed in order.
 *
 * For a frame at time t: the frames at most `reachSeconds` before and at least that much after; the camera's shift to
 * each is removed; per block, the smaller of the two changes counts (a cut, or an object that stays, changes on one
 * side only); the strongest blocks' mean is the raw score, in levels. The curve is smoothed over true time and
 * expressed in robust deviations from the clip's median. Holds only the frames within reach, whatever the length.
 *
 * @source ours; studied in docs/relevance.md
 */
export class MotionCurve {
  readonly #params: MotionParams;
  readonly #held: Held[] = [];
  #dropped = 0;
  #settled = 0;
  #past = 0;
  readonly #raw: number[] = [];
  readonly #times: number[] = [];
  readonly #scratch: readonly [Float64Array, Float64Array, Float64Array];
  readonly #strongest: number;

  constructor(params: MotionParams) {
    this.#params = params;
    const cells = params.blocks * params.blocks;
    this.#scratch = [new Float64Array(cells), new Float64Array(cells), new Float64Array(cells)];
    this.#strongest = Math.max(1, Math.round(params.strongestShare * cells));
  }

  /** Takes the next frames of the clip. @throws {ShapeError} when the size changes */
  push(batch: FrameBatch): void {
    for (let position = 0; position < batch.frames.length; position++) {
      const planes = planesOf(batch, position, this.#params.longestSide);
      const first = this.#held[0]?.planes;
      if (first !== undefined && (first.width !== planes.width || first.height !== planes.height))
        throw new ShapeError("frames of one clip differ in size", {
          expected: `${first.width}x${first.height}`,
          got: `${planes.width}x${planes.height}`,
        });
      const timeSeconds = batch.frames[position]!.timeSeconds;
      this.#held.push({ planes, timeSeconds });
      this.#times.push(timeSeconds);
      const newest = this.#times.length - 1;
      const known = timeSeconds - this.#params.reachSeconds + sameTimeSeconds;
      while (this.#settled < newest && this.#times[this.#settled]! <= known)
        this.#settle(this.#settled++, newest);
    }
  }

  /** The scores of everything pushed, in robust deviations from the clip's median; the curve takes no more frames. */
  finish(): Float64Array {
    const last = this.#times.length - 1;
    while (this.#settled <= last) this.#settle(this.#settled++, undefined);
    const curve = smoothedOverTime(this.#raw, this.#times, this.#params.smoothingSeconds);
    return inRobustDeviations(curve);
  }

  #at(index: number): Held {
    return this.#held[index - this.#dropped]!;
  }

  /** Scores frame `index`; `future` is undefined when the clip ends before `reachSeconds` have passed. */
  #settle(index: number, future: number | undefined): void {
    const here = this.#at(index);
    const limit = here.timeSeconds - this.#params.reachSeconds + sameTimeSeconds;
    while (this.#past + 1 < index && this.#times[this.#past + 1]! <= limit) this.#past++;
    const last = this.#times.length - 1;
    let before = index > 0 && this.#times[this.#past]! <= limit ? this.#past : undefined;
    let after = future;
    if (this.#params.border === "rest" || (before === undefined && after === undefined)) {
      before ??= 0;
      after ??= last;
    }
    const [changeBefore, changeAfter, sorted] = this.#scratch;
    if (before !== undefined) this.#change(here, this.#at(before), changeBefore);
    if (after !== undefined) this.#change(here, this.#at(after), changeAfter);
    if (before !== undefined && after !== undefined)
      for (let i = 0; i < changeBefore.length; i++)
        if (changeAfter[i]! < changeBefore[i]!) changeBefore[i] = changeAfter[i]!;
    const changes = before === undefined ? changeAfter : changeBefore;
    this.#raw.push(meanOfStrongest(changes, this.#strongest, sorted));
    while (this.#dropped < this.#past) {
      this.#held.shift();
      this.#dropped++;
    }
  }

  #change(here: Held, other: Held, out: Float64Array): void {
    if (here === other) {
      out.fill(0);
      return;
    }
    const { cameraReachShare } = this.#params;
    const shift =
      cameraReachShare === 0 ? { dx: 0, dy: 0 } : globalShift(here.planes, other.planes, cameraReachShare);
    blockChange(here.planes, other.planes, shift, this.#params, out);
  }
}

/** A curve convolved with a Gaussian over true times; weights are renormalised at the borders. */
export const smoothedOverTime = (
  values: ArrayLike<number>,
  timesSeconds: ArrayLike<number>,
  deviationSeconds: number,
): Float64Array => {
  const result = Float64Array.from(values);
  if (deviationSeconds === 0) return result;
  const reach = 3 * deviationSeconds;
  let from = 0;
  for (let i = 0; i < values.length; i++) {
    const here = timesSeconds[i]!;
    while (timesSeconds[from]! < here - reach) from++;
    let sum = 0;
    let weights = 0;
    for (let j = from; j < values.length && timesSeconds[j]! <= here + reach; j++) {
      const distance = (timesSeconds[j]! - here) / deviationSeconds;
      const weight = Math.exp(-0.5 * distance * distance);
      sum += weight * values[j]!;
      weights += weight;
    }
    result[i] = sum / weights;
  }
  return result;
};

/** Distance from the median in units of 1.4826 x median absolute deviation (or of the mean one, or 0, if that is 0). */
export const inRobustDeviations = (values: Float64Array): Float64Array => {
  if (values.length === 0) return values;
  const median = medianOf(values);
  const distances = values.map((value) => Math.abs(value - median));
  let unit = 1.4826 * medianOf(distances);
  if (!(unit > 1e-9)) unit = (1.2533 * distances.reduce((sum, value) => sum + value, 0)) / distances.length;
  return values.map((value) => (unit > 1e-9 ? (value - median) / unit : 0));
};

const medianOf = (values: Float64Array): number => {
  const sorted = Float64Array.from(values).sort();
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
};

/**
 * The motion curve of a whole small clip in memory: `frames` [T] -> scores [T], robust deviations from the median.
 *
 * @throws {z.ZodError} for parameters out of range
 */
export const motionScores = (frames: FrameBatch, params: Partial<MotionParams> = {}): Float64Array => {
  const curve = new MotionCurve(motionParams.parse(params));
  curve.push(frames);
  return curve.finish();
};
