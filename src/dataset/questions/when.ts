import { z } from "zod";
import { defineQuestionBuilder, type QuestionBuilderPlugin, quoted } from "../questions.ts";

const params = z.strictObject({
  longest: z
    .number()
    .min(0)
    .max(1)
    .default(0.8)
    .describe("events that fill a larger share of the clip are not asked for: all of it is no answer"),
});

/** Every event that has a name of its own is asked for; the answer is its span. */
const when: QuestionBuilderPlugin = defineQuestionBuilder({
  summary: "when an event happens: its span in seconds",
  source: "ours",
  params,
  create: ({ longest }) => ({
    build: ({ events, durationSeconds }) =>
      events.flatMap(({ startSeconds, endSeconds, what }) => {
        const once = events.filter((event) => event.what === what).length === 1;
        if (what === "" || !once || endSeconds - startSeconds > longest * durationSeconds) return [];
        const [start, end] = [startSeconds.toFixed(2), endSeconds.toFixed(2)];
        if (start === end) return [];
        const name = quoted(what);
        return [
          {
            question: `When does this happen in the video, from which second to which second: "${name}"?`,
            answer: `${start} - ${end}`,
            answerKind: "span" as const,
            skill: "when",
          },
        ];
      }),
  }),
});

export default when;
