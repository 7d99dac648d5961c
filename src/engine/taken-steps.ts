/** What steps are computed on: for who has to explain one afterwards. */
import type { TokenBatch } from "../batch/token-batch.ts";
import type { Objective } from "../graph/objective.ts";
import type { Engine, FeedArray } from "./contract.ts";

/** What a gradient is computed of. */
export interface StepInputs {
  readonly batches: readonly TokenBatch[];
  readonly objective: Objective;
  readonly feeds: Readonly<Record<string, FeedArray>>;
}

const records = new WeakMap<Engine, StepInputs[]>();

/** The inputs of the steps of an engine since they were last forgotten; nothing is kept any more once it is disposed of. */
export interface StepRecord extends Disposable {
  readonly inputs: readonly StepInputs[];
  forget(): void;
}

/** From now on the inputs of an engine's steps are kept. */
export const recordSteps = (engine: Engine): StepRecord => {
  const inputs: StepInputs[] = [];
  records.set(engine, inputs);
  return {
    inputs,
    forget: () => {
      inputs.length = 0;
    },
    [Symbol.dispose]: () => void records.delete(engine),
  };
};

/** Says what a step is computed on, if somebody keeps it. */
export const noteStep = (engine: Engine, inputs: StepInputs): void => void records.get(engine)?.push(inputs);
