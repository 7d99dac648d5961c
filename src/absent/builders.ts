import type { Random } from "../core/random.ts";
import { type Define, definer, folderRegistry, type Plugin, type Registry } from "../core/registry.ts";
import type { TimeSpan } from "../core/units.ts";
import type { Timeline } from "../video/types.ts";

/**
 * What a builder decides from. Positions count the sampled frames (0-based, into `timeline`); the clip's own frame
 * indices stand in `timeline[position].index`.
 */
export interface BuilderInput {
  readonly timeline: Timeline;
  /** The curve that the key frames were read off, one value a sampled frame, as smoothed as it was for that. */
  readonly curve: ArrayLike<number>;
  /** Positions of the key frames, ascending. */
  readonly keyFrames: readonly number[];
  /** When the decisive moments are, where that is known and not found. */
  readonly spans?: readonly TimeSpan[];
  readonly random: Random;
}

/** The sampled frame at `position` shows what the one at `from` shows; equal when only a pixel operation changes it. */
export interface PositionReplacement {
  readonly position: number;
  readonly from: number;
}

/** Changes one frame's pixels (rgb24 [height, width, 3]) in place. */
export type PixelOperation = (pixels: Uint8Array, width: number, height: number) => void;

/** A way to take decisive frames away: a pure function of its input. */
export interface AbsentBuilder {
  /** Replacements in ascending order of position, each position at most once; times never change. */
  replace(input: BuilderInput): PositionReplacement[];
  /** True: where spans are known, only frames of the clip inside them are replaced, whatever a sampled frame stands for. */
  readonly keepsToSpans?: boolean;
  /** Applied to every declared frame after the replacement. */
  readonly pixels?: PixelOperation;
}

/** A builder's file: `builders/<name>.ts`. */
export type BuilderDefinition = Plugin<AbsentBuilder>;

/** Declares a builder. */
export const defineBuilder: Define<BuilderDefinition> = definer("builder");

/** The builder where nobody names one: runs of frames around what stands out, at most this share of the clip. */
export const usualBuilder = "span:mostShare=0.35";

/** Every builder, by file name. */
export const absentBuilders: Registry<BuilderDefinition> = folderRegistry<BuilderDefinition>(
  "builder",
  new URL("./builders/", import.meta.url),
);
