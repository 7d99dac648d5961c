import { defineEntailment, type EntailmentPlugin, z } from "videoperceiver/plugins";
import { oddShare } from "./odd-share.ts";

/** A judge to whom no two answers are alike, so that a clip's answers win or lose against its twin's. */
const oddJudge: EntailmentPlugin = defineEntailment({
  summary: "1 less the difference of both texts' shares of characters whose code is odd",
  source: "ours",
  params: z.strictObject({}),
  create: () => ({
    name: "odd-judge",
    entails: async (premise, hypothesis) => 1 - Math.abs(oddShare(premise) - oddShare(hypothesis)),
  }),
});

export default oddJudge;
