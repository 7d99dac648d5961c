/**
 * What a model costs: operations of what flows through it, numbers that it holds. Every estimate of time and memory is made
 * of these formulas; `docs/scale.md` holds them against what was measured.
 *
 * An operation is an addition or a multiplication of a matrix product, but for the attention of the vision tower (1 to 2 % of
 * it: its windows are small). What norms, rotations and softmax read and write is in `step-load.ts`.
 */
import type { WeightStorage } from "../../engine/model-store.ts";
import type { ModelConfig } from "../../model/config.ts";
import { expectedTensors } from "../../model/parameters.ts";
import type { CommonSettings } from "./settings.ts";

/** Numbers of a model by part, those in matrices of blocks apart. */
export interface PartSizes {
  readonly visionMatrices: number;
  readonly mergerMatrices: number;
  readonly languageMatrices: number;
  /** Of the table of words; the head has as many. */
  readonly table: number;
  /** Everything, a head of its own too. */
  readonly all: number;
  /** Of the largest language block. */
  readonly block: number;
}

const sumOf = (config: ModelConfig, test: (name: string, shape: readonly number[]) => boolean): number =>
  expectedTensors(config)
    .filter(({ name, shape }) => test(name, shape))
    .reduce((total, { shape }) => total + shape.reduce((product, size) => product * size, 1), 0);

/** Counts a model's numbers. */
export const partSizes = (config: ModelConfig): PartSizes => {
  const { vocabSize, hiddenSize, layers } = config.text;
  const isVision = (name: string): boolean => name.includes("visual.");
  const isMerger = (name: string): boolean => name.includes("merger.");
  const isMatrix = (shape: readonly number[]): boolean => shape.length > 1;
  const isTable = ([rows]: readonly number[]): boolean => rows === vocabSize;
  const languageMatrices = sumOf(
    config,
    (name, shape) => !isVision(name) && isMatrix(shape) && !isTable(shape),
  );
  return {
    visionMatrices: sumOf(config, (name, shape) => isVision(name) && !isMerger(name) && isMatrix(shape)),
    mergerMatrices: sumOf(config, (name, shape) => isMerger(name) && isMatrix(shape)),
    languageMatrices,
    table: vocabSize * hiddenSize,
    all: sumOf(config, () => true),
    block: languageMatrices / layers,
  };
};

/** What of a model is trained. */
export type TrainedParts = Pick<CommonSettings, "trained" | "lora">;

const isTrained = ({ trained, lora }: TrainedParts, part: string): boolean =>
  trained === "all" ? lora === null : (trained as readonly string[]).includes(part);

/**
 * Passes over a part's matrices: forward, and backward to what went in and to the weights.
 * @returns 1 to 3
 */
export const passesOf = (settings: TrainedParts): Record<"vision" | "merger" | "language", number> => {
  const { lora } = settings;
  const learns = (part: string): boolean =>
    isTrained(settings, part) || (lora !== null && (part === "language" || lora.vision));
  const one = (part: string, before: readonly string[]): number =>
    1 + (learns(part) || before.some(learns) ? 1 : 0) + (isTrained(settings, part) ? 1 : 0);
  return {
    vision: one("vision", []),
    merger: one("merger", ["vision"]),
    language: one("language", ["vision", "merger"]),
  };
};

/** Numbers of an adapter: rank times inputs and outputs of every matrix, as if they were square. */
const adapterSize = (config: ModelConfig, { lora }: TrainedParts): number => {
  if (lora === null) return 0;
  const isAdapted = (name: string): boolean => !name.includes("visual.") || lora.vision;
  return expectedTensors(config)
    .filter(({ name, shape }) => shape.length === 2 && isAdapted(name) && shape[0] !== config.text.vocabSize)
    .reduce((total, { shape }) => total + lora.rank * (shape[0]! + shape[1]!), 0);
};

/** Numbers that are trained. */
export const trainedSize = (config: ModelConfig, settings: TrainedParts): number => {
  const sizes = partSizes(config);
  const head = config.text.tieWordEmbeddings ? 1 : 2;
  return (
    (isTrained(settings, "language") ? sizes.languageMatrices + head * sizes.table : 0) +
    (isTrained(settings, "vision") ? sizes.visionMatrices : 0) +
    (isTrained(settings, "merger") ? sizes.mergerMatrices : 0) +
    adapterSize(config, settings)
  );
};

/** What flows through a model once. */
export interface Passage {
  /** Of the vision tower; temporal steps that were encoded before do not count. */
  readonly patches: number;
  /** Of the language model. */
  readonly positions: number;
  /** Keys that a position's attention is computed with, on average. */
  readonly context: number;
  /** Share of the language blocks that it passes. */
  readonly depth: number;
  /** Positions whose next token is scored. */
  readonly scored: number;
}

