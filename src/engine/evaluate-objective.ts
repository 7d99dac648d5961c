/** Objectives outside of the model's graph. Legend: D width of a state. */
import { EngineError } from "../core/errors.ts";
import { vectorJacobianProduct } from "../graph/differentiate.ts";
import type { Objective } from "../graph/objective.ts";
import { filled, input } from "../graph/ops/inputs.ts";
import type { Value } from "../graph/value.ts";
import type { BatchOutputs, Cotangents, FeedArray, StepResult } from "./contract.ts";
import { Executable, tensorOf } from "./executable.ts";
import { KeptGraphs } from "./kept-graphs.ts";
import { buildObjective, feedInput, type SignalShape, type TapShape } from "./objective-signals.ts";
import { Serial } from "./serial.ts";

/** What a model gave for a batch, and the sizes of it. */
export interface BatchSignals {
  readonly shape: SignalShape;
  readonly outputs: Pick<BatchOutputs, "tokenLogprobs" | "states">;
}

/** Loss, metrics, and the loss's gradient with respect to what the model gave, one entry a batch. */
export interface EvaluatedObjective extends StepResult {
  readonly cotangents: readonly Cotangents[];
}

/** One signal over all batches: its rows, and how many each batch has. */
interface JoinedSignal {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

const logprobsName = "tokenLogprobs";
const stateName = (block: number, group: string): string => `state.${block}.${group}`;

const join = (pieces: readonly Float32Array[]): Float32Array => {
  const [first] = pieces;
  if (pieces.length === 1) return first!;
  const all = new Float32Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    all.set(piece, at);
    at += piece.length;
  }
  return all;
};

/** Where a group's rows are among a block's tapped rows. */
const groupRange = ({ groups }: TapShape, name: string): { start: number; rows: number } => {
  let start = 0;
  for (const group of groups) {
    if (group.name === name) return { start, rows: group.rows };
    start += group.rows;
  }
  throw new EngineError("the batch taps no such rows", { expected: `"${name}"` });
};

/** A group's part [rows, D] of a block's tapped rows. */
const groupOf = ({ shape, outputs }: BatchSignals, block: number, name: string): Float32Array => {
  const tap = shape.taps.find((one) => one.block === block);
  const state = outputs.states.get(block);
  if (tap === undefined || state === undefined)
    throw new EngineError("the batch taps no such rows", { expected: `"${name}" at block ${block}` });
  const width = state.length / tap.groups.reduce((sum, group) => sum + group.rows, 0);
  const { start, rows } = groupRange(tap, name);
  return state.subarray(start * width, (start + rows) * width);
};

/** Signals of all batches, one behind the other. */
const joinSignals = (objective: Objective, batches: readonly BatchSignals[]): Map<string, JoinedSignal> => {
  const signals = new Map<string, JoinedSignal>();
  const logprobs = join(batches.map(({ outputs }) => outputs.tokenLogprobs));
  if (logprobs.length > 0) signals.set(logprobsName, { shape: [logprobs.length], data: logprobs });
  for (const { block, group } of objective.states) {
    const pieces = batches.map((batch) => groupOf(batch, block, group));
    const rows = batches.reduce(
      (sum, { shape }) => sum + groupRange(shape.taps.find((tap) => tap.block === block)!, group).rows,
      0,
    );
    const data = join(pieces);
    signals.set(stateName(block, group), { shape: [rows, data.length / rows], data });
  }
  return signals;
};

/** The sizes of all batches together. */
const joinedShape = (batches: readonly BatchSignals[]): SignalShape => {
  const [first] = batches;
  return {
    scored: batches.reduce((sum, { shape }) => sum + shape.scored, 0),
    taps: first!.shape.taps.map(({ block, groups }) => ({
      block,
      groups: groups.map(({ name }) => ({
        name,
        rows: batches.reduce(
          (sum, { shape }) => sum + groupRange(shape.taps.find((tap) => tap.block === block)!, name).rows,
          0,
        ),
      })),
    })),
  };
};

/** Objectives as graphs of their own: from what models gave to a loss and its cotangents. */
const kept = new KeptGraphs<Executable>(8);
const serial = new Serial();

