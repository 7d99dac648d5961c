import { availableParallelism } from "node:os";
import { join } from "node:path";
import type { FrameTextEncoder } from "../engine/dual-encoder.ts";
import { dualEncoderOpener } from "../engine/engines.ts";
import { pixelsOf } from "../frames/frame-batch.ts";
import { resizeBatch } from "../frames/resize.ts";
import { readCheckpoints } from "../runs/checkpoints.ts";
import { runFiles } from "../runs/run-folder.ts";
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

/** Opens a frame-text encoder of ours for `--relevance checkpoint:DIR`; of a run, its newest checkpoint. */
export const openScorer: OpenFrameTextScorer = async (folder) => {
  const newest = readCheckpoints(join(folder, runFiles.checkpoints)).complete.at(-1)?.folder;
  return scorerOf(await (await dualEncoderOpener()).open(newest ?? folder, availableParallelism()));
};
