import { z } from "zod";
import { defineFilter, type FilterPlugin, lowerCaseWords } from "../filter.ts";
import { questionText } from "../question.ts";

const params = z.strictObject({
  acrossClips: z
    .boolean()
    .default(false)
    .describe("also drop equal question and answer about different clips"),
});

/** The same question (by its words and options) about the same clip stands once. */
const filter: FilterPlugin = defineFilter({
  summary: "no question twice about one clip",
  source: "VideoPerceiver's rule-based validator (notes A8), made into code by us",
  params,
  create: ({ acrossClips }) => {
    const seen = new Map<string, string>();
    return {
      check: (sample) => {
        const options = (sample.options ?? []).map((option) => lowerCaseWords(option).join(" ")).sort();
        const question = [lowerCaseWords(questionText(sample)).join(" "), ...options].join(" / ");
        const key = acrossClips
          ? `${question} -> ${lowerCaseWords(sample.answer).join(" ")}`
          : `${sample.clip.sha256} ${question}`;
        const first = seen.get(key);
        if (first !== undefined) return `the same as ${first}`;
        seen.set(key, sample.id);
        return undefined;
      },
    };
  },
});

export default filter;
