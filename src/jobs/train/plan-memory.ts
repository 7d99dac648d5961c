/** What a GPU holds while it trains, as the engine torch computes: see `step-load.ts` for what is supposed. */
import { partSizes, passesOf, towerOf, trainedSize } from "./model-cost.ts";
import { attentionWidths, ownCompletions, ownRows, type Spreading } from "./step-load.ts";
import { cacheBytes, type RowsPass, type StepPlan } from "./step-plan.ts";

/** What is held besides what a step's rows need. */
export interface Held extends Spreading {
  /** A second copy of what is trained, that a loss compares with. */
  readonly holdsReference: boolean;
  /** Of a process before anything is in it. */
  readonly processBytes: number;
}

/** Bytes of a position inside one block while its gradient is computed: norms in float32, products, rotations, gate. */
const insideBlock = ({ config }: Held): number => {
  const { hiddenSize, intermediateSize } = config.text;
  const { queries, keys } = attentionWidths(config);
  return 38 * hiddenSize + 12 * queries + 8 * keys + 12 * intermediateSize;
};

/** The same of a patch in the tower, with its rotations in float32. */
const insideTower = ({ config }: Held): number => {
  const { hiddenSize, intermediateSize } = towerOf(config);
  return 80 * hiddenSize + 12 * intermediateSize;
};

/** Bytes between the operations of a training pass. All batches of a step are passed before the first goes backward. */
const passBytes = (pass: RowsPass, held: Held): number => {
  const { config, parts, keepsScores } = held;
  const { text, vision } = config;
  const { rows, rowsPerBatch } = ownRows(pass, held);
  const passes = passesOf(parts);
  const share = rows / pass.rows;
  const tower = towerOf(config);
  const pixels = vision.inChannels * vision.temporalPatchSize * vision.patchSize ** 2;
  const sum = (of: (flow: RowsPass["flows"][number]) => number): number =>
    share * pass.flows.reduce((total, flow) => total + of(flow), 0);
  const patches = sum((flow) => flow.patches);
  const scored = sum((flow) => flow.scored);
  const piece = rowsPerBatch / rows;
  // What goes into each block; pictures as float32 on the device and as they came; the masks, in two number types.
  const language =
    passes.language > 1
      ? sum(({ positions, depth }) => 2 * positions * depth * text.layers * text.hiddenSize)
      : 0;
  const seen = passes.vision > 1 ? patches * 2 * tower.depth * tower.hiddenSize : 0;
  const given = patches * pixels * 8 + rows * pass.length ** 2 * 6;
  // Of one batch everything inside of one block, of the tower or of the language model, and the words' scores.
  const widest = rowsPerBatch * pass.length;
  const scores = keepsScores ? 14 * widest * pass.length * text.heads : 0;
  const inside = Math.max(
    widest * insideBlock(held) + scores,
    piece * patches * (insideTower(held) / (passes.vision > 1 ? 1 : 2) + 2 * pixels),
  );
  const logits = 3 * 4 * Math.min(piece * scored * text.vocabSize, 1 << 25);
  return language + seen + given + inside + logits;
};

/** Bytes of one GPU, by what takes them. */
export interface PlannedBytes {
  readonly weights: number;
  readonly optimizer: number;
  readonly gathered: number;
  readonly activations: number;
  readonly drawing: number;
  readonly all: number;
}

/** What one GPU holds at most. */
export const plannedBytes = (held: Held, { drawn, trained: passed }: StepPlan): PlannedBytes => {
  const { config, holdsReference, parts, gpus } = held;
  const { all, block, table } = partSizes(config);
  const trained = trainedSize(config, parts);
  const isWhole = passesOf(parts).language === 3;
  // Masters of what is trained in four bytes, the rest in two; a second copy of those where a reference is held.
  const weights = ((isWhole ? 4 * all : 2 * all + 4 * trained) + (holdsReference ? 4 * trained : 0)) / gpus;
  const optimizer = (12 * trained) / gpus;
  const head = config.text.tieWordEmbeddings ? 1 : 2;
  // Table and head stay gathered, two blocks at a time are; with gradients, summed in float32, where they have one.
  const gathered = (isWhole ? 8 : 2) * (head * table + 2 * block);
  const activations = Math.max(0, ...passed.map((pass) => passBytes(pass, held)));
  const kept = drawn.map(
    (one) => ownCompletions(one, gpus) * (one.read.length + one.tokens) * cacheBytes(config),
  );
  // Drawing gathers the whole model once.
  const drawing = drawn.length === 0 ? 0 : Math.max(...kept) + 2 * all;
  // The square of the largest gradient is summed in float64.
  const update = (16 * (isWhole ? table : 0)) / gpus;
  return {
    ...{ weights, optimizer, gathered, activations, drawing },
    all: weights + optimizer + Math.max(gathered + activations, drawing, update) + held.processBytes,
  };
};
