/** `videoperceiver/dataset`: rows about clips, where they come from, how they are checked and stored. */
export { datasetFilters, type Filter, type FilterPlugin, filterSamples } from "../dataset/filter.ts";
export { questionText } from "../dataset/question.ts";
export { readDescription, readSampleFile, readSamples } from "../dataset/read.ts";
export type {
  AbsentReference,
  ClipReference,
  EventSpan,
  Message,
  MessagePart,
  Sample,
} from "../dataset/sample.ts";
export type { DatasetDescription, Rejection } from "../dataset/schema.ts";
export {
  type SourceDefinition,
  type SourceRow,
  type TrainingSource,
  trainingSources,
} from "../dataset/sources.ts";
export { type SplitName, type SplitShares, splitOf, splitOfClip } from "../dataset/split.ts";
export { type DatasetFault, validateDataset } from "../dataset/validate.ts";
export { DatasetWriter, type DatasetWriterOptions } from "../dataset/write.ts";
export { readSource } from "../jobs/read-source.ts";
