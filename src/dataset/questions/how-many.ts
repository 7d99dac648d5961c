import { z } from "zod";
import {
  type CountedAction,
  defineQuestionBuilder,
  type QuestionBuilderPlugin,
  quoted,
} from "../questions.ts";
import type { EventSpan } from "../sample.ts";

const params = z.strictObject({
  most: z.int().min(1).default(30).describe("numbers above it are not asked for: nobody counts them right"),
});

/** Counts of events by name; none where every name stands once: the answer would always be one. */
const countsOf = (events: readonly EventSpan[]): CountedAction[] => {
  const times = new Map<string, number>();
  for (const { what } of events) {
    const name = quoted(what);
    if (name !== "") times.set(name, (times.get(name) ?? 0) + 1);
  }
  const counts = [...times].map(([what, count]) => ({ what, times: count }));
  return counts.some(({ times: count }) => count > 1) ? counts : [];
};

/** How often something happens: as somebody counted it, else by events of one name. */
const howMany: QuestionBuilderPlugin = defineQuestionBuilder({
  summary: "how many times something happens",
  source: "ours",
  params,
  create: ({ most }) => ({
    build: ({ events, counts }) =>
      (counts ?? countsOf(events)).flatMap(({ what, times }) => {
        const name = quoted(what);
        if (name === "" || times < 1 || times > most) return [];
        return [
          {
            question: `How many times does this happen in the video: "${name}"?`,
            answer: String(times),
            answerKind: "number" as const,
            skill: "how-many",
          },
        ];
      }),
  }),
});

export default howMany;
