/** `videoperceiver/training`: the loops, what they are given, and the folders that they write. */

export type { ClipPatches } from "../frames/clip-patches.ts";
export { readAnswers, readRollouts, readRun, type StoredRun } from "../runs/read-run.ts";
export { createRun, type Run, type RunOptions, resumeRun } from "../runs/run.ts";
export type { AnswerRecord, RolloutRecord } from "../runs/run-folder.ts";
export { absentSteps } from "../training/absent-steps.ts";
export type { TrainingClip, TrainingText } from "../training/clip.ts";
export type { Language, Prompt } from "../training/clip-prompts.ts";
export { trainComparativeGrpo } from "../training/comparative-grpo.ts";
export { type ContrastOptions, contrastParams, sftLosses } from "../training/contrast.ts";
export { type ControlName, controlNames } from "../training/grpo-controls.ts";
export {
  type GrpoOptions,
  grpoParams,
  type InstructionGuard,
  type PrefilterOptions,
  type RewardChoice,
} from "../training/grpo-options.ts";
export {
  type LoopContext,
  type LoopResult,
  type LoopSettings,
  type LoopStep,
  type OptimizerOptions,
  runLoop,
  type Trainee,
} from "../training/loop.ts";
export { type WatchOptions, watchParams } from "../training/loop-watch.ts";
export { lookAtPictures, type PictureLooks, type ScoredBatch } from "../training/picture-check.ts";
export { learningRateAt, type Schedule } from "../training/schedule.ts";
export { type SftExtras, trainSft } from "../training/sft.ts";
export { type SftOptions, sftParams } from "../training/sft-options.ts";
