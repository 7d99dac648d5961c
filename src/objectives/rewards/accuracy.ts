import { z } from "zod";
import { gradeAnswer } from "../../grading/grade-answer.ts";
import { defineReward, type RewardPlugin } from "../rewards.ts";

const params = z.strictObject({
  partial: z
    .boolean()
    .default(false)
    .describe("give partial credit (overlap, order, relative error) instead of right or wrong"),
});

/**
 * 1 for a right answer, 0 for a wrong one; with `partial` the grading score in [0, 1]. No part of the base reward of
 * Comparative GRPO, whose comparative reward holds correctness already; added explicitly for plain GRPO.
 */
const plugin: RewardPlugin = defineReward({
  summary: "the answer is right, by the same grading as evaluation",
  source: "Video-R1 style accuracy reward; grading is ours",
  params,
  readsAnswer: true,
  create: ({ partial }) => ({
    range: [0, 1],
    score: ({ completion, question }) => {
      const verdict = gradeAnswer({ ...question, completion });
      return partial ? verdict.score : verdict.correct ? 1 : 0;
    },
  }),
});
export default plugin;
