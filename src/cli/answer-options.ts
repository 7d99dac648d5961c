import type { Command } from "commander";
import type { AnswerRules } from "../jobs/ask/answer-rules.ts";
import { integerValue, numberValue } from "./option-values.ts";

/** Declares the options of {@link AnswerRules}. */
export const answerOptions = (command: Command): Command =>
  command
    .option("--max-new-tokens <number>", "longest answer in tokens", integerValue({ min: 1 }), 128)
    .option(
      "--temperature <number>",
      "0: always the likeliest token; 1: as the model has it",
      numberValue({ min: 0 }),
      0,
    )
    .option("--top-k <number>", "draw from the k likeliest tokens; 0: from all", integerValue({ min: 0 }), 0)
    .option(
      "--top-p <share>",
      "draw from the likeliest tokens that together reach this probability; 1: from all",
      numberValue({ min: 1e-6, max: 1 }),
      1,
    )
    .option(
      "--repetition-penalty <factor>",
      "above 1: tokens of the question and the answer so far become less likely",
      numberValue({ min: 1e-6 }),
      1,
    )
    .option(
      "--stop <text>",
      "ends the answer in front of this text; may be given several times",
      (text: string, before: readonly string[]) => [...before, text],
      [] as readonly string[],
    )
    .option("--seed <number>", "of the draws when the temperature is not 0", integerValue({ min: 0 }), 0);

/** What {@link answerOptions} say. */
export const chosenRules = (options: Readonly<Record<string, unknown>>): AnswerRules => {
  const { maxNewTokens, temperature, topK, topP, repetitionPenalty, stop, seed } =
    options as unknown as Required<AnswerRules>;
  return { maxNewTokens, temperature, topK, topP, repetitionPenalty, stop, seed };
};
