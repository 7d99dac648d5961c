import { z } from "zod";
import { choiceOf, defineQuestionBuilder, type QuestionBuilderPlugin, quoted } from "../questions.ts";
import type { EventSpan } from "../sample.ts";

const params = z.strictObject({
  most: z.int().min(1).default(3).describe("questions about a clip"),
  gapSeconds: z
    .number()
    .min(0)
    .default(0.1)
    .describe("least time between the end of one event and the start of the other"),
});

/** Events of one name each, and every pair of them of which one is over before the other begins. */
const orderedPairs = (events: readonly EventSpan[], gapSeconds: number): [string, string][] => {
  const named = events.map((event) => ({ ...event, name: quoted(event.what) }));
  const once = named.filter(
    ({ name }) =>
      name !== "" && named.filter((other) => other.name.toLowerCase() === name.toLowerCase()).length === 1,
  );
  return once.flatMap((first) =>
    once
      .filter((second) => second.startSeconds >= first.endSeconds + gapSeconds)
      .map((second): [string, string] => [first.name, second.name]),
  );
};

/** Which of two things happens first, or whether one comes before or after the other; forms and sides are drawn. */
const order: QuestionBuilderPlugin = defineQuestionBuilder({
  summary: "what comes before and what after: two events that do not overlap",
  source: "ours",
  params,
  create: ({ most, gapSeconds }) => ({
    build: ({ events, random }) =>
      random
        .shuffled(orderedPairs(events, gapSeconds))
        .slice(0, most)
        .map(([first, second]) => {
          const skill = "order";
          if (random.integer(2) === 0) {
            const isFirst = random.integer(2) === 0;
            const [right, wrong] = isFirst ? [first, second] : [second, first];
            return {
              question: `Which of these happens ${isFirst ? "first" : "last"} in the video?`,
              skill,
              ...choiceOf(right, [wrong], random),
            };
          }
          const isBefore = random.integer(2) === 0;
          const [asked, other] = isBefore ? [first, second] : [second, first];
          return {
            question: `Does "${asked}" happen before or after "${other}" in the video?`,
            skill,
            ...choiceOf(isBefore ? "before" : "after", [isBefore ? "after" : "before"], random),
          };
        }),
  }),
});

export default order;
