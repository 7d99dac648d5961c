import type { StorageType } from "../weights/write-safetensors.ts";

/** The language model. Sizes are counts of numbers; `headDim * heads` is the width of the attention. */
export interface TextConfig {
  readonly vocabSize: number;
  readonly hiddenSize: number;
  readonly intermediateSize: number;
  readonly layers: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  readonly rmsNormEps: number;
  readonly ropeTheta: number;
  /** Rotary pairs that turn with time, height and width; they add up to `headDim / 2`. */
  readonly mropeSection: readonly [number, number, number];
  readonly tieWordEmbeddings: boolean;
  readonly maxPositionEmbeddings: number;
  readonly initializerRange: number;
}

/** What of a vision tower is seen from outside; a family adds its own fields. */
export interface VisionSizes {
  /** Width of a visual token: that of the language model. */
  readonly outHiddenSize: number;
  readonly inChannels: number;
  readonly patchSize: number;
  readonly temporalPatchSize: number;
  readonly spatialMergeSize: number;
}

/** Ids with a meaning. `endOfText` holds every id that ends a completion; empty when the files name none. */
export interface TokenIds {
  readonly image: number;
  readonly video: number;
  readonly visionStart: number;
  readonly visionEnd: number;
  readonly begin: number | undefined;
  readonly endOfText: readonly number[];
  readonly pad: number | undefined;
}

/** A model of any family: one normalised form of its `config.json`. */
export interface ModelConfig {
  /** The family's name in the registry, which is the `model_type` of the file. */
  readonly family: string;
  readonly text: TextConfig;
  readonly vision: VisionSizes;
  readonly tokens: TokenIds;
  readonly storage: StorageType;
}

/** Ids that stand for pictures in a prompt; a completion must not have them, since there are no pictures behind them. */
export const visionTokenIds = ({ tokens }: Pick<ModelConfig, "tokens">): number[] =>
  [tokens.image, tokens.video, tokens.visionStart, tokens.visionEnd].filter((id) => id !== undefined);
