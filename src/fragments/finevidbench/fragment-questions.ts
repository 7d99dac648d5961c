import type { Random } from "../../core/random.ts";
import { optionLetter } from "../../grading/options.ts";
import { drawnWording, type FragmentTask, fragmentTasks, type TaskDraft } from "../fragment-task.ts";
import { restoringAnswer } from "../permutation.ts";

/** The fragment tasks in the order in which a dialogue asks them: the published one. */
export const fragmentQuestionNames = [
  "frame-count",
  "meaning-of-order",
  "frame-comparison",
  "adjust-or-not",
  "rearrangement",
] as const;

/** One of {@link fragmentQuestionNames}. */
export type FragmentQuestionName = (typeof fragmentQuestionNames)[number];

/** Numbers of frames that may be shown where they are counted. */
const counted = [2, 3, 4, 5, 6, 7, 8];
/** How many of them are offered. */
const offered = 4;

const wordings: Readonly<Record<FragmentQuestionName, readonly string[]>> = {
  "frame-count": [
    "The video is a series of still frames. How many are there?",
    "How many frames does this short video consist of?",
    "Count the frames of the video.",
  ],
  "meaning-of-order": [
    "The frames of the video may stand in any order and are numbered as they are shown. Which of them was filmed WHEN?",
    "Frames of one video are shown, shuffled or not, and numbered from 1. Which one comes WHEN in time?",
    "By the time at which it was filmed, which of the numbered frames is the WHEN one?",
  ],
  "frame-comparison": [
    "Two frames of a video are shown. Do they show the same moment?",
    "Is the second frame the same moment of the video as the first?",
    "Compare the two frames. Is it one and the same moment?",
  ],
  "adjust-or-not": [
    "The frames may be out of temporal order. Must the order be adjusted?",
    "Would any of these frames have to change places to stand in the order in which they were filmed?",
    "Is the order in which these frames are shown another one than that of time?",
  ],
  rearrangement: [
    "The frames are numbered as they are shown and may be shuffled. Give their numbers in the order of time.",
    "Bring the frames into the order in which they were filmed: which number comes first, which next, and so on?",
    "Frames of one video, numbered from 1 as they are shown: what is their order in time?",
  ],
};

const upTo = (count: number): number[] => Array.from({ length: count }, (_, at) => at);

/** The draft with a wording that says nothing of the form of the answer: who asks adds that. */
const reworded = (draft: TaskDraft, name: FragmentQuestionName, random: Random): TaskDraft => ({
  ...draft,
  ...drawnWording(wordings[name], random.fork("wording")),
});

const choice = (
  options: readonly string[],
  right: number,
): Pick<TaskDraft, "answer" | "answerKind" | "options"> => ({
  answer: optionLetter(right),
  answerKind: "choice",
  options,
});

const frameCount: FragmentTask = {
  frames: [counted[0]!, counted.at(-1)!],
  draw: ({ frames, balanced, random }) => {
    const place = balanced(offered);
    const wrong = random.shuffled(counted.filter((count) => count !== frames)).slice(0, offered - 1);
    return {
      shown: upTo(frames),
      ...drawnWording(wordings["frame-count"], random),
      ...choice(wrong.toSpliced(place, 0, frames).map(String), place),
      drawn: {},
    };
  },
};

/** Every place is equally often right, the frames in any order, in the true one as well. */
const meaningOfOrder: FragmentTask = {
  frames: [3, 5],
  needs: "order",
  draw: ({ frames, balanced, random }) => {
    const place = balanced(frames);
    const isFirst = random.integer(2) === 0;
    const asked = isFirst ? 0 : frames - 1;
    const others = random.shuffled(upTo(frames).filter((frame) => frame !== asked));
    const { question, template } = drawnWording(wordings["meaning-of-order"], random);
    return {
      shown: others.toSpliced(place, 0, asked),
      question: question.replace("WHEN", isFirst ? "first" : "last"),
      template,
      ...choice(
        upTo(frames).map((frame) => `frame ${frame + 1}`),
        place,
      ),
      drawn: { asked: isFirst ? "first" : "last" },
    };
  },
};

/** Every order is equally frequent, the true one as well: chance is one in all orders, whatever is known of the task. */
const rearrangement: FragmentTask = {
  frames: [3, 5],
  needs: "order",
  draw: ({ frames, random }) => {
    const order = random.shuffled(upTo(frames));
    return {
      shown: order,
      ...drawnWording(wordings.rearrangement, random),
      answer: restoringAnswer(order),
      answerKind: "permutation",
      drawn: { permutation: order },
    };
  },
};

/** A task of SF2T with a wording of its own. */
const adopted = async (name: FragmentQuestionName, task: string): Promise<FragmentTask> => {
  const { value } = await fragmentTasks.make(task);
  return {
    ...value,
    draw: (request) => {
      const { answer, ...draft } = value.draw(request);
      const right = draft.options!.indexOf(answer);
      return reworded({ ...draft, ...choice(draft.options!, right) }, name, request.random);
    },
  };
};

/**
 * The five fragment tasks as questions of a benchmark: with options wherever there can be some, so that there is a chance
 * level, and asked about one short clip.
 *
 * @source SF2T (arXiv 2504.07745), FineVidBench, names and order of the tasks
 * @differs wordings, options and what "meaning of order" asks (which frame is first, or last) are ours
 */
export const benchmarkFragments = async (): Promise<
  Readonly<Record<FragmentQuestionName, FragmentTask>>
> => ({
  "frame-count": frameCount,
  "meaning-of-order": meaningOfOrder,
  "frame-comparison": await adopted("frame-comparison", "consistency"),
  "adjust-or-not": await adopted("adjust-or-not", "disorder"),
  rearrangement,
});
