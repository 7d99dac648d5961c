import {
  anewParam,
  defineFragmentTask,
  drawnWording,
  type FragmentTaskPlugin,
  frameBounds,
  pictureCounts,
} from "../fragment-task.ts";
import { restoringAnswer, wrongOrder } from "../permutation.ts";

const params = pictureCounts([2, 16], [3, 5]).extend({ anew: anewParam });

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
  create: ({ anew, ...bounds }) => ({
    frames: frameBounds(bounds, 2),
    needs: "order",
    ...(anew && { anew }),
    labelled: true,
    draw: ({ frames, random }) => {
      const wording = drawnWording(wordings, random);
      const order = wrongOrder(frames, random, false);
      return {
        shown: order,
        ...wording,
        answer: restoringAnswer(order),
        answerKind: "permutation",
        drawn: { permutation: order },
      };
    },
  }),
});

export default task;
