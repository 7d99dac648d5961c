import type { Command } from "commander";
import { seededRandom } from "../../core/random.ts";
import type { Completion, Engine, SampleRequest } from "../../engine/contract.ts";
import type { TokenChoiceRules } from "../../engine/token-choice.ts";
import { type ModelConfig, visionTokenIds } from "../../model/config.ts";
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

/** A prompt in the form of the engine, and its own ids and text. */
export interface AnswerPrompt extends Pick<SampleRequest, "batch" | "lengths" | "nextPositions"> {
  readonly tokens: Iterable<number>;
  readonly decode: (tokens: readonly number[]) => string;
}

/** Draws one answer. @throws {ConfigError} for rules out of range */
export const drawAnswer = async (
  engine: Engine,
  config: ModelConfig,
  { tokens, decode, ...prompt }: AnswerPrompt,
  { stop, seed, ...rules }: AnswerRules,
): Promise<string> => {
  const drawn = await engine.sample({
    ...prompt,
    ...rules,
    completions: 1,
    stopTokens: config.tokens.endOfText,
    bannedTokens: visionTokenIds(config),
    promptTokens: [tokens],
    ...(stop.length === 0 ? {} : { stopText: { strings: stop, decode } }),
    random: seededRandom("ask", seed),
  });
  const [[answer]] = drawn as [[Completion]];
  return answer.text ?? decode(answer.tokens);
};
