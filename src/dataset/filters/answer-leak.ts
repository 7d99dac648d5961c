import { z } from "zod";
import { defineFilter, type FilterPlugin, lowerCaseWords } from "../filter.ts";
import { questionText } from "../question.ts";

const params = z.strictObject({});

/** The answer's words in a row within the question give it away, unless the question offers other options, too. */
const filter: FilterPlugin = defineFilter({
  summary: "the question does not contain its answer",
  source: "VideoPerceiver's rule-based validator (notes A8), made into code by us",
  params,
  create: () => ({
    check: (sample) => {
      const contains = (text: string): boolean =>
        ` ${lowerCaseWords(questionText(sample)).join(" ")} `.includes(` ${lowerCaseWords(text).join(" ")} `);
      if (lowerCaseWords(sample.answer).length === 0 || !contains(sample.answer)) return undefined;
      const others = (sample.options ?? []).filter((option) => option !== sample.answer);
      if (others.length > 0 && others.every(contains)) return undefined;
      return `the question contains the answer "${sample.answer}"`;
    },
  }),
});

export default filter;
