/** `videoperceiver/evaluation`: benchmarks, subjects, records, and what they add up to. */
export {
  type Benchmark,
  type BenchmarkPlugin,
  type BenchmarkSample,
  benchmarkRegistry,
} from "../evaluation/benchmarks.ts";
export { type EvaluateOptions, type EvaluationResult, evaluate } from "../evaluation/evaluate.ts";
export {
  type ChosenIntervention,
  chooseIntervention,
  type Intervention,
  type InterventionPlugin,
  interventionRegistry,
  type View,
  type ViewRequest,
} from "../evaluation/interventions.ts";
export { type Metric, type MetricPlugin, metricRegistry, type NamedMetric } from "../evaluation/metrics.ts";
export { type Prediction, type Predictions, readPredictions } from "../evaluation/predictions.ts";
export { type AskedPrompt, optionLines, standardPrompt } from "../evaluation/prompt.ts";
export { correctness, type EvaluationRecord, readRecords, writeRecord } from "../evaluation/records.ts";
export {
  accuracyOf,
  type MetricScore,
  type SkillScore,
  scoreView,
  type ViewScore,
} from "../evaluation/score.ts";
export { clusterBootstrap } from "../evaluation/statistics/bootstrap.ts";
export { type ClusteredValue, clusteredAccuracy, clusteredMean } from "../evaluation/statistics/clustered.ts";
export { holm } from "../evaluation/statistics/correction.ts";
export type { Estimate, IntervalOptions } from "../evaluation/statistics/estimate.ts";
export {
  detectableDifference,
  mcNemar,
  pairedDifference,
  pairedDifferences,
  type QuestionScore,
  sensitivity,
  signFlipTest,
} from "../evaluation/statistics/paired.ts";
export type { Answer, AnswerRequest, Decoding, Subject } from "../evaluation/subject.ts";
