/** What stands in a run folder and under which name. */

/** The files of a run folder, relative to it. */
export const runFiles = {
  config: "config.json",
  metrics: "metrics.jsonl",
  rollouts: "rollouts.jsonl",
  answers: "answers.jsonl",
  environment: "environment.json",
  checkpoints: "checkpoints",
  report: "report.html",
  lock: ".lock",
  owner: ".lock-owner",
} as const;

/** What a step that went wrong leaves in a run folder: its batches, and the weights that it was computed with. */
export const failedStepFiles = { batch: "failed-step.batch", weights: "failed-step-weights" } as const;

/** What starts the names of metrics that are measured by the clock: no two runs share them. */
export const clockPrefix = "speed/";

/** What starts the name of a TensorBoard event file. */
export const eventFilePrefix = "events.out.tfevents.";

/** The file in a checkpoint folder that lists its files and holds the training state; written last. */
export const checkpointRecordFile = "checkpoint.json";

/** One row of `metrics.jsonl`: step, seconds of work since the run began (pauses left out), and named values. */
export interface MetricsRow {
  readonly step: number;
  readonly timeSeconds: number;
  readonly [name: string]: number;
}

export interface RolloutCompletion {
  readonly text: string;
  /** Reward in parts, by name. */
  readonly rewards: Readonly<Record<string, number>>;
  /** Advantage in parts (`base`, `comparative`, `total`); absent-side completions have none. */
  readonly advantages?: Readonly<Record<string, number>>;
  /** How often this completion was sampled again with the refeed instruction. */
  readonly refeeds?: number;
}

/** One row of `rollouts.jsonl`: what one prompt gave on the complete and on the absent clip. */
export interface RolloutRecord {
  readonly step: number;
  /** The data set row that the prompt came from. */
  readonly sampleId: string;
  readonly prompt: string;
  /** The reference answer. */
  readonly reference?: string;
  readonly complete: readonly RolloutCompletion[];
  readonly absent: readonly RolloutCompletion[];
  /** Numbers of the whole group, e.g. the moving-average baseline before this group. */
  readonly group?: Readonly<Record<string, number>>;
}

/** What a model in training answered about a held-out clip. */
export interface AnswerRecord {
  /** The step that the weights are of. */
  readonly step: number;
  /** The data set row. */
  readonly sampleId: string;
  readonly question: string;
  /** The reference answer. */
  readonly reference: string;
  readonly answer: string;
  /** Its grade in [0, 1]; left out: it was not graded. */
  readonly grade?: number;
  /** What the model was shown: the clip, its absent twin, as many other frames removed, nothing. Left out: the clip. */
  readonly shown?: "clip" | "absent" | "control" | "hidden";
}

/** A complete checkpoint of a run. */
export interface CheckpointEntry {
  readonly step: number;
  /** The checkpoint's own folder. */
  readonly folder: string;
  /** What the training loop stored beside the weights (optimizer position, random state, baseline). */
  readonly state: unknown;
  /** How it does on held-out samples, lower is better; undefined: nobody looked. */
  readonly score?: number;
}
