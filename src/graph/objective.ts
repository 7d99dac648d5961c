import type { DataType, Value } from "./value.ts";

/** What an objective may read of a model, as values of the graph: all objectives of the papers are functions of these. */
export interface Signals {
  /** Log-probability of each scored target [M], in nats. */
  readonly tokenLogprobs: Value;
  /** Tapped rows of the output of a block (1-based): [rows, D]. @throws when the batch taps no such block */
  readonly state: (block: number) => Value;
  /** Declares numbers of the objective's own (weights, advantages), fed as `objective.<name>`. */
  readonly input: (name: string, shape: readonly number[], dtype?: DataType) => Value;
}

/** A scalar to minimise, and scalars to log. */
export interface Loss {
  readonly loss: Value;
  readonly metrics: Readonly<Record<string, Value>>;
}

/** A loss in the graph's own language. Its gradient is derived; nothing here is differentiated by hand. */
export interface Objective {
  /** Names the expression with all that its shape depends on: equal keys, equal graphs. */
  readonly key: string;
  readonly build: (signals: Signals) => Loss;
}
