/** The losses of preference optimisation. */
import { ConfigError } from "../core/errors.ts";
import { type LossTerm, lossRegistry, makeLosses, sumOfLosses } from "../objectives/losses.ts";
import type { DpoOptions } from "./dpo-options.ts";

/** Everything that this loop can feed a loss. */
const knownFeeds = ["weights", "chosen", "rejected", "referenceChosen", "referenceRejected", "pairWeights"];

/** @throws {ConfigError} naming the loss that this loop cannot feed, and what it asks for */
const checkNeeds = (losses: Readonly<Record<string, LossTerm>>): void => {
  for (const [name, { feeds, states }] of Object.entries(losses)) {
    const strange = Object.keys(feeds).find((feed) => !knownFeeds.includes(feed));
    if (strange === undefined && states.length === 0) continue;
    throw new ConfigError("a loss asks for what preference optimisation does not have", {
      where: `losses.${name}`,
      expected: `log-probabilities and ${knownFeeds.join(", ")}`,
      got: strange ?? "states of a block",
      hint: "preference and cross-entropy go together",
    });
  }
};

/** All losses in one. @throws {ConfigError} for losses that this loop cannot feed */
export const preferenceObjective = async ({
  losses,
  clipsPerStep,
  pairsPerClip,
}: Pick<DpoOptions, "losses" | "clipsPerStep" | "pairsPerClip">): Promise<LossTerm> => {
  const pairs = clipsPerStep * pairsPerClip;
  const named: Record<string, Readonly<Record<string, unknown>>> = {};
  for (const [name, given] of Object.entries(losses)) {
    // How many pairs a step has is the loop's to say, to losses that ask for it.
    const asks = "pairs" in (await lossRegistry.load(name)).params.shape;
    named[name] = asks ? { ...given, pairs } : given;
  }
  const made = await makeLosses(named);
  checkNeeds(made);
  return sumOfLosses(made);
};
