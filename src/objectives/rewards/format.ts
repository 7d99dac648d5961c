import { z } from "zod";
import { defineReward, type RewardPlugin } from "../rewards.ts";

const params = z.strictObject({
  tags: z
    .array(z.string().regex(/^[a-z][a-z0-9_-]*$/))
    .default([])
    .describe("tags that the completion must consist of, in order, such as think, answer; none: free text"),
});

/**
 * 1 when the completion has its form, else 0. With tags: each stands once, in order, closed, not empty, and nothing but
 * white space stands outside. Without: the text is not empty. Either way it ended by itself.
 */
const plugin: RewardPlugin = defineReward({
  summary: "the required tags parse and the completion ended by itself",
  source: "VideoPerceiver (arXiv 2511.18823), base reward from surface attributes; the exact rule is ours",
  params,
  readsAnswer: false,
  create: ({ tags }) => {
    const inside = tags.map(
      (tag) => `<${tag}>((?:(?!</?${tag}>)[\\s\\S])*\\S(?:(?!</?${tag}>)[\\s\\S])*)</${tag}>`,
    );
    const form = new RegExp(`^\\s*${inside.join("\\s*")}\\s*$`);
    const others = tags.map((tag) => new RegExp(`<${tag}>`, "g"));
    return {
      range: [0, 1],
      score: ({ completion, finishReason }) => {
        if (finishReason !== "stop") return 0;
        if (tags.length === 0) return completion.trim() === "" ? 0 : 1;
        if (others.some((tag) => (completion.match(tag) ?? []).length !== 1)) return 0;
        return form.test(completion) ? 1 : 0;
      },
    };
  },
});
export default plugin;
