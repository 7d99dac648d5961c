import type { Command } from "commander";
import type { BatchRules } from "../../batch/batch-rules.ts";
import type { Engine, SampleRequest } from "../../engine/contract.ts";
import { sampleUntilText } from "../../engine/stop-text.ts";
import type { TokenChoiceRules } from "../../engine/token-choice.ts";
import { integerValue, numberValue } from "../option-values.ts";

/** How an answer is drawn. */
export interface AnswerRules extends Omit<TokenChoiceRules, "bannedTokens"> {
  readonly maxNewTokens: number;
  /** Strings that end the answer; they are no part of it. */
  readonly stop: readonly string[];
  readonly seed: number;
}

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

/** A prompt in the form of the engine, and how its answer is read. */
export interface AnswerPrompt extends Pick<SampleRequest, "batch" | "nextPositions" | "stopTokens"> {
  readonly decode: (tokens: readonly number[]) => string;
}

/** Draws one answer. @throws {ConfigError} for rules out of range */
export const drawAnswer = async (
  engine: Engine,
  { visualTokenIds }: Pick<BatchRules, "visualTokenIds">,
  { decode, ...prompt }: AnswerPrompt,
  { stop, seed, ...rules }: AnswerRules,
  signal?: AbortSignal,
): Promise<string> => {
  const request = {
    ...prompt,
    ...rules,
    completions: 1,
    bannedTokens: visualTokenIds,
    seed: `ask/${seed}`,
  };
  const [drawn] = await sampleUntilText(engine, request, { strings: stop, decode }, { signal });
  return drawn![0]!.text;
};
