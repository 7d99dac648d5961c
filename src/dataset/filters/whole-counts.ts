import { z } from "zod";
import { defineFilter, type FilterPlugin } from "../filter.ts";
import { questionText } from "../question.ts";

const words = "zero one two three four five six seven eight nine ten eleven twelve".split(" ");
const params = z.strictObject({
  largest: z.int().min(1).default(1000).describe("largest count that is believed"),
});

/** Answers to "how many" are whole numbers from 0 up. */
const filter: FilterPlugin = defineFilter({
  summary: "a count is a whole number, not negative, not absurd",
  source: "VideoPerceiver's rule-based validator (notes A8), made into code by us",
  params,
  create: ({ largest }) => ({
    check: (sample) => {
      const counts = sample.answerKind === "number" || /\bhow (many|often)\b/i.test(questionText(sample));
      if (!counts || sample.answerKind === "open") return undefined;
      const answer = sample.answer.trim().toLowerCase();
      const first = answer.split(/\s+/)[0]!;
      if (words.includes(first) || ["once", "twice", "never"].includes(first)) return undefined;
      const value = Number(first);
      if (first === "" || Number.isNaN(value)) return `"${sample.answer}" is not a number`;
      if (!Number.isInteger(value) || value < 0 || value > largest)
        return `"${sample.answer}" is not a whole number from 0 to ${largest}`;
      return undefined;
    },
  }),
});

export default filter;
