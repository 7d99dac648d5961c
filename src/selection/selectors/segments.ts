import { z } from "zod";
import { ConfigError } from "../../core/errors.ts";
import { sceneTiling } from "../scene-tiling.ts";
import { asSelection, defineSelector, type SelectorDefinition } from "../selectors.ts";

const params = z.strictObject({
  deviations: z
    .number()
    .min(0)
    .max(10)
    .default(0.5)
    .describe("a cut is deeper than the mean by so many standard deviations"),
  most: z.int().min(0).max(1000).default(15).describe("cuts at most"),
});

/** How many frames each segment gives: one each, the others where frames are the farthest apart. */
const shares = (lengths: readonly number[], budget: number): number[] => {
  const given = lengths.map(() => 1);
  for (let left = budget - lengths.length; left > 0; left--) {
    let widest = -1;
    for (let at = 0; at < lengths.length; at++)
      if (
        given[at]! < lengths[at]! &&
        (widest < 0 || lengths[at]! / given[at]! > lengths[widest]! / given[widest]!)
      )
        widest = at;
    if (widest < 0) break;
    given[widest]!++;
  }
  return given;
};

/**
 * Segments by SceneTiling, evenly spread frames of each, in proportion to its length; the middle of each part, or a random
 * frame of it where the request draws. Likeness of neighbours is the measured change with its sign turned.
 */
const selector: SelectorDefinition = defineSelector({
  summary: "frames of every segment of a clip, by its length; needs the change of every frame",
  source:
    "SceneTiling of VideoLLaMB (arXiv 2409.01071), as recalled; pixels instead of features, and the frames of a segment, are ours",
  params,
  create: ({ deviations, most }) => ({
    select: (request) => {
      const { timeline, budget, motion, random } = request;
      if (motion === undefined || motion.length !== timeline.length)
        throw new ConfigError("segments cuts by change, which nobody measured here", {
          expected: `the change of ${timeline.length} frames`,
          got: motion === undefined ? "none" : String(motion.length),
          hint: "it works in `fragments`; choose another selector",
        });
      const similarity = Array.from(motion)
        .slice(1)
        .map((change) => -change);
      const lasts = sceneTiling(similarity, { deviations, most: Math.min(most, budget - 1) });
      const starts = [0, ...lasts.slice(0, -1).map((last) => last + 1)];
      const lengths = lasts.map((last, at) => last + 1 - starts[at]!);
      const chosen = shares(lengths, Math.min(budget, timeline.length)).flatMap((count, at) =>
        Array.from({ length: count }, (_, part) => {
          const [low, high] = [part, part + 1].map((one) => Math.floor((one * lengths[at]!) / count));
          const within = random === undefined ? (high! - low!) >> 1 : random.integer(high! - low!);
          return starts[at]! + low! + within;
        }),
      );
      return asSelection(chosen, request);
    },
  }),
});

export default selector;
