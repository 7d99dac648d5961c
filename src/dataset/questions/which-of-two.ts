import { z } from "zod";
import { choiceOf, defineQuestionBuilder, type QuestionBuilderPlugin, quoted } from "../questions.ts";

/** A question that somebody wrote who looked, with the answer that the clip shows and one that it does not. */
const whichOfTwo: QuestionBuilderPlugin = defineQuestionBuilder({
  summary: "which of two answers the clip shows, as a teacher wrote them",
  source: "ours",
  params: z.strictObject({}),
  create: () => ({
    build: ({ contrasts = [], random }) =>
      contrasts.flatMap(({ question, right, wrong }) => {
        const [answer, other] = [quoted(right), quoted(wrong)];
        if (answer === "" || other === "" || answer.toLowerCase() === other.toLowerCase()) return [];
        return [{ question, skill: "which-of-two", ...choiceOf(answer, [other], random) }];
      }),
  }),
});

export default whichOfTwo;
