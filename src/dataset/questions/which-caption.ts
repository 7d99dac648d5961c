import { z } from "zod";
import { lowerCaseWords } from "../filter.ts";
import { choiceOf, defineQuestionBuilder, type QuestionBuilderPlugin } from "../questions.ts";

const params = z.strictObject({
  distractors: z.int().min(1).max(25).default(3).describe("wrong captions, of other clips of the set"),
  alike: z
    .number()
    .min(0)
    .max(1)
    .default(0.4)
    .describe(
      "captions that share a larger part of their words may be true of both clips and are no distractors",
    ),
});

/** Share of the words of two texts that both have (intersection over union). */
const sharedWords = (a: ReadonlySet<string>, b: ReadonlySet<string>): number => {
  const both = [...a].filter((word) => b.has(word)).length;
  return both === 0 ? 0 : both / (a.size + b.size - both);
};

/**
 * Which of some captions is the clip's. Every caption is the right one for its own clip and a wrong one for others, so that
 * none is right or wrong by its words.
 */
const whichCaption: QuestionBuilderPlugin = defineQuestionBuilder({
  summary: "which caption is the clip's, among those of other clips",
  source: "ours",
  params,
  create: ({ distractors, alike }) => ({
    build: ({ caption, otherCaptions = [], random }) => {
      const own = new Set(lowerCaseWords(caption));
      if (own.size === 0) return [];
      const wrong: string[] = [];
      const chosen = [own];
      for (const other of random.shuffled(otherCaptions)) {
        if (wrong.length === distractors) break;
        const words = new Set(lowerCaseWords(other));
        if (words.size === 0 || chosen.some((one) => sharedWords(one, words) > alike)) continue;
        wrong.push(other);
        chosen.push(words);
      }
      if (wrong.length < distractors) return [];
      return [
        {
          question: "What happens in the video?",
          skill: "which-caption",
          ...choiceOf(caption, wrong, random),
        },
      ];
    },
  }),
});

export default whichCaption;
