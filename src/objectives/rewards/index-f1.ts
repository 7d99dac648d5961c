import { z } from "zod";
import { gradeAnswer } from "../../grading/grade-answer.ts";
import { defineReward, type RewardPlugin } from "../rewards.ts";

const params = z.strictObject({});

/** F1 of the frame numbers of an index-set question, in [0, 1]; 0 or 1 by exactness for every other kind. */
const plugin: RewardPlugin = defineReward({
  summary: "F1 of the named frames with the right ones",
  source: "SF2T (arXiv 2504.07745), labels of localization as a reward; ours",
  params,
  readsAnswer: true,
  create: () => ({
    range: [0, 1],
    score: ({ completion, question }) => {
      const { score, correct } = gradeAnswer({ ...question, completion });
      return question.answerKind === "index-set" ? score : correct ? 1 : 0;
    },
  }),
});
export default plugin;
