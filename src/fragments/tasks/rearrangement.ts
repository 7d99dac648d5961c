import { z } from "zod";
import { defineFragmentTask, type FragmentTaskPlugin, frameBounds } from "../fragment-task.ts";
import { restoringAnswer, wrongOrder } from "../permutation.ts";

const params = z.strictObject({
  least: z.int().min(2).max(16).default(3).describe("fewest pictures"),
  most: z.int().min(2).max(16).default(5).describe("most pictures"),
});

const wordings = [
  "The frames are shuffled. List the frame numbers in correct temporal order, separated by commas.",
  "Bring the frames into the order in which they were filmed. Answer with their numbers, separated by commas.",
  "In which order do these frames follow each other in time? Give the frame numbers with commas between them.",
  "These frames are out of order. Write their numbers in the order of time, separated by commas.",
  "Sort the frames by time, the earliest first. Answer with the frame numbers, separated by commas.",
];

/** Never in order: every other order is equally frequent. */
const task: FragmentTaskPlugin = defineFragmentTask({
  summary: "the order of time of shuffled frames",
  source: "SF2T (arXiv 2504.07745), Rearrangement; wording is ours",
  params,
  create: (bounds) => ({
    frames: frameBounds(bounds, 2),
    needs: { motion: true, order: true },
    anew: false,
    labelled: true,
    draw: ({ frames, random }) => {
      const template = random.integer(wordings.length);
      const order = wrongOrder(frames, random, false);
      return {
        shown: order,
        question: wordings[template]!,
        template,
        answer: restoringAnswer(order),
        answerKind: "permutation",
        drawn: { permutation: order },
      };
    },
  }),
});

export default task;
