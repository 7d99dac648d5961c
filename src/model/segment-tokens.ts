import type { SegmentTokens } from "../batch/segments.ts";
import type { Tokenizer } from "../text/tokenizer.ts";
import { segmentEndTokens } from "../text/word-level-tokenizer.ts";

/** The tokens that frame segments; undefined for a tokenizer that was not made for segments (a hub model's). */
export const segmentTokensOf = (tokenizer: Tokenizer): SegmentTokens | undefined => {
  if (!segmentEndTokens.every((name) => tokenizer.added.has(name))) return undefined;
  const [complete, absent, text] = segmentEndTokens;
  return {
    visionStart: tokenizer.idOf("<|vision_start|>"),
    visionEnd: tokenizer.idOf("<|vision_end|>"),
    video: tokenizer.idOf("<|video_pad|>"),
    endComplete: tokenizer.idOf(complete),
    endAbsent: tokenizer.idOf(absent),
    endText: tokenizer.idOf(text),
  };
};
