import { ConfigError } from "../../core/errors.ts";
import { readCaptionReference } from "../caption-reference.ts";
import { judgeParams, judgeScorer } from "../judge-client.ts";
import { defineScorer, type ScorerPlugin } from "../scorer.ts";

const referenceOf = (reference: string): { readonly question: string; readonly answer: string } => {
  const read = readCaptionReference(reference);
  if (read !== null) return read;
  throw new ConfigError("not the reference of a caption", {
    where: "--scorer tempcompass",
    expected: "a multiple-choice question and its answer, as tempcompass:judged=true has them",
    got: JSON.stringify(reference.slice(0, 60)),
  });
};

/** How often an option is named, as the original counts. */
const optionsNamed = (answer: string): number => (answer.match(/[A-D]\./g) ?? []).length;

/** 1 when the answer is the right option and names no other; undefined when nothing was said. */
export const captionRating = (said: string, right: string): number | undefined => {
  if (said.trim() === "") return undefined;
  const line = said.split("\n").findLast((one) => one.includes("Answer"));
  const answer = (line ?? said).replaceAll("Answer:", "").trim();
  return answer.split(". ")[0] === right.split(". ")[0] && optionsNamed(answer) === 1 ? 1 : 0;
};

/**
 * TempCompass's captioning: a language model answers the clip's multiple-choice question from the caption alone, and the
 * caption is right when the model's answer is. Unverified: the original's model is gone, its wording is its own.
 */
const plugin: ScorerPlugin = defineScorer({
  summary:
    "captions of tempcompass:judged=true: a language model answers the clip's question from the caption",
  source: "llyx97/TempCompass@e1b4631, eval_captioning.py; our question to the judge, at temperature 0",
  argument: "judge",
  params: judgeParams,
  create: (settings) =>
    judgeScorer(settings, {
      name: "tempcompass",
      parts: ["score"],
      system: "You answer questions about a text.",
      question: ({ candidate, reference }) =>
        [
          "Below are a description of a video and a multiple-choice question about the video.",
          "Choose the option that agrees with the description. Use nothing but the description.",
          'Where no option agrees with it, or it says too little, the answer is "None of the choices are correct".',
          "Write two lines:",
          "Reasoning: why, in one sentence",
          'Answer: letter and text of the option, such as "B. walking"',
          "",
          `Video description: ${candidate.replaceAll("</s>", "").trim()}`,
          "Multiple-choice question:",
          referenceOf(reference).question,
        ].join("\n"),
      read: (said, { reference }) => {
        const score = captionRating(said, referenceOf(reference).answer);
        return score === undefined ? undefined : { score };
      },
    }),
});
export default plugin;
