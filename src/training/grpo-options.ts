/** What Comparative GRPO can be told. */
import { z } from "zod";
import type { MadeBy } from "../core/registry.ts";
import type { EntailmentDirection } from "../grading/entailment.ts";
import { comparativeDefaults } from "../objectives/comparative-defaults.ts";
import type { LossChoice } from "../objectives/losses.ts";
import { type ControlName, controlNames } from "./grpo-controls.ts";
import { type OptimizerOptions, optimizerParams } from "./loop.ts";
import { type WatchOptions, watchParams } from "./loop-watch.ts";
import type { RolloutCorrection } from "./rollout-correction.ts";
import { type Schedule, scheduleParams } from "./schedule.ts";

/** A part of the base reward. */
export interface RewardChoice {
  readonly weight: number;
  readonly params: Readonly<Record<string, unknown>>;
}

/** Which prompts are left out before anything is trained: those that their twin answers too. */
export interface PrefilterOptions {
  /** Completions of each twin, drawn for this only; 0: no prompt is left out. */
  readonly draws: number;
  /** A prompt stays while at most this share of them is right. */
  readonly share: number;
}

/** When the instruction of a refeed counts as one that the model does not understand. */
export interface InstructionGuard {
  /** Prompts of a step that are looked at; 0: none. */
  readonly prompts: number;
  /** Steps from one look to the next; the first step has one. */
  readonly everySteps: number;
  /** Least probability of a valid answer with the instruction, as a share of that without it. */
  readonly leastShare: number;
  /** Probability of a valid answer without it below which there is nothing yet to destroy. */
  readonly answeringFrom: number;
}

/** Options of Comparative GRPO. Batch 8 is the paper's; the other values are ours. */
export interface GrpoOptions {
  readonly steps: number;
  readonly promptsPerStep: number;
  readonly completions: number;
  readonly maxNewTokens: number;
  readonly temperature: number;
  readonly clip: number;
  readonly largestRatio: number;
  readonly beta: number;
  /** Losses that are added to the policy gradient, by name, with their parameters; left out: none. */
  readonly losses?: LossChoice;
  /** Positions of keys and values that are held at once while completions are drawn: less memory, the same draws. */
  readonly positionsPerDraw?: number;
  /** Batches that a step's prompts are computed in: the same gradient with less memory; left out: one. */
  readonly batchesPerStep?: number;
  readonly updatesPerRollout: number;
  /** Parts of the base reward by name: their weights, or weights and parameters. */
  readonly rewards: Readonly<Record<string, number | RewardChoice>>;
  /** How rewards and comparisons become advantages; left out: `total` with the three options behind it. */
  readonly advantage?: MadeBy;
  /** What draws completions instead of the engine, and what is done about its other numbers. */
  readonly rollouts?: MadeBy & RolloutCorrection;
  readonly lambda: number;
  readonly comparison: "comparative" | "centred" | "group";
  readonly onExhausted: "baseOnly" | "drop";
  readonly refeedTries: number;
  readonly prefilter: PrefilterOptions;
  readonly instructionGuard: InstructionGuard;
  readonly control: ControlName;
  /** What judges open answers: the name of an entailment provider, with its argument or parameters. */
  readonly entailment: string;
  readonly entailmentDirection: EntailmentDirection;
  readonly schedule: Schedule;
  readonly optimizer: OptimizerOptions;
  readonly checkpointEvery: number;
  readonly watch?: WatchOptions;
  readonly seed: number;
}

const someParams = z.record(z.string(), z.unknown()).default({});
const { refeedTries, prefilterShare, onExhausted, lambda } = comparativeDefaults;

