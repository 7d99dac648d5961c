import { sha256 } from "../core/files.ts";
import type { Sample } from "./sample.ts";

/** Names of the parts of a data set. */
export type SplitName = "train" | "validation" | "test";

/** Shares of validation and test, each from 0 to 1. */
export interface SplitShares {
  readonly validation: number;
  readonly test: number;
}

/**
 * The part that a clip belongs to: a function of its content and of `salt` alone, so every sample of a clip is in the
 * same part and new clips never move old ones.
 */
export const splitOfClip = (clipSha256: string, shares: SplitShares, salt: string = ""): SplitName => {
  const position = Number.parseInt(sha256(`${salt}/${clipSha256}`).slice(0, 12), 16) / 2 ** 48;
  if (position < shares.test) return "test";
  return position < shares.test + shares.validation ? "validation" : "train";
};

/** The part that a sample belongs to: its clip's. */
export const splitOf = (sample: Sample, shares: SplitShares, salt?: string): SplitName =>
  splitOfClip(sample.clip.sha256, shares, salt);

/**
 * The training clips that are kept for reinforcement learning: what supervised fine-tuning has seen teaches nothing by
 * looking any more. Chosen by content and `salt`, whatever the order; at least one of several.
 *
 * @param share of the clips, 0 to 1
 */
export const reinforcementClips = (
  clipSha256s: readonly string[],
  share: number,
  salt: string = "",
): ReadonlySet<string> => {
  const clips = [...new Set(clipSha256s)];
  const placed = clips
    .map((clip) => ({ clip, place: sha256(`reinforcement/${salt}/${clip}`) }))
    .sort((a, b) => (a.place < b.place ? -1 : 1));
  const count = share === 0 ? 0 : Math.min(clips.length - 1, Math.max(1, Math.round(share * clips.length)));
  return new Set(placed.slice(0, Math.max(0, count)).map(({ clip }) => clip));
};
