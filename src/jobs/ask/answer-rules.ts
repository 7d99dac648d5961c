import { seededRandom } from "../../core/random.ts";
import type { Completion, Engine, SampleRequest } from "../../engine/contract.ts";
import type { TokenChoiceRules } from "../../engine/token-choice.ts";
import { type ModelConfig, visionTokenIds } from "../../model/config.ts";

/** How an answer is drawn. */
export interface AnswerRules extends Omit<TokenChoiceRules, "bannedTokens"> {
  readonly maxNewTokens: number;
  /** Strings that end the answer; they are no part of it. */
  readonly stop: readonly string[];
  readonly seed: number;
}

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
