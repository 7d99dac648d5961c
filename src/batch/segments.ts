/**
 * What a batch of clips with their texts is made of: one visual prefix a clip, any number of texts behind it, and what
 * is contrasted with it.
 */
import type { Random } from "../core/random.ts";
import type { ClipPatches } from "../frames/clip-patches.ts";
import type { DrawnUnder } from "./token-batch.ts";

/** The tokens of one text behind a clip. */
export interface TextSegment {
  readonly tokens: readonly number[];
  /** Tokens from this index on are scored (as targets); `tokens.length`: none. */
  readonly scoredFrom: number;
  /**
   * The text that it goes on from, by its index (a smaller one): it sees that text too, its positions go on behind it, and
   * with `scoredFrom` 0 its first token is scored at that text's end. Left out: it stands behind the clip.
   */
  readonly continues?: number;
  /** Score the token after the last one too: for what would follow; the target is token 0. */
  readonly next?: boolean;
}

/** One clip with its texts. */
export interface ClipSegments {
  readonly clip: ClipPatches;
  readonly texts: readonly TextSegment[];
  /** Its visual tokens are zeros, their places stay; it takes no part in what is contrasted. */
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
  /** Ends a video segment; the encodings with three tokens end the absent twin with `endAbsent` instead. */
  readonly endComplete: number;
  readonly endAbsent: number;
  readonly endText: number;
}

/**
 * How what is contrasted is laid out. Only the first makes telling a clip from its twin a matter of looking:
 *
 * - `shared`: isolated segments, one end token for every video segment and another one for the text
 * - `literal`: the same with the paper's three end tokens; the twin's end can be told by its name alone
 * - `packed`: eq. (3) as one sequence with three end tokens; the twin's end sees the clip, the text's end sees both
 * - `separate`: `shared`, each segment a sequence of its own; the same numbers for more work
 *
 * @source VideoPerceiver eq. (3): three end tokens in one sequence
 * @differs the default is `shared`: with the twin's own token the loss falls to 0 on a twin that is the clip itself
 */
export const contrastEncodings = ["shared", "literal", "packed", "separate"] as const;
/** One of {@link contrastEncodings}. */
export type ContrastEncoding = (typeof contrastEncodings)[number];

/**
 * Rows whose states a loss may ask for, one each for every clip that shows its pictures: the end of the complete clip, of its absent twin, of the
 * complete clip's second view under dropout, of the keywords.
 */
export const segmentGroups = ["complete", "absent", "view", "keywords"] as const;
/** One of {@link segmentGroups}. */
export type SegmentGroupName = (typeof segmentGroups)[number];

/** States of a group that are wanted at the output of a block (1-based). */
export interface GroupAtBlock {
  readonly block: number;
  readonly group: string;
}

/** Options of a batch. */
export interface SegmentOptions {
  readonly tokens: SegmentTokens;
  /** States that are wanted; what a clip is contrasted with is laid out as far as they need it. */
  readonly states?: readonly GroupAtBlock[];
  /** Dropout of the visual tokens of the second view, or of both views; needed for the group `view`. */
  readonly view?:
    | { readonly dropout: number; readonly random: Random; readonly both?: boolean | undefined }
    | undefined;
  /** Default: `shared`. */
  readonly encoding?: ContrastEncoding | undefined;
  /** Blind: visual tokens are zeros, their places stay. */
  readonly blind?: boolean;
  /** A prefill for generation: exactly one scored row a clip, nothing rounded up. */
  readonly prefill?: boolean;
  /** Positions of a clip and its texts at least; what is left over is padding. */
  readonly leastLength?: number | undefined;
  /** The distribution that targets are scored under; left out: the model's own. */
  readonly drawn?: DrawnUnder;
}

/** Where a scored token belongs. */
export interface ScoredToken {
  readonly clip: number;
  readonly text: number;
  /** Index of the target in the text's tokens. */
  readonly token: number;
}
