import { defineReward, type RewardPlugin, z } from "videoperceiver/plugins";

const firstWord: RewardPlugin = defineReward({
  summary: "the completion begins with a certain word",
  source: "ours",
  readsAnswer: false,
  params: z.strictObject({ word: z.string().min(1).default("bright").describe("the word, without blanks") }),
  create: ({ word }) => ({
    range: [0, 1],
    score: ({ completion }) => (completion.trim().split(/\s+/)[0] === word ? 1 : 0),
  }),
});

export default firstWord;
