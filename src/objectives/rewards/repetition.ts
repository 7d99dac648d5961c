import { z } from "zod";
import { defineReward, type RewardPlugin } from "../rewards.ts";

const params = z.strictObject({
  words: z.int().min(1).default(3).describe("length of the word sequences that are counted"),
  loopRepeats: z
    .int()
    .min(2)
    .default(3)
    .describe("a sequence directly repeated this often is a loop: reward 0"),
});

/** True when some stretch of 1 to `longest` words stands `repeats` times in a row. */
const loops = (words: readonly string[], longest: number, repeats: number): boolean => {
  for (let length = 1; length <= longest; length++) {
    let run = 0;
    for (let i = length; i < words.length; i++) {
      run = words[i] === words[i - length] ? run + 1 : 0;
      if (run >= length * (repeats - 1)) return true;
    }
  }
  return false;
};

/** Distinct word n-grams / all word n-grams, in [0, 1]; 0 in a loop; 1 for a text with no n-gram that is not empty. */
const plugin: RewardPlugin = defineReward({
  summary: "no repetition loop, few repeated word sequences",
  source: "VideoPerceiver (arXiv 2511.18823), fluency in the base reward; the exact rule is ours",
  params,
  readsAnswer: false,
  create: ({ words: size, loopRepeats }) => ({
    range: [0, 1],
    score: ({ completion }) => {
      const words = completion
        .toLowerCase()
        .split(/\s+/)
        .filter((word) => word !== "");
      if (words.length === 0) return 0;
      if (loops(words, Math.max(size, 8), loopRepeats)) return 0;
      const total = words.length - size + 1;
      if (total <= 0) return 1;
      const seen = new Set<string>();
      for (let i = 0; i < total; i++) seen.add(words.slice(i, i + size).join(" "));
      return seen.size / total;
    },
  }),
});
export default plugin;
