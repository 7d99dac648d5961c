/** How long a run's steps will take and how much memory, from what their batches hold. */
import { totalmem } from "node:os";
import type { TokenBatch } from "../../batch/token-batch.ts";
import { layerwiseFrom, parameterCount, usualStorage } from "../../engine/model-store.ts";
import type { ModelConfig } from "../../model/config.ts";
import {
  betweenNumbers,
  blockwiseBytes,
  computingBytes,
  type TrainedParts,
  trainedSize,
  trainingOperations,
} from "./model-cost.ts";

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

/** What the batches of a step ask for. Each product is counted whole, with what padding and masks make of it. */
export const stepWork = (
  batches: readonly TokenBatch[],
  config: ModelConfig,
  settings: TrainedParts,
): StepWork => {
  let [operations, keptNumbers] = [0, 0];
  for (const { samples, length, media, scored } of batches) {
    const positions = samples * length;
    const patches = media.reduce((sum, { rows, columns }) => sum + rows * columns, 0);
    const flow = { patches, positions, context: length, depth: 1, scored: scored.rows.length };
    operations += trainingOperations(flow, config, settings);
    keptNumbers = Math.max(keptNumbers, betweenNumbers(flow, config, settings));
  }
  const sizes = batches.map(({ samples, length, scored }) => `${samples} x ${length}, ${scored.rows.length}`);
  return { operations, keptNumbers, sizes };
};

/** Share of the rate of large products that steps reach; measured at shape small and medium (docs/training.md). */
export const reached = 0.5;
/** Bytes that an update reads and writes a parameter, and how many a second. */
const [updateBytes, updateRate] = [36, 4e9];
/** Graphs that an engine keeps. */
export const keptGraphs = 8;

/** Seconds of an update of so many parameters. */
export const updateSeconds = (trained: number): number => (trained * updateBytes) / updateRate;

/**
 * Time and memory of a run from the work of some of its steps.
 *
 * @param rate operations a second of a large product on this machine
 * @param memory bytes of this machine
 */
export const estimateRun = (
  works: readonly StepWork[],
  steps: number,
  config: ModelConfig,
  settings: TrainedParts,
  rate: number,
  memory: number = totalmem(),
): RunEstimate => {
  const all = parameterCount(config);
  const operations = works.reduce((sum, work) => sum + work.operations, 0) / works.length;
  const secondsPerStep = operations / (rate * reached) + updateSeconds(trainedSize(config, settings));
  const largest = Math.max(...works.map(({ keptNumbers }) => keptNumbers));
  const graphs = Math.min(keptGraphs, new Set(works.flatMap(({ sizes }) => sizes)).size);
  const bytes =
    all >= layerwiseFrom
      ? blockwiseBytes(largest, config, settings, usualStorage(all, memory))
      : computingBytes(largest * graphs, config, settings);
  return { secondsPerStep, seconds: secondsPerStep * steps, memoryMiB: bytes / 2 ** 20 };
};
