import type { BatchRules } from "./batch-rules.ts";
import { ConversationWriter } from "./conversation-writer.ts";
import { type ConversationTokens, mainPieces } from "./conversations.ts";
import type { MediaStep } from "./media-step.ts";
import { rounding, roundUp } from "./rounding.ts";
import type { TokenBatch } from "./token-batch.ts";

/** A conversation up to where the assistant begins to speak. */
export interface ConversationPrompt {
  readonly tokens: ConversationTokens;
  /** Position of the token that follows. */
  readonly next: number;
  /** Temporal steps of all pictures in the order of the conversation. */
  readonly media: readonly MediaStep[];
}

/** Positions of each prompt in a batch of some, with its padding. */
export const promptLength = (prompts: readonly Pick<ConversationPrompt, "tokens">[]): number =>
  roundUp(Math.max(1, ...prompts.map(({ tokens }) => tokens.ids.length)), rounding.positions);

/**
 * Prompts of any sizes as a batch that completions are drawn from, a row each; steps that several show stand in it once.
 *
 * @param leastLength positions of each at least
 * @returns the batch, whose scored rows are the last of each prompt, and the position behind each
 */
export const promptBatch = (
  prompts: readonly ConversationPrompt[],
  rules: BatchRules,
  leastLength = 0,
): { readonly batch: TokenBatch; readonly nextPositions: readonly number[] } => {
  const length = Math.max(leastLength, promptLength(prompts));
  const writer = new ConversationWriter(prompts.length, length, rules);
  const ends = prompts.map(({ tokens, media }, row) => {
    const [piece] = mainPieces({ media, texts: [tokens] });
    return writer.piece({ ...piece!, spoken: undefined }, row * length, undefined, 0).last;
  });
  const batch: TokenBatch = {
    ...writer.written(),
    scale: undefined,
    scored: { rows: Int32Array.from(ends), targets: new Int32Array(ends.length) },
    taps: [],
  };
  return { batch, nextPositions: prompts.map(({ next }) => next) };
};