const compile = (
  objective: Objective,
  signals: ReadonlyMap<string, JoinedSignal>,
  shape: SignalShape,
): Promise<Executable> => {
  const key = `${objective.key} ${JSON.stringify([...signals].map(([name, one]) => [name, one.shape]))}`;
  return kept.get(key, () => {
    const inputs = new Map(
      [...signals].map(([name, one]): [string, Value] => [name, input(name, one.shape)]),
    );
    const values = {
      tokenLogprobs: inputs.get(logprobsName),
      state: (block: number, group: string) => inputs.get(stateName(block, group)),
    };
    const { loss, metrics } = buildObjective(objective, values, shape);
    const outputs: Record<string, Value> = { loss };
    for (const [name, value] of Object.entries(metrics)) outputs[`metric.${name}`] = value;
    const derived = vectorJacobianProduct([{ output: loss, cotangent: filled([], 1) }], [...inputs.values()]);
    [...inputs.keys()].forEach((name, i) => {
      const cotangent = derived[i];
      if (cotangent !== undefined) outputs[`cotangent.${name}`] = cotangent;
    });
    // One thread: the sizes are small, and the sums are the same on every machine.
    return Executable.compile(outputs, { threads: 1 });
  });
};

/** Cuts the cotangents of joined signals into those of the batches. */
const cutCotangents = (
  objective: Objective,
  batches: readonly BatchSignals[],
  joined: ReadonlyMap<string, Float32Array>,
): Cotangents[] => {
  const read = new Map<string, number>();
  const take = (name: string, length: number): Float32Array | undefined => {
    const at = read.get(name) ?? 0;
    read.set(name, at + length);
    return joined.get(name)?.subarray(at, at + length);
  };
  return batches.map(({ shape, outputs }) => {
    const tokenLogprobs = take(logprobsName, outputs.tokenLogprobs.length)?.slice();
    const states = new Map<number, Float32Array>();
    for (const { block, group } of objective.states) {
      const state = outputs.states.get(block)!;
      const tap = shape.taps.find((one) => one.block === block)!;
      const width = state.length / tap.groups.reduce((sum, one) => sum + one.rows, 0);
      const { start, rows } = groupRange(tap, group);
      const piece = take(stateName(block, group), rows * width);
      if (piece === undefined) continue;
      const cotangent = states.get(block) ?? new Float32Array(state.length);
      cotangent.set(piece, start * width);
      states.set(block, cotangent);
    }
    return { tokenLogprobs, states };
  });
};

/**
 * Computes an objective once over the signals of all batches, and its gradient with respect to them.
 *
 * @param feeds numbers of the objective's own, over all batches
 * @throws {EngineError} when it reads what the batches do not give, or a feed is missing
 */
export const evaluateObjective = (
  objective: Objective,
  batches: readonly BatchSignals[],
  feeds: Readonly<Record<string, FeedArray>>,
): Promise<EvaluatedObjective> =>
  serial.run(async () => {
    const signals = joinSignals(objective, batches);
    const graph = await compile(objective, signals, joinedShape(batches));
    const given: Parameters<Executable["run"]>[0] = Object.fromEntries(
      [...graph.inputs].flatMap(([name, { shape }]) => {
        const numbers = signals.get(name)?.data ?? feeds[name.slice(feedInput("").length)];
        return numbers === undefined ? [] : [[name, tensorOf(numbers, shape)]];
      }),
    );
    await graph.run(given);
    const metrics: Record<string, number> = {};
    const cotangents = new Map<string, Float32Array>();
    for (const name of graph.outputNames) {
      const [kind, rest] = [name.slice(0, name.indexOf(".")), name.slice(name.indexOf(".") + 1)];
      if (kind === "metric") metrics[rest] = Number(graph.output(name)[0]);
      if (kind === "cotangent") cotangents.set(rest, graph.output(name) as Float32Array);
    }
    const loss = Number(graph.output("loss")[0]);
    return { loss, metrics, cotangents: cutCotangents(objective, batches, cotangents) };
  });
