import type { Tensor } from "onnxruntime-node";
import { vectorJacobianProduct } from "../../../graph/differentiate.ts";
import type { Objective } from "../../../graph/objective.ts";
import { filled, input } from "../../../graph/ops/inputs.ts";
import type { Value } from "../../../graph/value.ts";
import type { Cotangents, FeedArray, StepResult } from "../../contract.ts";
import { Executable, tensorOf } from "../executable.ts";
import { KeptGraphs } from "../kept-graphs.ts";
import { objectiveSignals } from "../plan.ts";
import type { PassValues } from "./model-pass.ts";

/** Loss, metrics, and the loss's gradient with respect to what the model gave. */
export interface EvaluatedObjective extends StepResult {
  readonly cotangents: Cotangents;
}

/** Inputs of the objective's graph by name: log-probabilities, and states by block. */
const signalNames = (values: PassValues): Map<string, { shape: readonly number[]; data: Float32Array }> => {
  const named = [...values.states].map(([block, state]) => [`state.${block}`, state] as const);
  const scored =
    values.tokenLogprobs === undefined ? [] : ([["tokenLogprobs", values.tokenLogprobs]] as const);
  return new Map(
    [...scored, ...named].map(([name, flow]) => [name, { shape: flow.shape, data: flow.read() }]),
  );
};

const kept = 8;

/** Objectives as graphs of their own: from what the model gave to a loss and its cotangents. */
export class ObjectiveGraphs {
  readonly #threads: number;
  readonly #graphs = new KeptGraphs<Executable>(kept);

  constructor(threads: number) {
    this.#threads = threads;
  }

  /** Computes an objective and its gradient on the model's outputs. */
  async evaluate(
    objective: Objective,
    values: PassValues,
    extra: Readonly<Record<string, FeedArray>>,
  ): Promise<EvaluatedObjective> {
    const signals = signalNames(values);
    const graph = await this.#compiled(objective, signals);
    const feeds: Record<string, Tensor> = {};
    for (const [name, { shape }] of graph.inputs) {
      const numbers = signals.get(name)?.data ?? extra[name.slice("objective.".length)];
      if (numbers !== undefined) feeds[name] = tensorOf(numbers, shape);
    }
    await graph.run(feeds);
    const metrics: Record<string, number> = {};
    const cotangents = new Map<string, Float32Array>();
    for (const name of graph.outputNames) {
      const [kind, rest] = [name.slice(0, name.indexOf(".")), name.slice(name.indexOf(".") + 1)];
      if (kind === "metric") metrics[rest] = Number(graph.output(name)[0]);
      if (kind === "cotangent") cotangents.set(rest, (graph.output(name) as Float32Array).slice());
    }
    const states = new Map<number, Float32Array>();
    for (const block of values.states.keys()) {
      const cotangent = cotangents.get(`state.${block}`);
      if (cotangent !== undefined) states.set(block, cotangent);
    }
    return {
      loss: Number(graph.output("loss")[0]),
      metrics,
      cotangents: { tokenLogprobs: cotangents.get("tokenLogprobs"), states },
    };
  }

  /** Frees all sessions. */
  async release(): Promise<void> {
    await this.#graphs.release();
  }

  #compiled(
    objective: Objective,
    signals: ReadonlyMap<string, { readonly shape: readonly number[] }>,
  ): Promise<Executable> {
    const shapes = [...signals].map(([name, { shape }]) => [name, shape] as const);
    const key = `${objective.key} ${JSON.stringify(shapes)}`;
    return this.#graphs.get(key, () => {
      const inputs = new Map(shapes.map(([name, shape]): [string, Value] => [name, input(name, shape)]));
      const states = [...inputs].filter(([name]) => name.startsWith("state."));
      const { loss, metrics } = objective.build(
        objectiveSignals(objective, {
          tokenLogprobs: inputs.get("tokenLogprobs"),
          states: new Map(states.map(([name, value]) => [Number(name.slice("state.".length)), value])),
        }),
      );
      const outputs: Record<string, Value> = { loss };
      for (const [name, value] of Object.entries(metrics)) outputs[`metric.${name}`] = value;
      const derived = vectorJacobianProduct(
        [{ output: loss, cotangent: filled([], 1) }],
        [...inputs.values()],
      );
      [...inputs.keys()].forEach((name, i) => {
        const cotangent = derived[i];
        if (cotangent !== undefined) outputs[`cotangent.${name}`] = cotangent;
      });
      return Executable.compile(outputs, { threads: this.#threads });
    });
  }
}
