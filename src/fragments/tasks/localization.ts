import {
  defineFragmentTask,
  drawnWording,
  type FragmentTaskPlugin,
  frameBounds,
  pictureCounts,
} from "../fragment-task.ts";

const params = pictureCounts([2, 16], [3, 5], "pictures that are searched");

const wordings = [
  "The first picture is the one that is looked for; it has no number. In which of the numbered frames does it appear? Answer with the frame number, or none.",
  "Which numbered frame shows the same moment as the first picture? Answer with its number, or none.",
  "Find the first picture among the numbered frames. Answer with the number of the frame, or none if it is not there.",
  "The picture at the beginning may come again among the numbered frames. Where? Answer with the frame number, or none.",
  "Among the numbered frames, which one is the picture that was shown first? Answer with a number, or none.",
];

/**
 * One picture is looked for among others of its clip, which stand in no order; it may be missing. Every place, and
 * none, is equally frequent. When it is missing it is a further frame of the fragment, as different from all others as these are among themselves.
 */
const task: FragmentTaskPlugin = defineFragmentTask({
  summary: "which of the frames is the picture that is looked for, or none",
  source: "SF2T (arXiv 2504.07745), Localization; a picture as the target is ours",
  params,
  create: (bounds) => {
    const [least, most] = frameBounds(bounds, 2);
    return {
      // One frame more than is searched: the one that is looked for when it is missing.
      frames: [least + 1, most + 1],
      needs: "motion",
      anew: true,
      labelled: true,
      hasTarget: true,
      draw: ({ frames, random }) => {
        const searched = frames - 1;
        const wording = drawnWording(wordings, random);
        // In no order of time: where a frame lies in the clip says nothing, and a dialogue's later turns learn nothing.
        const [leftOut, ...among] = random.shuffled(Array.from({ length: frames }, (_, at) => at));
        const place = random.integer(searched + 1);
        const target = place === searched ? leftOut! : among[place]!;
        return {
          shown: [target, ...among],
          ...wording,
          answer: place === searched ? "none" : String(place + 1),
          answerKind: "index-set",
          drawn: { place: place === searched ? null : place },
        };
      },
    };
  },
});

export default task;
