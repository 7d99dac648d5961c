/** `videoperceiver`: whole jobs, and the vocabulary of all entries. */
export {
  BenchmarkError,
  ConfigError,
  DataFormatError,
  EngineError,
  EngineLostError,
  type ErrorDetail,
  RunError,
  ShapeError,
  StalePassError,
  UnknownNameError,
  UnsupportedError,
  VideoError,
  VideoPerceiverError,
  WeightsError,
} from "../core/errors.ts";
export { Html, type HtmlValue, html, trusted } from "../core/html.ts";
export { type Progress, silentProgress } from "../core/progress.ts";
export { type Random, type RandomState, restoredRandom, seededRandom } from "../core/random.ts";
export type { Made, MadeBy } from "../core/registry.ts";
export {
  type FrameIndex,
  type FramesPerSecond,
  frameIndex,
  framesPerSecond,
  type Seconds,
  seconds,
  type TimeSpan,
} from "../core/units.ts";
export { type Asked, type AskJob, ask } from "../jobs/ask/ask.ts";
export type { ClipsOptions } from "../jobs/clips.ts";
export { type FoundKeyFrames, findKeyFrames, type KeyFramesJob } from "../jobs/find-key-frames.ts";
export type { JobContext } from "../jobs/job-context.ts";
export type { PairRequest } from "../jobs/make-pair.ts";
export { type QuickstartResult, runQuickstart } from "../jobs/quickstart/run.ts";
export { type ReportResult, report } from "../jobs/report.ts";
export { type ScoreResult, type ScoringRequest, score } from "../jobs/score.ts";
export { type WritePairJob, type WrittenPairJob, writePairOfFile } from "../jobs/write-pair.ts";
export { type PageDocument, pageDocument } from "../pages/document.ts";
export { type Curve, type CurveSeries, lineChart } from "../pages/line-chart.ts";
export { scrollBox } from "../pages/scroll-box.ts";
export { default as quickstartRecipe } from "../recipes/quickstart.ts";
export { generateWorld, type WorldRequest, type WorldResult } from "../world/generate.ts";
export { profileNames, type WorldProfile, worldProfile } from "../world/profile.ts";
