import { z } from "zod";
import { defineReward, type RewardPlugin } from "../rewards.ts";

const params = z
  .strictObject({
    minTokens: z.int().min(0).default(1).describe("shortest length with full reward, text tokens"),
    maxTokens: z.int().min(1).default(64).describe("longest length with full reward, text tokens"),
    slackTokens: z
      .int()
      .min(0)
      .default(0)
      .describe("tokens outside the window over which the reward falls to 0"),
  })
  .refine(({ minTokens, maxTokens }) => minTokens <= maxTokens, {
    message: "minTokens must not exceed maxTokens",
    path: ["minTokens"],
  });

/** 1 inside [minTokens, maxTokens], falling linearly to 0 at slackTokens + 1 outside. */
const plugin: RewardPlugin = defineReward({
  summary: "the number of text tokens lies in a window",
  source: "VideoPerceiver (arXiv 2511.18823), base reward from surface attributes; the exact rule is ours",
  params,
  readsAnswer: false,
  create: ({ minTokens, maxTokens, slackTokens }) => ({
    range: [0, 1],
    score: ({ lengthTokens }) => {
      const outside = Math.max(minTokens - lengthTokens, lengthTokens - maxTokens, 0);
      return Math.max(0, 1 - outside / (slackTokens + 1));
    },
  }),
});
export default plugin;
