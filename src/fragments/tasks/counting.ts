import {
  defineFragmentTask,
  drawnWording,
  type FragmentTaskPlugin,
  frameBounds,
  pictureCounts,
} from "../fragment-task.ts";

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
  params: pictureCounts([1, 64], [2, 8]),
  create: (bounds) => ({
    frames: frameBounds(bounds, 1),
    draw: ({ frames, random }) => ({
      shown: Array.from({ length: frames }, (_, at) => at),
      ...drawnWording(wordings, random),
      answer: String(frames),
      answerKind: "number",
      drawn: {},
    }),
  }),
});

export default task;
