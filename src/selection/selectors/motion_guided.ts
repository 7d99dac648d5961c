import { z } from "zod";
import { ConfigError } from "../../core/errors.ts";
import { indicesForCount } from "../../video/timeline.ts";
import { asSelection, defineSelector, type SelectorDefinition } from "../selectors.ts";

const params = z.strictObject({
  exponent: z
    .number()
    .min(0)
    .max(4)
    .default(0.5)
    .describe("of the motion: 0 spreads evenly over frames, 1 in proportion to motion"),
});

/**
 * The running sum of motion ^ exponent, as shares of its end: [T]. Undefined where nothing moves.
 */
const cumulativeMotion = (motion: ArrayLike<number>, exponent: number): Float64Array | undefined => {
  const sums = new Float64Array(motion.length);
  let sum = 0;
  for (let at = 0; at < motion.length; at++) {
    sum += motion[at]! > 0 ? motion[at]! ** exponent : 0;
    sums[at] = sum;
  }
  return sum > 0 ? sums.map((value) => value / sum) : undefined;
};

/**
 * Equal parts of the cumulative motion, one frame of each: the middle, or a random point where the request draws. A
 * frame that is taken already gives way to the next one that is free. Without any motion, equal spans of time.
 */
const selector: SelectorDefinition = defineSelector({
  summary: "one frame of each equal part of the cumulative motion; needs the motion of every frame",
  source: "MGSampler (arXiv 2104.09952), as recalled; taking the next free frame is ours",
  params,
  create: ({ exponent }) => ({
    select: (request) => {
      const { timeline, budget, motion, random, durationSeconds } = request;
      if (motion === undefined || motion.length !== timeline.length)
        throw new ConfigError("motion_guided chooses by motion, which nobody measured here", {
          expected: `the motion of ${timeline.length} frames`,
          got: motion === undefined ? "none" : String(motion.length),
          hint: "it works in `fragments`; choose another selector",
        });
      const curve = cumulativeMotion(motion, exponent);
      if (curve === undefined)
        return asSelection(indicesForCount(timeline, budget, undefined, durationSeconds), request);
      const count = Math.min(budget, timeline.length);
      const chosen: number[] = [];
      for (let part = 0; part < count; part++) {
        const level = (part + (random?.next() ?? 0.5)) / count;
        let at = curve.findIndex((value) => value >= level);
        if (at < 0) at = curve.length - 1;
        chosen.push(Math.min(Math.max(at, (chosen.at(-1) ?? -1) + 1), timeline.length - count + part));
      }
      return asSelection(chosen, request);
    },
  }),
});

export default selector;
