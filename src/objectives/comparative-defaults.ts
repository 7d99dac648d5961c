/** A default with its origin: stated by the paper, reconstructed from its prose, or ours because it says nothing. */
export interface StatedDefault<T> {
  readonly value: T;
  readonly origin: "paper" | "reconstructed" | "ours";
  readonly what: string;
}

const ours = <T>(value: T, what: string): StatedDefault<T> => ({ value, origin: "ours", what });

/** Every default of Comparative GRPO's rewards and advantages; runs print which are the paper's. */
export const comparativeDefaults: {
  readonly baselineDecay: StatedDefault<number>;
  readonly baselineStart: StatedDefault<number>;
  readonly lambda: StatedDefault<number>;
  readonly refeedTries: StatedDefault<number>;
  readonly onExhausted: StatedDefault<"drop" | "baseOnly">;
  readonly epsilon: StatedDefault<number>;
  readonly prefilterShare: StatedDefault<number>;
} = {
  baselineDecay: ours(0.9, "share of the old baseline kept by the moving average of comparative rewards"),
  baselineStart: ours(0, "baseline before the first group"),
  lambda: ours(0.5, "weight of the comparative advantage beside the base advantage"),
  refeedTries: ours(2, "resamples with the added instruction before a pair counts as exhausted"),
  onExhausted: ours(
    "baseOnly",
    "an exhausted pair keeps its base advantage (baseOnly) or leaves the loss (drop)",
  ),
  epsilon: ours(1e-4, "added to the group's standard deviation"),
  prefilterShare: ours(0.5, "prompts answered rightly from the absent clip more often than this are dropped"),
};
