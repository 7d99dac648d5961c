/** `videoperceiver/plugins`: the define functions of every kind of plug-in, their registries, and the loader of files. */
export { z } from "zod";
export {
  type AbsentBuilder,
  absentBuilders,
  type BuilderDefinition,
  type BuilderInput,
  defineBuilder,
  type PixelOperation,
  type PositionReplacement,
} from "../absent/builders.ts";
export {
  defineKeywordExtractor,
  type KeywordExtractor,
  type KeywordExtractorDefinition,
  type KeywordOutcome,
  keywordExtractors,
} from "../absent/keywords.ts";
export {
  type Define,
  type Made,
  type MadeBy,
  type Plugin,
  pluginRegistries,
  type Registry,
} from "../core/registry.ts";
export {
  defineExportFormat,
  type ExportFormat,
  type ExportFormatPlugin,
  type ExportPlace,
  type ExportSample,
  type ExportWriter,
  exportFormats,
} from "../dataset/export.ts";
export { datasetFilters, defineFilter, type Filter, type FilterPlugin } from "../dataset/filter.ts";
export {
  type BuiltQuestion,
  type Contrast,
  type CountedAction,
  choiceOf,
  type DescribedClip,
  defineQuestionBuilder,
  type QuestionBuilder,
  type QuestionBuilderPlugin,
  questionBuilders,
} from "../dataset/questions.ts";
export {
  defineSource,
  type SourceDefinition,
  type SourceLook,
  type SourceRow,
  type TrainingSource,
  trainingSources,
  type UnreadRow,
} from "../dataset/sources.ts";
export {
  defineTeacher,
  type TaughtFacts,
  type Teacher,
  type TeacherContext,
  type TeacherEstimate,
  type TeacherOutcome,
  type TeacherPlugin,
  teachers,
} from "../dataset/teacher.ts";
export {
  defineEngine,
  type EngineOpener,
  type EnginePlugin,
  type EngineRequest,
  type ReadyEngine,
} from "../engine/engine-plugin.ts";
export { engineRegistry } from "../engine/engines.ts";
export {
  defineRollouts,
  type RolloutMeans,
  type RolloutPlugin,
  type Rollouts,
  rolloutProviders,
} from "../engine/rollouts.ts";
export {
  type Benchmark,
  type BenchmarkPlugin,
  type BenchmarkSample,
  benchmarkRegistry,
  defineBenchmark,
} from "../evaluation/benchmarks.ts";
export {
  defineIntervention,
  type Intervention,
  type InterventionPlugin,
  interventionRegistry,
  type View,
  type ViewRequest,
} from "../evaluation/interventions.ts";
export {
  defineMetric,
  type Metric,
  type MetricPlugin,
  metricRegistry,
  type NamedMetric,
} from "../evaluation/metrics.ts";
export type { AskedPrompt } from "../evaluation/prompt.ts";
export type { EvaluationRecord } from "../evaluation/records.ts";
export {
  defineScorer,
  type OpenScorer,
  type Scorer,
  type ScorerItem,
  type ScorerPlugin,
  type ScorerVerdict,
  scorerRegistry,
} from "../evaluation/scorer.ts";
export {
  type Answer,
  type AnswerRequest,
  defineSubject,
  type OpenedSubject,
  type SubjectMeans,
  type SubjectOpener,
  type SubjectPlugin,
  subjectRegistry,
} from "../evaluation/subject.ts";
export {
  defineFragmentTask,
  type FragmentTask,
  type FragmentTaskPlugin,
  fragmentTasks,
  type TaskDraft,
  type TaskRequest,
} from "../fragments/fragment-task.ts";
export {
  defineEntailment,
  type EntailmentPlugin,
  entailmentProviders,
} from "../grading/entailment-providers.ts";
export { type LoadedPlugin, loadPlugin } from "../jobs/load-plugin.ts";
export { modelFamilies } from "../model/families.ts";
export { defineModelFamily, type ModelFamily, type ModelFamilyPlugin } from "../model/family.ts";
export {
  type Advantage,
  type AdvantageGroup,
  type AdvantagePlugin,
  type AdvantageResult,
  type AdvantageState,
  advantageRegistry,
  defineAdvantage,
} from "../objectives/advantages.ts";
export { defineLoss, type LossPlugin, type LossTerm, lossRegistry } from "../objectives/losses.ts";
export {
  defineReward,
  type Reward,
  type RewardInput,
  type RewardPlugin,
  rewardRegistry,
} from "../objectives/rewards.ts";
export {
  defineTrainingRecipe,
  type TrainingLoop,
  type TrainingRecipe,
  type TrainingRecipePlugin,
  trainingRecipes,
} from "../recipes/train/training-recipes.ts";
export {
  defineRelevance,
  type RelevanceContext,
  type RelevanceDefinition,
  type RelevanceEstimate,
  type RelevanceProvider,
  type RelevanceRequest,
  relevanceProviders,
} from "../selection/relevance.ts";
export {
  defineSelector,
  type FrameSelector,
  frameSelectors,
  type SelectionRequest,
  type SelectorDefinition,
} from "../selection/selectors.ts";
export type {
  Backend,
  ClipIndex,
  DecodeOrder,
  DecodeOutcome,
  Encoder,
  EncoderSettings,
  Opening,
  SizeChange,
  SourceFacts,
} from "../video/backend/backend.ts";
export { type Decoder, type DecoderPlugin, defineDecoder, videoDecoders } from "../video/decoders.ts";
export type { StoredColour } from "../video/filter-chain.ts";
export type { FrameTable } from "../video/frame-table.ts";
export type { VideoLimits } from "../video/limits.ts";
export type { Orientation } from "../video/orientation.ts";
export { PacketTable, packetFlag } from "../video/packet-table.ts";
