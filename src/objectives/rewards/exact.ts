import { z } from "zod";
import { gradeAnswer } from "../../grading/grade-answer.ts";
import { defineReward, type RewardPlugin } from "../rewards.ts";

const params = z.strictObject({});

/** 1 when the answer is the reference by the strict grading of its kind (number, option, permutation, set), else 0. */
const plugin: RewardPlugin = defineReward({
  summary: "the answer is exactly the reference, whatever its kind",
  source: "SF2T (arXiv 2504.07745), labels of counting, consistency and disorder as a reward; ours",
  params,
  readsAnswer: true,
  create: () => ({
    range: [0, 1],
    score: ({ completion, question }) => (gradeAnswer({ ...question, completion }).score === 1 ? 1 : 0),
  }),
});
export default plugin;
