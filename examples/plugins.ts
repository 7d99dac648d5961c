// Adds a reward of one's own to what loops and recipes know by name.
import { defineReward, type RewardPlugin, rewardRegistry, z } from "videoperceiver/plugins";

const brevity: RewardPlugin = defineReward({
  summary: "the fewer text tokens the better",
  source: "ours",
  readsAnswer: false,
  params: z.strictObject({
    most: z.number().positive().default(20).describe("text tokens that give nothing"),
  }),
  create: ({ most }) => ({
    range: [0, 1],
    score: ({ lengthTokens }) => Math.max(0, 1 - lengthTokens / most),
  }),
});
rewardRegistry.add("brevity", brevity);

const { value: reward, recipe } = await rewardRegistry.choose("brevity:most=10");
const question = { answerKind: "open", answer: "yes" } as const;
const score = reward.score({ completion: "yes", lengthTokens: 1, finishReason: "stop", question });
console.log(
  `${rewardRegistry.names().join(" ")}: ${recipe.name} ${JSON.stringify(recipe.params)} gives ${score}`,
);
