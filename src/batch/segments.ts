/**
 * What a batch of clips with their texts is made of: one visual prefix a clip, any number of texts behind it, and on
 * request what is contrasted with it.
 */
import type { Random } from "../core/random.ts";
import type { ClipPatches } from "../frames/clip-patches.ts";

/** The tokens of one text behind a clip. */
export interface TextSegment {
  readonly tokens: readonly number[];
  /** Tokens from this index on are scored (as targets); `tokens.length`: none. */
  readonly scoredFrom: number;
  /** Score the token after the last one too: gives its logits; the target is token 0. */
  readonly next?: boolean;
}

/** One clip with its texts. */
export interface ClipSegments {
  readonly clip: ClipPatches;
  readonly texts: readonly TextSegment[];
  /** Its visual tokens are zeros, their places stay. */
  readonly blind?: boolean;
  /** What is contrasted with it: the steps of the absent twin that differ, and the keywords. */
  readonly contrast?: {
    readonly absentSteps: ReadonlyMap<number, Uint8Array>;
    readonly keywords: readonly number[];
  };
}

/** Special tokens that frame segments. */
export interface SegmentTokens {
  readonly visionStart: number;
  readonly visionEnd: number;
  readonly video: number;
  /** Ends the complete clip, the absent clip, the text. */
  readonly endComplete: number;
  readonly endAbsent: number;
  readonly endText: number;
}

/** Options of a batch. */
export interface SegmentOptions {
  readonly tokens: SegmentTokens;
  /** Contrast at the output of this block (1-based); every clip then needs `contrast`. */
  readonly contrast?:
    | { readonly block: number; readonly dropout: number; readonly random: Random }
    | undefined;
  /** Blind: visual tokens are zeros, their places stay. */
  readonly blind?: boolean;
  /** A prefill for generation: exactly one scored row a clip, nothing rounded up. */
  readonly prefill?: boolean;
}

/** Where a scored token belongs. */
export interface ScoredToken {
  readonly clip: number;
  readonly text: number;
  /** Index of the target in the text's tokens. */
  readonly token: number;
}