/** Checks options and fills in defaults. */
export const grpoParams: z.ZodType<GrpoOptions> = z.strictObject({
  steps: z.number().int().min(1),
  promptsPerStep: z.number().int().min(1).default(8).describe("prompts a step (paper: batch 8)"),
  completions: z.number().int().min(2).default(8).describe("completions of a prompt, of each clip (ours: 8)"),
  maxNewTokens: z.number().int().min(1).default(4),
  temperature: z
    .number()
    .positive()
    .default(1)
    .describe("scores are divided by it when completions are drawn, and when they are scored"),
  clip: z.number().positive().default(0.2),
  largestRatio: z
    .number()
    .min(1)
    .default(10)
    .describe(
      "largest probability ratio of a token that is followed; beyond it (and its inverse): no gradient",
    ),
  beta: z
    .number()
    .min(0)
    .default(0.04)
    .describe("weight of the KL penalty to the model it started from; 0: none"),
  losses: z
    .record(z.string(), z.record(z.string(), z.unknown()))
    .default({})
    .describe("losses that are added to the policy gradient, by name, with their parameters"),
  positionsPerDraw: z
    .number()
    .int()
    .min(1)
    .default(32_768)
    .describe(
      "prompts are drawn in pieces of so many positions of completions; the draws are the same (ours)",
    ),
  batchesPerStep: z.number().int().min(1).default(1),
  updatesPerRollout: z
    .number()
    .int()
    .min(1)
    .default(1)
    .describe("updates on the completions of a step; from the second on the clip has work (ours: 1)"),
  rewards: z
    .record(z.string(), z.union([z.number(), z.strictObject({ weight: z.number(), params: someParams })]))
    .default({ format: 0.5, length: 0.25, repetition: 0.25 })
    .describe("weights (and parameters) of the base reward's parts; correctness is not one of them"),
  advantage: z
    .strictObject({ name: z.string(), params: someParams })
    .exactOptional()
    .describe("how rewards and comparisons become advantages; left out: total of the next three"),
  rollouts: z
    .strictObject({
      name: z.string().describe("provider of roll-outs, e.g. vllm"),
      params: someParams.describe("of the provider, e.g. rollouts.params.url=http://127.0.0.1:8000"),
      cap: z.number().min(1).default(2).describe("largest importance weight of a token (ours)"),
      mostDifference: z
        .number()
        .positive()
        .default(0.1)
        .describe("mean difference of log-probabilities, nats a token, beyond which the run stops (ours)"),
    })
    .exactOptional()
    .describe("what draws completions; left out: the engine that trains"),
  lambda: z
    .number()
    .min(0)
    .default(lambda.value)
    .describe(
      "weight of the comparative advantage (ours); 0: plain GRPO on the same prompts, nothing is refed",
    ),
  comparison: z
    .enum(["comparative", "centred", "group"])
    .default("comparative")
    .describe("the paper's as reconstructed: winners only; every pair; or within the group"),
  onExhausted: z.enum(["baseOnly", "drop"]).default(onExhausted.value),
  refeedTries: z.number().int().min(0).default(refeedTries.value).describe("0: no refeed"),
  prefilter: z
    .strictObject({
      draws: z.number().int().min(0).default(8),
      share: z.number().min(0).max(1).default(prefilterShare.value),
    })
    .prefault({})
    .describe("prompts that the twin answers rightly in more than `share` of `draws` are left out (ours)"),
  instructionGuard: z
    .strictObject({
      prompts: z.number().int().min(0).default(8),
      everySteps: z.number().int().min(1).default(5),
      leastShare: z.number().min(0).max(1).default(0.5),
      answeringFrom: z.number().min(0).max(1).default(0.2),
    })
    .prefault({})
    .describe("stops when the refeed's instruction makes valid answers that much less likely (ours)"),
  control: z.enum(controlNames).default("none").describe("what is compared instead of the real thing"),
  entailment: z
    .string()
    .default("words")
    .describe("what judges open answers: words, nli:FOLDER or http:URL (paper: a pretrained NLI model)"),
  entailmentDirection: z
    .enum(["covers-reference", "supported-by-reference", "mean"])
    .default("covers-reference")
    .describe("premise and hypothesis: answer and reference, the reverse, or the mean of both (ours)"),
  schedule: scheduleParams,
  optimizer: optimizerParams.prefault({}),
  checkpointEvery: z.number().int().min(1).default(50),
  watch: watchParams.exactOptional().describe("looks at held-out samples, and when training ends early"),
  seed: z.number().int().default(1),
});
