import { defineReward, type RewardPlugin, z } from "videoperceiver/plugins";
import { oddShare } from "./odd-share.ts";

/** Tells any two completions apart, also those of random weights, which the usual parts rate alike. */
const oddLetters: RewardPlugin = defineReward({
  summary: "share of the completion's characters whose code is odd",
  source: "ours",
  readsAnswer: false,
  params: z.strictObject({}),
  create: () => ({ range: [0, 1], score: ({ completion }) => oddShare(completion) }),
});

export default oddLetters;
