import { availableParallelism } from "node:os";
import type { FrameTextEncoder } from "../engine/dual-encoder.ts";
import { dualEncoderOpener } from "../engine/engines.ts";
import { pixelsOf } from "../frames/frame-batch.ts";
import { resizeBatch } from "../frames/resize.ts";
import type { FrameTextScorer, OpenFrameTextScorer } from "../selection/frame-text-scorer.ts";

/** A frame-text encoder of ours as a scorer: frames are resized to its size. */
export const scorerOf = (encoder: FrameTextEncoder): FrameTextScorer => {
  const { pixels, reach } = encoder.config;
  return {
    version: encoder.version,
    reach,
    close: () => encoder.close(),
    scoreFrames: async (frames, keywords) => {
      const resized = resizeBatch(frames, pixels, pixels);
      const pictures = resized.frames.map((_, position) => pixelsOf(resized, position));
      return encoder.score(pictures, keywords);
    },
  };
};

/** Opens a frame-text encoder of ours for `--relevance checkpoint:DIR`. */
export const openScorer: OpenFrameTextScorer = async (folder) =>
  scorerOf(await (await dualEncoderOpener()).open(folder, availableParallelism()));
