import { z } from "zod";
import {
  anewParam,
  defineFragmentTask,
  drawnWording,
  type FragmentTaskPlugin,
  frameBounds,
  pictureCounts,
} from "../fragment-task.ts";
import { wrongOrder } from "../permutation.ts";

const params = pictureCounts([3, 16], [3, 5]).extend({
  excludeReversal: z
    .boolean()
    .default(true)
    .describe("never show the frames backwards: many motions look natural that way"),
  anew: anewParam,
});

const wordings = [
  "The frames may be out of temporal order. Do they need to be reordered? Answer yes or no.",
  "Does the order of these frames have to be adjusted so that time runs forward? Answer yes or no.",
  "Have these frames been shuffled? Answer yes or no.",
  "Is the temporal order of the frames wrong? Answer yes or no.",
  "Must any of these frames change places to be in the order in which they were filmed? Answer yes or no.",
];

/** In order or not, half and half. */
const task: FragmentTaskPlugin = defineFragmentTask({
  summary: "whether shown frames are out of order",
  source: "SF2T (arXiv 2504.07745), Disorder Detection; wording is ours",
  params,
  create: ({ excludeReversal, anew, ...bounds }) => ({
    frames: frameBounds(bounds, 3),
    needs: "order",
    ...(anew && { anew }),
    labelled: true,
    draw: ({ frames, balanced, random }) => {
      const disordered = balanced(2) === 0;
      const wording = drawnWording(wordings, random);
      const order = disordered
        ? wrongOrder(frames, random, excludeReversal)
        : Array.from({ length: frames }, (_, at) => at);
      return {
        shown: order,
        ...wording,
        answer: disordered ? "yes" : "no",
        answerKind: "choice",
        options: ["yes", "no"],
        drawn: { permutation: order },
      };
    },
  }),
});

export default task;
