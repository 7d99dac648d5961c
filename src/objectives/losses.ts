import { type Define, definer, folderRegistry, type Plugin, type Registry } from "../core/registry.ts";
import type { Loss, Objective, Signals } from "../graph/objective.ts";
import { add } from "../graph/ops/elementwise.ts";
import type { Value } from "../graph/value.ts";

/** What the shape of a loss depends on. */
export interface LossShape {
  /** Scored tokens of the batch: M. */
  readonly scored: number;
  /** Clips that are contrasted with their twins: C. 0: none. */
  readonly contrasted: number;
}

/** One term of a training loss: an expression over log-probabilities and tapped states. */
export interface LossTerm {
  /** Names the expression with its parameters. */
  readonly key: string;
  /** Blocks (1-based) whose states it reads. */
  readonly blocks: readonly number[];
  readonly build: (signals: Signals, shape: LossShape) => Loss;
}

/** A loss plug-in. */
export type LossPlugin = Plugin<LossTerm>;

/** Declares a loss. */
export const defineLoss: Define<LossPlugin> = definer("loss");

/** Every loss under `losses/`. */
export const lossRegistry: Registry<LossPlugin> = folderRegistry(
  "loss",
  new URL("./losses/", import.meta.url),
);

/** The sum of several terms as one objective; metrics keep their names. */
export const sumOfTerms = (terms: readonly LossTerm[], shape: LossShape): Objective => ({
  key: `${terms.map(({ key }) => key).join(" + ")} ${JSON.stringify(shape)}`,
  build: (signals) => {
    const losses = terms.map((term) => term.build(signals, shape));
    const metrics: Record<string, Value> = Object.assign({}, ...losses.map((loss) => loss.metrics));
    return { loss: losses.map(({ loss }) => loss).reduce(add), metrics };
  },
});
