import { z } from "zod";
import { defineQuestionBuilder, type QuestionBuilderPlugin } from "../questions.ts";

const params = z.strictObject({
  questions: z
    .array(z.string().min(1))
    .min(1)
    .default(["What happens in the video?", "Describe what happens in the video."])
    .describe("one of them is drawn"),
});

/** The caption is the answer to a question that says nothing. */
const describe: QuestionBuilderPlugin = defineQuestionBuilder({
  summary: "what happens: the caption",
  source: "ours",
  params,
  create: ({ questions }) => ({
    build: ({ caption, random }) =>
      caption === ""
        ? []
        : [{ question: random.pick(questions), answer: caption, answerKind: "open", skill: "description" }],
  }),
});

export default describe;
