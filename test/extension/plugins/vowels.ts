import { defineScorer, type ScorerPlugin, z } from "videoperceiver/plugins";

const vowelsIn = (text: string): number => text.match(/[aeiou]/g)?.length ?? 0;

const vowels: ScorerPlugin = defineScorer({
  summary: "vowels of what was said, per vowel of the reference",
  source: "ours",
  params: z.strictObject({ most: z.number().positive().default(10).describe("no score is higher") }),
  create:
    ({ most }) =>
    async () => ({
      name: "vowels",
      version: "1",
      parts: ["score"],
      missing: { score: 0 },
      metrics: ["external:vowels"],
      batchSize: 8,
      concurrency: 1,
      score: async (items) =>
        items.map(({ candidate, reference }) => ({
          score: Math.min(most, vowelsIn(candidate) / vowelsIn(reference)),
        })),
      [Symbol.asyncDispose]: async () => {},
    }),
});

export default vowels;
