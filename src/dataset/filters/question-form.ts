import { z } from "zod";
import { defineFilter, type FilterPlugin } from "../filter.ts";
import { questionText } from "../question.ts";

const params = z.strictObject({
  instructions: z
    .array(z.string())
    .default([
      "describe",
      "list",
      "order",
      "sort",
      "name",
      "count",
      "explain",
      "give",
      "state",
      "identify",
      "summarize",
    ])
    .describe("first words of requests that are no questions and may end with a full stop"),
});

/** A question is one sentence that ends with a question mark. */
const filter: FilterPlugin = defineFilter({
  summary: "the question is there, is one question, and ends with a question mark",
  source: "VideoPerceiver's rule-based validator (notes A8), made into code by us",
  params,
  create: ({ instructions }) => ({
    check: (sample) => {
      const text = questionText(sample);
      if (text === "") return "there is no question";
      const first = text.split(/\s/)[0]!.toLowerCase();
      if (instructions.includes(first)) return undefined;
      // Options and instructions may follow on lines of their own.
      const line = text.split("\n")[0]!.trim();
      if (!line.endsWith("?")) return "the question does not end with a question mark";
      const marks = line.split("?").length - 1;
      return marks > 1 ? `${marks} questions in one` : undefined;
    },
  }),
});

export default filter;
