import type { Value } from "./value.ts";

/** What an objective may read of a model, as values of the graph: all objectives of the papers are functions of these. */
export interface Signals {
  /** Log-probability of each scored target [M], in nats. */
  readonly tokenLogprobs: Value;
  /** Rows of a group at the output of a block (1-based): [rows, D]. @throws when the batch taps no such rows */
  readonly state: (block: number, group: string) => Value;
  /** Numbers of the objective's own (weights, advantages), of the size that it declares. */
  readonly feed: (name: string) => Value;
}

/** Size of one axis of a feed: a number, "scored" for the scored rows, or the name of a group for its rows. */
export type FeedSize = number | string;

/** What an objective needs to be given. */
export interface SignalNeeds {
  /** States that it reads. */
  readonly states: readonly { readonly block: number; readonly group: string }[];
  /** Its own numbers (float32), by name, and their sizes. */
  readonly feeds: Readonly<Record<string, readonly FeedSize[]>>;
  /**
   * Loss and metrics of several batches are the sums of those of each, with feeds cut along their first axis. False for
   * what compares rows with each other.
   */
  readonly additive: boolean;
}

/** A scalar to minimise, and scalars to log. */
export interface Loss {
  readonly loss: Value;
  readonly metrics: Readonly<Record<string, Value>>;
}

/** A loss in the graph's own language. Its gradient is derived; nothing here is differentiated by hand. */
export interface Objective extends SignalNeeds {
  /** Names the expression with its parameters: equal keys and sizes, equal graphs. */
  readonly key: string;
  /** The losses that it is the sum of, by name with their parameters; left out: it was not made by name. */
  readonly losses?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly build: (signals: Signals) => Loss;
}
