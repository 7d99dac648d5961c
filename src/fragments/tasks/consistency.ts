import { z } from "zod";
import { defineFragmentTask, drawnWording, type FragmentTaskPlugin } from "../fragment-task.ts";

const wordings = [
  "Compare frame 1 and frame 2. Do they show the same moment? Answer yes or no.",
  "Two frames of a video are shown. Are they the same frame? Answer yes or no.",
  "Are these two frames one and the same moment of the video? Answer yes or no.",
  "Look at both frames. Is it the same frame, shown twice? Answer yes or no.",
  "Is frame 2 the same frame as frame 1? Answer yes or no.",
];

/** One frame twice, or two frames of one clip; both pictures are rendered anew either way. */
const task: FragmentTaskPlugin = defineFragmentTask({
  summary: "whether two pictures show the same frame",
  source: "SF2T (arXiv 2504.07745), Consistency Verification; labels from identity are ours",
  params: z.strictObject({}),
  create: () => ({
    frames: [2, 2],
    needs: "motion",
    anew: true,
    labelled: true,
    draw: ({ balanced, random }) => {
      const same = balanced(2) === 0;
      const wording = drawnWording(wordings, random);
      const first = random.integer(2);
      return {
        shown: [first, same ? first : 1 - first],
        ...wording,
        answer: same ? "yes" : "no",
        answerKind: "choice",
        options: ["yes", "no"],
        drawn: { same },
      };
    },
  }),
});

export default task;
