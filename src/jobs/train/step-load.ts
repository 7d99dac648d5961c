/**
 * What a step asks of the GPU that has most to do: operations of matrix products, bytes that everything between them reads and
 * writes, calls of blocks, and numbers that the host turns over. `machine-rates.ts` makes seconds of it.
 *
 * Counted as the engine torch computes (`python/videoperceiver_torch`) with `compute=bfloat16,recompute=true`: rows whole, with
 * what a mask hides; PyTorch's own operations one by one, none fused but attention; weights float32, gathered in bfloat16 for
 * each block (FSDP2, with one rank too). The bytes below are of the operations of transformers' blocks, written down one by one.
 */
import type { ModelConfig } from "../../model/config.ts";
import {
  forwardOperations,
  type Passage,
  partSizes,
  passesOf,
  type TrainedParts,
  towerOf,
  trainedSize,
} from "./model-cost.ts";
import { cacheBytes, type Draw, type RowsPass } from "./step-plan.ts";

/** What something asks for. */
export interface StepLoad {
  /** Additions and multiplications of matrix products. */
  readonly operations: number;
  /** Read and written between products, by norms, rotations, softmax and gates. */
  readonly bytes: number;
  /** Of what is stored: weights that are gathered, read or updated, their gradients, keys and values. */
  readonly storedBytes: number;
  /** Blocks of the language model that are called for a drawn token; everything else that the host calls, in such calls. */
  readonly calls: number;
  /** Numbers of masks that the host computes; pixels and scores of drawn tokens in such numbers. */
  readonly hostNumbers: number;
}

/** How a step is spread and computed. */
export interface Spreading {
  readonly config: ModelConfig;
  readonly parts: TrainedParts;
  readonly gpus: number;
  /** Positions of a batch at most, unless a row is longer. */
  readonly positionsPerBatch: number;
  /** Attention writes its scores down instead of computing them piece by piece. */
  readonly keepsScores: boolean;
  /** It computes on a GPU, whose own memory has no part in what fused attention does with a score. */
  readonly isOnGpu: boolean;
}

const nothing: StepLoad = { operations: 0, bytes: 0, storedBytes: 0, calls: 0, hostNumbers: 0 };

/** All of some. */
export const sumOfLoads = (loads: readonly StepLoad[]): StepLoad =>
  loads.reduce(
    (sum, one) => ({
      operations: sum.operations + one.operations,
      bytes: sum.bytes + one.bytes,
      storedBytes: sum.storedBytes + one.storedBytes,
      calls: sum.calls + one.calls,
      hostNumbers: sum.hostNumbers + one.hostNumbers,
    }),
    nothing,
  );

/** Rows of the GPU that has most, and the batches that they are. */
export const ownRows = (
  { rows, length }: Pick<RowsPass, "rows" | "length">,
  { gpus, positionsPerBatch }: Pick<Spreading, "gpus" | "positionsPerBatch">,
): { readonly rows: number; readonly batches: number; readonly rowsPerBatch: number } => {
  const own = Math.ceil(rows / gpus);
  const rowsPerBatch = Math.min(own, Math.max(1, Math.floor(positionsPerBatch / length)));
  return { rows: own, batches: Math.ceil(own / rowsPerBatch), rowsPerBatch };
};

/** Widths of the attention: of its queries, and of its keys. */
export const attentionWidths = ({
  text,
}: ModelConfig): { readonly queries: number; readonly keys: number } => ({
  queries: text.heads * text.headDim,
  keys: text.kvHeads * text.headDim,
});

/**
 * Bytes of a position in a language block, forward: two norms in float32 (36 a number of the state each), what the products read
 * and write, rotations (18 a number), keys and values repeated for all heads, gate (10 of its 16) and two sums.
 */
const blockBytes = (config: ModelConfig): number => {
  const { hiddenSize, intermediateSize } = config.text;
  const { queries, keys } = attentionWidths(config);
  return 98 * hiddenSize + 38 * queries + 24 * keys + 16 * intermediateSize;
};

/** The same of a patch in the tower, whose rotations are in float32. */
const towerBlockBytes = (config: ModelConfig): number => {
  const { hiddenSize, intermediateSize } = towerOf(config);
  return 225 * hiddenSize + 16 * intermediateSize;
};

