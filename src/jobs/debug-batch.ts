/** Computes a step again that stopped a run, and says where its numbers stop being numbers. */
import type { TokenBatch } from "../batch/token-batch.ts";
import type { BatchOutputs, Engine } from "../engine/contract.ts";
import { type EngineChoice, openEngine } from "../engine/engines.ts";
import { takeStep } from "../engine/take-step.ts";
import { type FailedStep, readFailedStep } from "../training/failed-step.ts";
import type { JobContext } from "./job-context.ts";
import { modelWithAdapter } from "./model-folder.ts";

/** What is computed again, with which weights. */
export interface DebugRequest {
  readonly file: string;
  readonly model: string;
  readonly adapter?: string;
  readonly engine: EngineChoice;
}

/** The first number of a forward that is none. */
export interface BadRow {
  /** Which of the step's batches, from 0. */
  readonly batch: number;
  /** A scored row's number, or a tapped row's of a block. */
  readonly row: number;
  readonly what: string;
  readonly sample: number;
  readonly position: number;
  readonly token: number;
}

/** One gradient computation of the step. */
export interface DebuggedInput {
  readonly objective: string;
  readonly batches: number;
  readonly loss: number;
  readonly metrics: Readonly<Record<string, number>>;
  /** L2 norm of the gradient, and by part of the model. */
  readonly norm: number;
  readonly norms: Readonly<Record<string, number>>;
  /** Undefined: every number of the forward is finite. */
  readonly firstBadRow: BadRow | undefined;
  /** Names of feeds with numbers that are none. */
  readonly badFeeds: readonly string[];
}

/** What was found. */
export interface Debugged extends Pick<FailedStep, "step" | "reason"> {
  readonly inputs: readonly DebuggedInput[];
}

/** Applies nothing; only tells norms. */
const noUpdate = {
  learningRate: 0,
  beta1: 0.9,
  beta2: 0.95,
  epsilon: 1e-8,
  weightDecay: 0,
  maxGradientNorm: 0,
};

const isBad = (x: number): boolean => !Number.isFinite(x);

const placeOf = ({ length, ids }: TokenBatch, row: number) => ({
  sample: Math.floor(row / length),
  position: row % length,
  token: ids[row]!,
});

/** The first row of a batch whose numbers are none: taps in the order of their blocks, then scored rows. */
const badRowOf = (batch: TokenBatch, outputs: BatchOutputs, name: number): BadRow | undefined => {
  for (const { block, groups } of batch.taps) {
    const states = outputs.states.get(block)!;
    const rows = groups.flatMap((group) => [...group.rows]);
    const at = states.findIndex(isBad);
    if (at < 0) continue;
    const row = Math.floor(at / (states.length / rows.length));
    return { batch: name, row, what: `state of block ${block}`, ...placeOf(batch, rows[row]!) };
  }
  const row = outputs.tokenLogprobs.findIndex(isBad);
  if (row < 0) return undefined;
  const what = `log-probability of token ${batch.scored.targets[row]}`;
  return { batch: name, row, what, ...placeOf(batch, batch.scored.rows[row]!) };
};

const firstBadRow = async (
  engine: Engine,
  batches: readonly TokenBatch[],
  signal: AbortSignal,
): Promise<BadRow | undefined> => {
  for (const [name, batch] of batches.entries()) {
    await using pass = await engine.forward([batch], { signal });
    const bad = badRowOf(batch, pass.outputs[0]!, name);
    if (bad !== undefined) return bad;
  }
  return undefined;
};

/**
 * Computes a failed step again.
 *
 * @throws {DataFormatError} when the file holds no step
 * @throws {WeightsError} when the model is another one than the step's
 */
export const debugBatch = async (request: DebugRequest, context: JobContext): Promise<Debugged> => {
  const { signal } = context;
  const failed = await readFailedStep(request.file);
  const { folder, adapterFolder } = await modelWithAdapter(request.model, request.adapter, context);
  const trained = adapterFolder === undefined ? "all" : "adapter";
  const opened = await openEngine(request.engine, {
    folder,
    trained,
    ...(adapterFolder !== undefined && { adapterFolder }),
  });
  await using engine = opened.engine;
  const inputs: DebuggedInput[] = [];
  for (const { batches, objective, feeds } of failed.inputs) {
    await engine.clearGradient({ signal });
    const badFeeds = Object.keys(feeds).filter((name) => Array.from(feeds[name]!, Number).some(isBad));
    const bad = await firstBadRow(engine, batches, signal);
    const { loss, metrics } = await takeStep(engine, batches, objective, feeds, { signal });
    const { norm, norms } = await engine.update(noUpdate, { signal });
    inputs.push({
      objective: objective.key,
      batches: batches.length,
      loss,
      metrics,
      norm,
      norms,
      firstBadRow: bad,
      badFeeds,
    });
  }
  return { step: failed.step, reason: failed.reason, inputs };
};
