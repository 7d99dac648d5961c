/** What an endpoint's tokens cost, in any currency. */
export interface TokenPrices {
  readonly pricePerMillionPromptTokens: number;
  readonly pricePerMillionCompletionTokens: number;
}

/** What tokens cost, in the currency of the prices; 0 when none were given. */
export const tokenCost = (
  { pricePerMillionPromptTokens, pricePerMillionCompletionTokens }: TokenPrices,
  promptTokens: number,
  completionTokens: number,
): number =>
  (promptTokens * pricePerMillionPromptTokens + completionTokens * pricePerMillionCompletionTokens) / 1e6;

/** What endpoints read, wrote and cost so far. */
export interface EndpointSpending {
  readonly tokens: number;
  /** In the currency of the prices that were given; 0 when none were. */
  readonly cost: number;
}

/** What asking an endpoint takes at most. */
export interface EndpointEstimate {
  readonly promptTokens: number;
  readonly completionTokens: number;
  /** In the currency of the prices; 0 without any. */
  readonly cost: number;
  /** Seconds that a rate limit asks for; 0 without one. */
  readonly leastSeconds: number;
}

/** About as many tokens as a picture takes, from its longest side in pixels: one for every 28 by 28 of a square. */
export const pictureTokens = (pixels: number): number => Math.ceil(pixels ** 2 / 784) + 8;
