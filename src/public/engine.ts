/** `videoperceiver/engine`: models that compute, and what they are given. */
export type { BatchRules } from "../batch/batch-rules.ts";
export { idsBatch, type TokenIdsBatch, type WantedRows } from "../batch/ids-batch.ts";
export type { MediaStep } from "../batch/media-step.ts";
export type { ClipSegments, SegmentOptions, SegmentTokens, TextSegment } from "../batch/segments.ts";
export { type SegmentsBatch, segmentsBatch } from "../batch/segments-batch.ts";
export type { ScoredRows, Tap, TokenBatch, VisualScale } from "../batch/token-batch.ts";
export type {
  BatchOutputs,
  CallOptions,
  Candidates,
  Capabilities,
  Completion,
  Cotangents,
  Engine,
  EngineStatistics,
  ForwardOptions,
  FusedStep,
  Inspection,
  Keep,
  LoadOptions,
  ParameterGroup,
  Pass,
  SampleOptions,
  SampleRequest,
  SaveOptions,
  StepResult,
  UpdateOptions,
  UpdateResult,
} from "../engine/contract.ts";
export type { EngineRequest, TrainedWeights } from "../engine/engine-plugin.ts";
export { type EngineChoice, type OpenedEngine, openEngine } from "../engine/engines.ts";
export { type Feeds, takeStep } from "../engine/take-step.ts";
export { type VerifyOptions, type VerifyReport, verifyFixture } from "../engine/verify.ts";
export { newCheckpoint, newTokenizer } from "../jobs/new-checkpoint.ts";
export { adaptedModel } from "../model/adapted-model.ts";
export { batchRules } from "../model/batch-rules.ts";
export type { ModelConfig } from "../model/config.ts";
export { modelFamilies, readConfig, readConfigFile } from "../model/families.ts";
export { segmentTokensOf } from "../model/segment-tokens.ts";
export { loadTokenizer, type Tokenizer } from "../text/tokenizer.ts";
export { type Adapter, type LoraModule, readAdapter } from "../weights/adapter.ts";
export type { AdaptedModel, Targets } from "../weights/adapter-names.ts";
export { mergeAdapter, unmergeAdapter, type WeightOf } from "../weights/merge-adapter.ts";
export { type NewAdapterOptions, newAdapter } from "../weights/new-adapter.ts";
export { writeAdapter } from "../weights/write-adapter.ts";
