import type { FrameBatch } from "../frames/frame-batch.ts";

/** Scores frames against keywords; implemented by our own checkpoints (`jobs/` hands it in), see `relevance/checkpoint.ts`. */
export interface FrameTextScorer {
  /** Similarity of each frame to the pooled keywords, cosine in [-1, 1]; one value a frame, in order. */
  scoreFrames(frames: FrameBatch, keywords: readonly string[]): Promise<Float64Array>;
  /** How many frames before and after a frame its score depends on; beyond a batch's ends its first and last stand in. */
  readonly reach: number;
  /** What identifies the weights, e.g. their SHA-256; goes into the provenance. */
  readonly version: string;
  /** Frees sessions and weights. */
  close(): Promise<void>;
}

/** Opens a checkpoint folder as a scorer; `jobs/` knows how, `selection/` does not. */
export type OpenFrameTextScorer = (folder: string) => Promise<FrameTextScorer>;
