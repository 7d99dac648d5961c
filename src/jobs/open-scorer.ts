import { availableParallelism } from "node:os";
import { DualEncoder } from "../engine/onnx/dual-encoder.ts";
import { pixelsOf } from "../frames/frame-batch.ts";
import { resizeBatch } from "../frames/resize.ts";
import type { OpenFrameTextScorer } from "../selection/frame-text-scorer.ts";

/** Opens a frame-text encoder of ours for `--relevance checkpoint:DIR`: frames are resized to its size. */
export const openScorer: OpenFrameTextScorer = async (folder) => {
  const encoder = await DualEncoder.open(folder, availableParallelism());
  const { pixels } = encoder.config;
  return {
    version: encoder.version,
    close: () => encoder.close(),
    scoreFrames: async (frames, keywords) => {
      const resized = resizeBatch(frames, pixels, pixels);
      const pictures = resized.frames.map((_, position) => pixelsOf(resized, position));
      return encoder.score(pictures, keywords);
    },
  };
};