/**
 * Bytes of a score of attention, forward: float32 numbers that are written six times; where it is fused the mask alone, on a core
 * what softmax costs there (1.2 ns a score).
 */
const scoreBytes = ({ keepsScores, isOnGpu }: Spreading): number => (keepsScores ? 24 : isOnGpu ? 2 : 10);

/** Bytes of an adapter on all seven matrices of a block, of a position: what goes into each, and what is added behind it. */
const adapterBytes = (config: ModelConfig): number => {
  const { hiddenSize, intermediateSize } = config.text;
  const { queries, keys } = attentionWidths(config);
  return 34 * hiddenSize + 14 * queries + 24 * keys + 26 * intermediateSize;
};

/** Bytes of a gathered number: cast and copied three times for a pass; and of its gradient, summed in float32. */
const [gatherBytes, gradientBytes] = [14, 34];
/** Bytes of a parameter that an update reads and writes, with its gradient set to zero. */
const updateBytes = 140;
/**
 * What the host does, in calls of a block for a drawn token (0.85 ms on one core): a block forward, a block with its gradient and
 * its repetition, an update of its tensors, a pass, a window of the tower's attention, the choice of a token. An adapter has about
 * as many operations as a block. Numbers of a picture and scores of a drawn token cost as many numbers of a mask (6.5 ns each).
 */
export const hostCosts = {
  forward: 1.6,
  trained: 8.7,
  update: 1,
  pass: 6,
  window: 0.08,
  choice: 0.05,
  adapter: 1.7,
  numbersPerCall: 1.3e5,
  pixel: 0.6,
  score: 2,
} as const;

/** Blocks of the tower, and windows that their attention computes one after the other, in calls of a block. */
const towerCalls = (patches: number, config: ModelConfig): number => {
  if (patches === 0) return 0;
  const { depth, windowSize, fullBlocks } = towerOf(config);
  const perWindow = (windowSize / config.vision.patchSize) ** 2;
  return depth + (hostCosts.window / hostCosts.forward) * (depth - fullBlocks) * (patches / perWindow);
};

const ofFlow = (flow: Passage, spreading: Spreading, isTrained: boolean) => {
  const { config, parts } = spreading;
  const { text, vision } = config;
  const { patches, positions, context, depth, scored } = flow;
  const forward = forwardOperations(flow, config);
  const passes = passesOf(parts);
  /** Forward alone, or with its repetition and backward. */
  const times = (part: keyof typeof passes): number => (isTrained && passes[part] > 1 ? passes[part] + 1 : 1);
  const between = (part: keyof typeof passes): number => (isTrained && passes[part] > 1 ? 4 : 1);
  const own = blockBytes(config) + (parts.lora === null ? 0 : adapterBytes(config));
  const blocks = positions * depth * text.layers;
  // Fused attention computes its scores once more in its backward.
  const again = isTrained && passes.language > 1 ? 2 * context * attentionWidths(config).queries : 0;
  const tower = towerOf(config);
  const pixels = vision.inChannels * vision.temporalPatchSize * vision.patchSize ** 2;
  return {
    operations:
      forward.vision * times("vision") +
      forward.merger * times("merger") +
      forward.language * times("language") +
      blocks * again,
    bytes:
      blocks * (own + text.heads * context * scoreBytes(spreading)) * between("language") +
      scored * text.vocabSize * 24 * (isTrained ? 2 : 1) +
      patches * tower.depth * towerBlockBytes(config) * between("vision") +
      patches * tower.hiddenSize * 60 * between("merger") +
      patches * pixels * 14 * (between("vision") > 1 ? 2 : 1),
    hostNumbers: patches * pixels * hostCosts.pixel,
  };
};

/** What of a model is gathered for a pass. */
const gatheredNumbers = (config: ModelConfig, flows: readonly Passage[]): number => {
  const { visionMatrices, mergerMatrices, languageMatrices, table } = partSizes(config);
  const sees = flows.some(({ patches }) => patches > 0);
  return languageMatrices + table + (sees ? visionMatrices + mergerMatrices : 0);
};

