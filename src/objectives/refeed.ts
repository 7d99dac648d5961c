import { comparativeDefaults } from "./comparative-defaults.ts";
import { meanOf } from "./group-statistics.ts";

/** When a pair is resampled and what becomes of it when that does not help. */
export interface RefeedPolicy {
  /** Resamples allowed, >= 0; 0 switches refeed off (a pair with r <= 0 is exhausted at once). */
  readonly maxTries: number;
  /** baseOnly: an exhausted pair keeps its base advantage; drop: it leaves the loss. */
  readonly onExhausted: "baseOnly" | "drop";
}

/**
 * Where one pair of completions stands. `resample`: draw the complete-clip completion again, with the instruction in the
 * prompt; `accepted`: r > 0; `exhausted`: r <= 0 and no tries are left.
 */
export interface RefeedState {
  readonly status: "resample" | "accepted" | "exhausted";
  /** Resamples done; > 0 means that the completion's log-probabilities belong to the refed prompt. */
  readonly tries: number;
  /** Q(y): of the newest completion of the complete clip. */
  readonly quality: number;
  /** Q(y'): of the absent clip's completion, never resampled. */
  readonly qualityAbsent: number;
  /** r = Q(y) - Q(y'). */
  readonly reward: number;
}

const judged = (quality: number, qualityAbsent: number, tries: number, policy: RefeedPolicy): RefeedState => {
  const reward = quality - qualityAbsent;
  const status = reward > 0 ? "accepted" : tries < policy.maxTries ? "resample" : "exhausted";
  return { status, tries, quality, qualityAbsent, reward };
};

/** The state of a pair after its first completions were judged. */
export const startRefeed = (quality: number, qualityAbsent: number, policy: RefeedPolicy): RefeedState =>
  judged(quality, qualityAbsent, 0, policy);

/** The state of a completion that there is nothing to compare with: it is taken as it is. */
export const uncompared = (quality: number): RefeedState => ({
  status: "accepted",
  tries: 0,
  quality,
  qualityAbsent: quality,
  reward: 0,
});

/**
 * The state after one resample was judged; y' stays as it is. A pair that waits for nothing is returned unchanged.
 *
 * @source VideoPerceiver (arXiv 2511.18823), refeed; state machine reconstructed from its prose
 */
export const advanceRefeed = (state: RefeedState, quality: number, policy: RefeedPolicy): RefeedState =>
  state.status === "resample" ? judged(quality, state.qualityAbsent, state.tries + 1, policy) : state;

/** Counts over a batch of pairs, for the metrics log. Shares are 0 for no pairs. */
export const refeedMetrics = (
  states: readonly RefeedState[],
): { readonly resamples: number; readonly exhaustedShare: number; readonly rescuedShare: number } => {
  const share = (count: number): number => (states.length === 0 ? 0 : count / states.length);
  return {
    resamples: states.reduce((sum, { tries }) => sum + tries, 0),
    exhaustedShare: share(states.filter(({ status }) => status === "exhausted").length),
    rescuedShare: share(states.filter(({ status, tries }) => status === "accepted" && tries > 0).length),
  };
};

/**
 * True when a prompt is answered rightly from absent clips so often that r can hardly become positive: refeed would burn
 * samples and the prompt would never train. Such prompts are left out before training and counted. The qualities are of
 * draws made for this only: with those that r is made of, every logged gap would be that of prompts chosen by it.
 */
export const answerableWithoutEvidence = (
  qualityAbsent: readonly number[],
  share: number = comparativeDefaults.prefilterShare.value,
): boolean => qualityAbsent.length > 0 && meanOf(qualityAbsent) > share;
