import { ConfigError } from "../core/errors.ts";
import { type Define, definer, folderRegistry, type Plugin, type Registry } from "../core/registry.ts";
import type { FeedSize, Loss, Objective, SignalNeeds } from "../graph/objective.ts";
import { add } from "../graph/ops/elementwise.ts";
import type { Value } from "../graph/value.ts";

/** One term of a training loss: an expression over log-probabilities and tapped states that declares what it needs. */
export type LossTerm = Objective;

/** A loss plug-in. */
export type LossPlugin = Plugin<LossTerm>;

/** Declares a loss. */
export const defineLoss: Define<LossPlugin> = definer("loss");

/** Every loss under `losses/`. */
export const lossRegistry: Registry<LossPlugin> = folderRegistry(
  "loss",
  new URL("./losses/", import.meta.url),
);

/** Parameters of losses by the losses' names. */
export type LossChoice = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

/** Losses by name, in the order of the choice. @throws {ConfigError} {@link UnknownNameError} for what is wrong with it */
export const makeLosses = async (choice: LossChoice): Promise<Readonly<Record<string, LossTerm>>> => {
  const made: Record<string, LossTerm> = {};
  for (const [name, params] of Object.entries(choice)) {
    const { value } = await lossRegistry.make(name, params);
    made[name] = { ...value, build: (signals) => value.build(signals), losses: { [name]: params } };
  }
  return made;
};

/** What all terms need together. @throws {ConfigError} when two of them declare one feed in two sizes */
const joinedNeeds = (terms: readonly LossTerm[]): SignalNeeds => {
  const states = new Map<string, SignalNeeds["states"][number]>();
  const feeds: Record<string, readonly FeedSize[]> = {};
  for (const term of terms) {
    for (const state of term.states) states.set(`${state.block} ${state.group}`, state);
    for (const [name, sizes] of Object.entries(term.feeds)) {
      if (feeds[name] !== undefined && String(feeds[name]) !== String(sizes))
        throw new ConfigError("two losses declare a feed in two sizes", {
          where: name,
          got: `[${feeds[name].join(", ")}] and [${sizes.join(", ")}]`,
        });
      feeds[name] = sizes;
    }
  }
  return { states: [...states.values()], feeds, additive: terms.every(({ additive }) => additive) };
};

/**
 * The sum of losses as one objective. Metrics keep their names; with several losses each one's share of the sum is the
 * metric `loss.<name>`.
 *
 * @throws {ConfigError} without losses, or when two of them do not go together
 */
export const sumOfLosses = (losses: Readonly<Record<string, LossTerm>>): Objective => {
  const terms = Object.values(losses);
  if (terms.length === 0) throw new ConfigError("no loss", { expected: "at least one" });
  const isNamed = terms.every((term) => term.losses !== undefined);
  return {
    ...(isNamed && { losses: Object.assign({}, ...terms.map((term) => term.losses)) as LossChoice }),
    key: terms.map(({ key }) => key).join(" + "),
    ...joinedNeeds(terms),
    build: (signals) => {
      const metrics: Record<string, Value> = {};
      const parts = Object.entries(losses).map(([name, term]): Loss["loss"] => {
        const built = term.build(signals);
        const named = terms.length === 1 ? {} : { [`loss.${name}`]: built.loss };
        for (const [metric, value] of Object.entries({ ...built.metrics, ...named })) {
          if (metric in metrics)
            throw new ConfigError("two losses have one metric", { where: name, got: metric });
          metrics[metric] = value;
        }
        return built.loss;
      });
      return { loss: parts.reduce(add), metrics };
    },
  };
};