/** Operations of a flow forward, by part. */
export const forwardOperations = (
  { patches, positions, context, depth, scored }: Passage,
  config: ModelConfig,
  sizes: PartSizes = partSizes(config),
): Record<"vision" | "merger" | "language", number> => {
  const { text, vision } = config;
  const attention = 4 * context * text.heads * text.headDim * text.layers;
  return {
    vision: 2 * patches * sizes.visionMatrices,
    merger: 2 * (patches / vision.spatialMergeSize ** 2) * sizes.mergerMatrices,
    language: positions * depth * (2 * sizes.languageMatrices + attention) + 2 * scored * sizes.table,
  };
};

/** Operations of a flow forward and backward. @param again forwards that backward repeats, of the language blocks */
export const trainingOperations = (
  flow: Passage,
  config: ModelConfig,
  settings: TrainedParts,
  again = 0,
): number => {
  const forward = forwardOperations(flow, config);
  const times = passesOf(settings);
  return (
    forward.vision * (times.vision + (times.vision > 1 ? again : 0)) +
    forward.merger * (times.merger + (times.merger > 1 ? again : 0)) +
    forward.language * (times.language + again)
  );
};

/** Numbers of a position between the products of a language block: what norms, products and the gate read. */
export const keptInBlock = ({ text }: ModelConfig): number => 6 * text.hiddenSize + 3 * text.intermediateSize;

/** Sizes of a vision tower. */
export interface TowerCounts {
  readonly depth: number;
  readonly hiddenSize: number;
  readonly intermediateSize: number;
  readonly heads: number;
  /** In pixels. */
  readonly windowSize: number;
  /** Blocks that see whole frames. */
  readonly fullBlocks: number;
}

/** Sizes of the tower; those that a family has no numbers of are Qwen2.5-VL's. */
export const towerOf = ({ vision }: ModelConfig): TowerCounts => {
  const given = vision as Partial<TowerCounts> & { readonly fullAttentionBlocks?: readonly number[] };
  const { depth = 32, hiddenSize = 1280, intermediateSize = 3420, heads = 16, windowSize = 112 } = given;
  const fullBlocks = given.fullAttentionBlocks?.length ?? 4;
  return { depth, hiddenSize, intermediateSize, heads, windowSize, fullBlocks };
};

/** Numbers of a patch between the products of the vision tower; those of a block that sees whole frames are not more here. */
export const keptInTower = (config: ModelConfig): number => {
  const { depth, hiddenSize, intermediateSize, heads, windowSize } = towerOf(config);
  const keys = (windowSize / config.vision.patchSize) ** 2;
  return depth * (6 * hiddenSize + 3 * intermediateSize + heads * keys);
};

/**
 * Numbers between the products of a passage that a backward needs: blocks with the scores of their attention, the tower where
 * it is trained, and the words' scores.
 */
export const betweenNumbers = (
  { patches, positions, context, depth, scored }: Passage,
  config: ModelConfig,
  settings: TrainedParts,
): number => {
  const { text } = config;
  const block = keptInBlock(config) + text.heads * context;
  const tower = passesOf(settings).vision > 1 ? patches * keptInTower(config) : 0;
  return positions * depth * text.layers * block + tower + 3 * scored * text.vocabSize;
};

/**
 * Bytes of a process that keeps everything between forward and backward, weights in float32.
 *
 * @param between of all graphs that it keeps, see {@link betweenNumbers}
 */
export const computingBytes = (between: number, config: ModelConfig, settings: TrainedParts): number =>
  processBytes + stateBytes(config, settings) + bytesPerNumber * between;

/**
 * The same of a process that computes block by block: nothing is kept but the rows between blocks, and what one block needs.
 *
 * @param storage how frozen matrices are kept, in float32 or in two bytes a number
 */
export const blockwiseBytes = (
  between: number,
  config: ModelConfig,
  settings: TrainedParts,
  storage: WeightStorage,
): number => {
  const { all, block } = partSizes(config);
  const trained = trainedSize(config, settings);
  const frozen = settings.lora === null ? all - trained : all;
  const spared = storage === "as-stored" ? 2 * frozen : 0;
  const oneBlock = (2 * between) / config.text.layers;
  return (
    processBytes + stateBytes(config, settings) - spared + blocksHeld * 4 * block + bytesPerNumber * oneBlock
  );
};

/** Blocks in float32 that compiled graphs and the memory of their computation come to; of one run (docs/large-models.md). */
const blocksHeld = 8;

/** Weights; gradients and two moments of what is trained. */
export const stateBytes = (config: ModelConfig, settings: TrainedParts): number =>
  4 * partSizes(config).all + 12 * trainedSize(config, settings);

/** Bytes of a process without a model, and of a number between products with what is computed of it; fitted (docs/scale.md). */
const [processBytes, bytesPerNumber] = [1.7e8, 6.5];
