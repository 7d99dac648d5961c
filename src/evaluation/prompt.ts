import { questionText } from "../dataset/question.ts";
import type { AnswerKind } from "../grading/grade-answer.ts";
import { optionLetter } from "../grading/options.ts";
import type { BenchmarkSample } from "./benchmarks.ts";

/** What a subject is asked, around the clip. */
export interface AskedPrompt {
  readonly system?: string;
  readonly text: string;
  /** What the answer is made to begin with. */
  readonly prefill?: string;
  /** True: the text stands in front of the pictures. */
  readonly textFirst?: true;
  /** Tokens of an answer at most, where the benchmark says so. */
  readonly maxNewTokens?: number;
}

/** The options one a line, as `A. text` or in another form. */
export const optionLines = (
  { options = [] }: Pick<BenchmarkSample, "options">,
  form: (letter: string, text: string) => string = (letter, text) => `${letter}. ${text}`,
): string => options.map((text, at) => form(optionLetter(at), text)).join("\n");

const instructions: Readonly<Record<AnswerKind, string>> = {
  choice: "Answer with the letter of the right option only.",
  number: "Answer with one number.",
  span: "Answer with start and end in seconds, as: start - end.",
  "ranked-spans": "Answer with start and end in seconds, one stretch a line, the surest first.",
  permutation: "Answer with the numbers in the right order, separated by commas.",
  "index-set": "Answer with the numbers that fit, separated by commas.",
  open: "",
};

/** How questions are asked of a benchmark that says nothing of it: question, lettered options, what the answer looks like. */
export const standardPrompt = (sample: BenchmarkSample): AskedPrompt => {
  const parts = [
    questionText(sample),
    sample.options === undefined ? "" : optionLines(sample),
    instructions[sample.answerKind],
  ];
  return { text: parts.filter((part) => part !== "").join("\n") };
};

/** A prompt as one text, for records and for subjects that know no roles. */
export const promptAsText = ({ system, text, prefill }: AskedPrompt): string =>
  [system, text, prefill].filter((part) => part !== undefined && part !== "").join("\n");
