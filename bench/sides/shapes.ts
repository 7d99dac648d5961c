import type { UpdateOptions } from "../../src/engine/contract.ts";
import type { Grid } from "../../src/frames/grid.ts";
import type { TextConfig } from "../../src/model/config.ts";
import type { Qwen25VLConfig, VisionConfig } from "../../src/model/qwen2_5_vl/config.ts";

/** Name of a shape. */
export type ShapeName = "small" | "medium";

/** A model and a batch of clips, as the notes of the reference name them. */
export interface BenchShape {
  readonly config: Qwen25VLConfig;
  readonly clips: number;
  readonly grid: Grid;
  /** Text tokens before and behind the visual tokens of every clip; those behind are supervised. */
  readonly before: number;
  readonly behind: number;
}

const model = (
  text: Pick<
    TextConfig,
    "vocabSize" | "hiddenSize" | "intermediateSize" | "layers" | "heads" | "kvHeads" | "mropeSection"
  >,
  vision: Pick<VisionConfig, "depth" | "hiddenSize" | "heads" | "intermediateSize">,
): Qwen25VLConfig => ({
  family: "qwen2_5_vl",
  storage: "float32",
  text: {
    ...text,
    headDim: text.hiddenSize / text.heads,
    rmsNormEps: 1e-6,
    ropeTheta: 1e6,
    tieWordEmbeddings: true,
    maxPositionEmbeddings: 4096,
    initializerRange: 0.02,
  },
  vision: {
    ...vision,
    headDim: vision.hiddenSize / vision.heads,
    outHiddenSize: text.hiddenSize,
    inChannels: 3,
    patchSize: 14,
    temporalPatchSize: 2,
    spatialMergeSize: 2,
    windowSize: 112,
    fullAttentionBlocks: [vision.depth - 1],
    tokensPerSecond: 2,
    rmsNormEps: 1e-6,
    ropeTheta: 10_000,
  },
  tokens: {
    image: 10,
    video: 11,
    visionStart: 12,
    visionEnd: 13,
    begin: undefined,
    endOfText: [2],
    pad: undefined,
  },
});

/** The shapes of notes/qwen2_5_vl.md: 256 visual and 66 text tokens a clip. */
export const benchShapes: Readonly<Record<ShapeName, BenchShape>> = {
  small: {
    config: model(
      {
        vocabSize: 4096,
        hiddenSize: 256,
        intermediateSize: 688,
        layers: 6,
        heads: 8,
        kvHeads: 2,
        mropeSection: [4, 6, 6],
      },
      { depth: 4, hiddenSize: 192, heads: 4, intermediateSize: 512 },
    ),
    clips: 4,
    grid: [4, 16, 16],
    before: 16,
    behind: 50,
  },
  medium: {
    config: model(
      {
        vocabSize: 8192,
        hiddenSize: 768,
        intermediateSize: 2048,
        layers: 10,
        heads: 12,
        kvHeads: 2,
        mropeSection: [8, 12, 12],
      },
      { depth: 8, hiddenSize: 384, heads: 6, intermediateSize: 1024 },
    ),
    clips: 2,
    grid: [4, 16, 16],
    before: 16,
    behind: 50,
  },
};

/** What the contrastive step compares: the block (1-based), dropout of the second view, keywords a clip. */
export const contrastWork = { block: 3, dropout: 0.1, keywords: 6 };

/** The update of the training benchmarks; the anchor's `train` has the same. */
export const benchUpdate: UpdateOptions = {
  learningRate: 1e-4,
  beta1: 0.9,
  beta2: 0.999,
  epsilon: 1e-8,
  weightDecay: 0.01,
  maxGradientNorm: 1,
};