/** A pass of a step. @param isTrained with its backward, insides computed again */
export const passLoad = (pass: RowsPass, spreading: Spreading, isTrained: boolean): StepLoad => {
  const { config, parts } = spreading;
  const { text } = config;
  const { rows, batches } = ownRows(pass, spreading);
  const share = rows / pass.rows;
  const flows = pass.flows.map((flow) => ofFlow(flow, spreading, isTrained));
  const sum = (of: (flow: (typeof flows)[number]) => number): number =>
    share * flows.reduce((total, flow) => total + of(flow), 0);
  const passes = passesOf(parts);
  const calls = (part: "language" | "vision"): number =>
    isTrained && passes[part] > 1 ? hostCosts.trained : hostCosts.forward;
  const patches = share * pass.flows.reduce((total, flow) => total + flow.patches, 0);
  const gathered =
    batches *
    (gatheredNumbers(config, pass.flows) * gatherBytes * (isTrained ? 2 : 1) +
      (isTrained ? trainedSize(config, parts) * gradientBytes : 0));
  return {
    operations: sum((flow) => flow.operations),
    bytes: sum((flow) => flow.bytes),
    storedBytes: gathered,
    calls:
      batches *
        (hostCosts.pass + text.layers * calls("language") * (parts.lora === null ? 1 : hostCosts.adapter)) +
      towerCalls(patches, config) * calls("vision"),
    hostNumbers: sum((flow) => flow.hostNumbers) + rows * pass.length ** 2,
  };
};

/** Completions that the GPU with most of a draw draws at once. */
export const ownCompletions = ({ read, completions }: Draw, gpus: number): number =>
  Math.ceil(read.rows / gpus) * completions;

/**
 * What drawing takes: prompts that are read, and then tokens; every one of them reads the weights and all keys and values.
 *
 * @returns both apart: a GPU may be busy in one while its host is in the other
 */
export const drawLoads = (draw: Draw, spreading: Spreading): readonly [read: StepLoad, drawn: StepLoad] => {
  const { config, gpus } = spreading;
  const { times, tokens, read } = draw;
  const { languageMatrices, table, all } = partSizes(config);
  const { text } = config;
  const own = ownCompletions(draw, gpus);
  const seen = read.length + tokens / 2;
  const { queries } = attentionWidths(config);
  const token = {
    operations: own * (2 * (languageMatrices + table) + 4 * seen * queries * text.layers),
    bytes: own * text.layers * blockBytes(config),
    // Keys and values are joined with the new ones, then read.
    storedBytes: 3 * own * seen * cacheBytes(config) + 2 * (languageMatrices + table),
    calls: text.layers + hostCosts.choice * own,
    hostNumbers: hostCosts.score * own * text.vocabSize,
  };
  // Once for all of its tokens weights are gathered, and keys and values repeated for each completion.
  const before = {
    ...nothing,
    storedBytes: all * gatherBytes + 2 * own * read.length * cacheBytes(config),
  };
  const alone = { ...spreading, positionsPerBatch: Number.POSITIVE_INFINITY };
  return [scaled(sumOfLoads([passLoad(read, alone, false), before]), times), scaled(token, times * tokens)];
};

/** So many times a load. */
export const scaled = (load: StepLoad, times: number): StepLoad => ({
  operations: load.operations * times,
  bytes: load.bytes * times,
  storedBytes: load.storedBytes * times,
  calls: load.calls * times,
  hostNumbers: load.hostNumbers * times,
});

/**
 * An update of what is trained: of every parameter the gradient, its square in float64, two moments and the weight are read and
 * written.
 */
export const updateLoad = ({ config, parts, gpus }: Spreading): StepLoad => ({
  ...nothing,
  storedBytes: (updateBytes * trainedSize(config, parts)) / gpus,
  calls: hostCosts.update * (config.text.layers + (passesOf(parts).vision === 3 ? towerOf(config).depth : 0)),
});

/** A reference that is put in the place of what is trained, and back. */
export const referenceLoad = ({ config, parts, gpus }: Spreading): StepLoad => ({
  ...nothing,
  storedBytes: (48 * trainedSize(config, parts)) / gpus,
});
