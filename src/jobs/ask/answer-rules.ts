import type { BatchRules } from "../../batch/batch-rules.ts";
import type { Engine, SampleRequest } from "../../engine/contract.ts";
import { sampleUntilText } from "../../engine/stop-text.ts";
import type { TokenChoiceRules } from "../../engine/token-choice.ts";

/** How an answer is drawn. */
export interface AnswerRules extends Omit<TokenChoiceRules, "bannedTokens"> {
  readonly maxNewTokens: number;
  /** Strings that end the answer; they are no part of it. */
  readonly stop: readonly string[];
  readonly seed: number;
}

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
