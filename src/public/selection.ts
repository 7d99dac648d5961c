/** `videoperceiver/selection`: which frames of a clip are looked at, and which of them are decisive. */
export { type MotionParams, motionScores } from "../selection/motion/motion-curve.ts";
export {
  keyFramesOf,
  type PeakOptions,
  prominenceOf,
  smoothed,
  strictLocalMaxima,
} from "../selection/peaks.ts";
export {
  type RelevanceContext,
  type RelevanceDefinition,
  type RelevanceProvider,
  type RelevanceRequest,
  relevanceProviders,
} from "../selection/relevance.ts";
export { type ChosenRelevance, chooseRelevance } from "../selection/relevance-choice.ts";
export { type ClipScores, type ScoreRequest, scoreClip } from "../selection/scores.ts";
export {
  type FrameSelector,
  frameSelectors,
  type SelectionRequest,
  type SelectorDefinition,
} from "../selection/selectors.ts";
