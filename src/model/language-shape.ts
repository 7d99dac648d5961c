/** Everything about a batch that the graph's shape depends on. */
export interface LanguageShape {
  readonly samples: number;
  /** T */
  readonly length: number;
  /** Words to look up. */
  readonly words: number;
  /** Visual tokens; 0: no vision tower. */
  readonly visualTokens: number;
  /** Rows whose next token is scored. */
  readonly scored: number;
  /** Scores are divided by it, and some tokens have none; left out: the model's own distribution. */
  readonly drawn?: { readonly temperature: number; readonly isBanning: boolean };
  /** States to tap: rows of the output of a block (1-based, as everywhere a person sees a block's number). */
  readonly taps: readonly { readonly block: number; readonly rows: number }[];
  /**
   * The first `mainLength` positions of every sample go through all blocks, the others (what is only contrasted)
   * end after block `tailEnd`. Equal to `length` when all go through.
   */
  readonly mainLength: number;
  /** Last block of the positions behind `mainLength` (1-based); 0: there are none. */
  readonly tailEnd: number;
  /** Padding tokens to look up: their embedding gets no gradient, as in the reference implementation. */
  readonly padding: number;
  /** Rows of visual tokens that are multiplied by a dropout mask; 0: none. */
  readonly dropped: number;
  /**
   * A position that sees nothing (padding in front of a sample) is scored or tapped: as in the reference it mixes all T values
   * alike, so the mask may not be cut. Left out: no.
   */
  readonly readsBlind?: boolean;
  /** Positions of the tail where in every sample a part begins that sees nothing before it, in order. Left out: none. */
  readonly sections?: readonly number[];
}
