import type { TokenBatch } from "../batch/token-batch.ts";
import { ConfigError, EngineError } from "../core/errors.ts";
import type { Objective } from "../graph/objective.ts";
import { elementCount } from "../graph/value.ts";
import type { BatchOutputs, CallOptions, Engine, FeedArray, StepResult } from "./contract.ts";
import { evaluateObjective } from "./evaluate-objective.ts";
import { feedShape, type SignalShape, signalShape } from "./objective-signals.ts";
import { noteStep } from "./taken-steps.ts";

/** Numbers of an objective's own by name. */
export type Feeds = Readonly<Record<string, FeedArray>>;

/** How a step is taken. */
export interface StepOptions extends CallOptions {
  /** Give back what the model gave for each batch too; then nothing is fused. */
  readonly wantOutputs?: boolean;
}

/** A step's result, with the model's outputs where they were wanted. */
export interface TakenStep extends StepResult {
  readonly outputs?: readonly BatchOutputs[];
}

/** Cuts the feeds of an additive objective along their first axis into those of each batch. */
const cutFeeds = (objective: Objective, shapes: readonly SignalShape[], feeds: Feeds): Feeds[] => {
  const read: Record<string, number> = {};
  return shapes.map((shape) =>
    Object.fromEntries(
      Object.entries(objective.feeds).map(([name, sizes]) => {
        const numbers = feeds[name];
        if (numbers === undefined) throw new EngineError("a feed is missing", { where: name });
        if (typeof sizes[0] !== "string") return [name, numbers];
        const [start, count] = [read[name] ?? 0, elementCount(feedShape(name, sizes, shape))];
        read[name] = start + count;
        return [name, numbers.subarray(start, start + count)];
      }),
    ),
  );
};

/** @throws {ConfigError} when a feed that the objective declares is missing or has another size */
const checkFeeds = (objective: Objective, shapes: readonly SignalShape[], feeds: Feeds): void => {
  for (const [name, sizes] of Object.entries(objective.feeds)) {
    const counts = shapes.map((shape) => feedShape(name, sizes, shape));
    const whole = counts[0]!.map((size, axis) =>
      typeof sizes[axis] === "number" ? size : counts.reduce((sum, count) => sum + count[axis]!, 0),
    );
    const got = feeds[name]?.length;
    if (got !== elementCount(whole))
      throw new ConfigError("feed of an objective", {
        where: `${name} of ${objective.key}`,
        expected: `[${whole.join(", ")}]`,
        got: got === undefined ? "nothing" : `${got} numbers`,
      });
  }
};

const sum = (results: readonly StepResult[]): StepResult => {
  if (results.length === 1) return results[0]!;
  const metrics: Record<string, number> = {};
  for (const result of results)
    for (const [name, value] of Object.entries(result.metrics)) metrics[name] = (metrics[name] ?? 0) + value;
  return { loss: results.reduce((total, { loss }) => total + loss, 0), metrics };
};

/**
 * The loss of an objective over all batches and its gradient, which is added to the engine's. Where the engine fuses
 * loss and gradient and the batches need not be seen together it does; else forward, objective from its signals,
 * backward. Losses never see which.
 *
 * @param feeds numbers of the objective's own, over all batches
 * @throws {ConfigError} when a feed is missing or has the wrong size
 */
export const takeStep = async (
  engine: Engine,
  batches: readonly TokenBatch[],
  objective: Objective,
  feeds: Feeds,
  { wantOutputs = false, ...options }: StepOptions = {},
): Promise<TakenStep> => {
  const shapes = batches.map(signalShape);
  checkFeeds(objective, shapes, feeds);
  noteStep(engine, { batches, objective, feeds });
  if (!wantOutputs && engine.step !== undefined && (batches.length === 1 || objective.additive)) {
    const own = batches.length === 1 ? [feeds] : cutFeeds(objective, shapes, feeds);
    const results: StepResult[] = [];
    for (const [i, batch] of batches.entries())
      results.push(await engine.step(batch, objective, own[i]!, options));
    return sum(results);
  }
  await using pass = await engine.forward(batches, { ...options, keep: "graph" });
  const signals = pass.outputs.map((outputs, i) => ({ shape: shapes[i]!, outputs }));
  const { loss, metrics, cotangents } = await evaluateObjective(objective, signals, feeds);
  await engine.backward(pass, cotangents, options);
  return wantOutputs ? { loss, metrics, outputs: pass.outputs } : { loss, metrics };
};
