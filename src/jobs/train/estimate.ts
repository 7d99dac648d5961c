/** How long a run's steps will take and how much memory, from what their batches hold. */
import type { TokenBatch } from "../../batch/token-batch.ts";
import { layerwiseFrom, parameterCount } from "../../engine/model-store.ts";
import type { ModelConfig } from "../../model/config.ts";
import { expectedTensors } from "../../model/parameters.ts";
import type { CommonSettings } from "./settings.ts";

/** Numbers of a model by part, those in matrices of blocks apart. */
interface PartSizes {
  readonly visionMatrices: number;
  readonly mergerMatrices: number;
  readonly languageMatrices: number;
  readonly table: number;
}

/** What a step asks for. */
export interface StepWork {
  /** Additions and multiplications of its matrix products, forward and backward. */
  readonly operations: number;
  /** Of its largest batch: numbers between the operations that the backward needs. */
  readonly keptNumbers: number;
  /** Different sizes of batches, each a compiled graph. */
  readonly sizes: readonly string[];
}

/** What is expected of a run. */
export interface RunEstimate {
  readonly secondsPerStep: number;
  readonly seconds: number;
  readonly memoryMiB: number;
}

type Trained = Pick<CommonSettings, "trained" | "lora">;

const sizesOf = (config: ModelConfig): PartSizes => {
  const sum = (test: (name: string, shape: readonly number[]) => boolean): number =>
    expectedTensors(config)
      .filter(({ name, shape }) => test(name, shape))
      .reduce((total, { shape }) => total + shape.reduce((product, size) => product * size, 1), 0);
  const table = config.text.vocabSize * config.text.hiddenSize;
  const isVision = (name: string): boolean => name.includes("visual.");
  const isMerger = (name: string): boolean => name.includes("merger.");
  const isMatrix = (shape: readonly number[]): boolean => shape.length > 1;
  const isTable = ([rows]: readonly number[]): boolean => rows === config.text.vocabSize;
  return {
    visionMatrices: sum((name, shape) => isVision(name) && !isMerger(name) && isMatrix(shape)),
    mergerMatrices: sum((name, shape) => isMerger(name) && isMatrix(shape)),
    languageMatrices: sum((name, shape) => !isVision(name) && isMatrix(shape) && !isTable(shape)),
    table,
  };
};

/** Passes over a part's matrices: forward, and backward to what went in and to the weights. */
const passes = ({ trained, lora }: Trained): Record<"vision" | "merger" | "language", number> => {
  const isTrained = (part: string): boolean =>
    trained === "all" ? lora === null : (trained as readonly string[]).includes(part);
  const hasAdapter = (part: string): boolean => lora !== null && (part === "language" || lora.vision);
  const learns = (part: string): boolean => isTrained(part) || hasAdapter(part);
  const one = (part: string, before: readonly string[]): number =>
    1 + (learns(part) || before.some(learns) ? 1 : 0) + (isTrained(part) ? 1 : 0);
  return {
    vision: one("vision", []),
    merger: one("merger", ["vision"]),
    language: one("language", ["vision", "merger"]),
  };
};

/** What the batches of a step ask for. Each product is counted whole, with what padding and masks make of it. */
export const stepWork = (
  batches: readonly TokenBatch[],
  config: ModelConfig,
  settings: Trained,
): StepWork => {
  const { text, vision } = config;
  const numbers = sizesOf(config);
  const times = passes(settings);
  let [operations, keptNumbers] = [0, 0];
  for (const { samples, length, media, scored } of batches) {
    const positions = samples * length;
    const patches = media.reduce((sum, { rows, columns }) => sum + rows * columns, 0);
    const merged = patches / vision.spatialMergeSize ** 2;
    const attention = 4 * length * text.heads * text.headDim * text.layers;
    const head = scored.rows.length * numbers.table;
    operations +=
      2 * patches * numbers.visionMatrices * times.vision +
      2 * merged * numbers.mergerMatrices * times.merger +
      positions * (2 * numbers.languageMatrices + attention) * times.language +
      2 * head * times.language;
    // A block keeps what its products read: about four widths, three of the inner layer, and its attention.
    const block = 6 * text.hiddenSize + 3 * text.intermediateSize + 2 * text.heads * length;
    const logits = 3 * scored.rows.length * text.vocabSize;
    keptNumbers = Math.max(keptNumbers, positions * text.layers * block + logits);
  }
  const sizes = batches.map(({ samples, length, scored }) => `${samples} x ${length}, ${scored.rows.length}`);
  return { operations, keptNumbers, sizes };
};

/** Share of the rate of large products that steps reach; measured at shape small and medium (docs/training.md). */
const reached = 0.5;
/** Bytes that an update reads and writes a parameter, and how many a second. */
const [updateBytes, updateRate] = [36, 4e9];
/** Graphs that an engine keeps, and what a process takes without a model, in bytes. */
const [keptGraphs, processBytes] = [8, 4e8];

/**
 * Time and memory of a run from the work of some of its steps.
 *
 * @param rate operations a second of a large product on this machine
 */
export const estimateRun = (
  works: readonly StepWork[],
  steps: number,
  config: ModelConfig,
  settings: Trained,
  rate: number,
): RunEstimate => {
  const numbers = sizesOf(config);
  const all = parameterCount(config);
  const times = passes(settings);
  const trained =
    (times.language === 3 ? numbers.languageMatrices + numbers.table : 0) +
    (times.vision === 3 ? numbers.visionMatrices : 0) +
    (times.merger === 3 ? numbers.mergerMatrices : 0);
  const operations = works.reduce((sum, work) => sum + work.operations, 0) / works.length;
  const secondsPerStep = operations / (rate * reached) + (trained * updateBytes) / updateRate;
  const largest = Math.max(...works.map(({ keptNumbers }) => keptNumbers));
  const graphs =
    all >= layerwiseFrom ? 1 : Math.min(keptGraphs, new Set(works.flatMap(({ sizes }) => sizes)).size);
  // Weights; gradients and two moments of what is trained; what a graph keeps, each graph for itself.
  const bytes = processBytes + 4 * all + 12 * trained + 4 * largest * graphs;
  return { secondsPerStep, seconds: secondsPerStep * steps, memoryMiB: bytes / 2 ** 20 };
};
