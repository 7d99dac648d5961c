import { z } from "zod";
import { gradeAnswer } from "../../grading/grade-answer.ts";
import { defineReward, type RewardPlugin } from "../rewards.ts";

const params = z.strictObject({
  exactShare: z
    .number()
    .min(0)
    .max(1)
    .default(0.5)
    .describe("share of the reward that only the exact order gets; the rest follows (tau + 1) / 2"),
});

/** Kendall's tau with the right order, rescaled to [0, 1], and exactness; 0 or 1 for questions of another kind. */
const plugin: RewardPlugin = defineReward({
  summary: "how much of a permutation is in order: Kendall's tau, rescaled, and exactness",
  source: "SF2T (arXiv 2504.07745), labels of rearrangement as a reward; ours",
  params,
  readsAnswer: true,
  create: ({ exactShare }) => ({
    range: [0, 1],
    score: ({ completion, question }) => {
      const { score, correct } = gradeAnswer({ ...question, completion });
      const exact = correct ? 1 : 0;
      return question.answerKind === "permutation" ? exactShare * exact + (1 - exactShare) * score : exact;
    },
  }),
});
export default plugin;
