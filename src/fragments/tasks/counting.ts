import { z } from "zod";
import { defineFragmentTask, type FragmentTaskPlugin, frameBounds } from "../fragment-task.ts";

const params = z.strictObject({
  least: z.int().min(1).max(64).default(2).describe("fewest pictures"),
  most: z.int().min(1).max(64).default(8).describe("most pictures"),
});

const wordings = [
  "You are given a sequence of frames. How many frames are there? Answer with one integer.",
  "How many frames do you see in this sequence? Answer with a whole number.",
  "Count the frames of the sequence. Give the number only.",
  "What is the number of frames in the sequence that is shown? Answer with one integer.",
  "Of how many frames does the sequence consist? Answer with a single number.",
];

/** How many pictures are shown. */
const task: FragmentTaskPlugin = defineFragmentTask({
  summary: "how many frames are shown",
  source: "SF2T (arXiv 2504.07745), Counting; wording and range are ours",
  params,
  create: (bounds) => ({
    frames: frameBounds(bounds, 1),
    needs: { motion: false, order: false },
    anew: false,
    labelled: false,
    draw: ({ frames, random }) => {
      const template = random.integer(wordings.length);
      return {
        shown: Array.from({ length: frames }, (_, at) => at),
        question: wordings[template]!,
        template,
        answer: String(frames),
        answerKind: "number",
        drawn: {},
      };
    },
  }),
});

export default task;
