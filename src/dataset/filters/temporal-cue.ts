import { z } from "zod";
import { defineFilter, type FilterPlugin, lowerCaseWords } from "../filter.ts";
import { questionText } from "../question.ts";

const order =
  "before after first last then next finally early late earlier later midway start starts begin begins end ends while until when during sequence order again once twice thrice";
const count = "many times often number count repeat repeats repeated";
const change =
  "happen happens move moves moving turn turns change changes appear appears disappear disappears vanish vanishes fall falls jump jumps hop hops flash flashes hit hits collide collides stop stops open opens close closes grow grows shrink shrinks shake shakes swap swaps come comes do does enter enters leave leaves raise raises lower lowers pick picks put puts drop drops event events action actions motion";
const duration = "second seconds minute minutes long quickly slowly sudden suddenly briefly moment";

const params = z.strictObject({
  words: z
    .array(z.string())
    .default([order, count, change, duration].join(" ").split(" "))
    .describe("words of order, number, change and duration; one of them must stand in question or answer"),
});

/** A sample about time says so: a time stamp, a number of times, an order, a duration, or a verb of change. */
const filter: FilterPlugin = defineFilter({
  summary: "question or answer is about something that changes in time",
  source: "VideoPerceiver's rule-based validator (notes A8), made into code by us",
  params,
  create: ({ words }) => {
    const known = new Set(words.map((word) => word.toLowerCase()));
    return {
      check: (sample) => {
        if (["span", "ranked-spans", "permutation", "index-set", "number"].includes(sample.answerKind))
          return undefined;
        const text = `${questionText(sample)} ${sample.answer}`;
        if (/\b\d+:\d\d\b|\b\d+(\.\d+)?\s*(s|sec|seconds?)\b/i.test(text)) return undefined;
        return lowerCaseWords(text).some((word) => known.has(word))
          ? undefined
          : "neither question nor answer speaks of time, order, number or change";
      },
    };
  },
});

export default filter;
