/** Supervised fine-tuning: a sum of losses over clips with their texts. */
import { ConfigError } from "../core/errors.ts";
import type { HeldOutClip, TrainingClip } from "./clip.ts";
import { heldOutBatches } from "./held-out-batches.ts";
import { type LoopContext, type LoopResult, type LoopStep, runLoop, type Trainee } from "./loop.ts";
import type { ScoredBatch } from "./picture-check.ts";
import { SftMonitor } from "./sft-monitor.ts";
import type { SftOptions } from "./sft-options.ts";
import { SftStep } from "./sft-step.ts";
import { clipsInMemory, type StepSource } from "./step-source.ts";

/** What supervised fine-tuning may be given besides its clips. */
export interface SftExtras {
  /** Clips that are not trained on: what contrast does to them is logged. */
  readonly heldOut?: readonly HeldOutClip[];
  /** Tokens of the refeed's instruction. */
  readonly instruction?: readonly number[];
  /** What the loop looks at and how it waits; left out: at the held-out clips. */
  readonly looks?: Pick<LoopStep, "heldOut" | "validate" | "waitedSeconds">;
}

/**
 * Trains on clips with their texts, wherever they come from.
 *
 * @source VideoPerceiver, first stage (eq. 7)
 * @differs segments are isolated and end in one token (`encoding`); texts go through the language model itself instead of
 * BERT; contrast shares the update of the other losses unless `contrastLearningRate` is given
 * @throws {ConfigError} for losses that this loop cannot feed, and an `instructionShare` without an instruction
 */
export const trainSftFrom = async (
  trainee: Trainee,
  source: StepSource,
  options: SftOptions,
  context: LoopContext,
  { heldOut = [], instruction = [], looks }: SftExtras = {},
): Promise<LoopResult> => {
  if (options.instructionShare > 0 && instruction.length === 0)
    throw new ConfigError("instructionShare without an instruction", {
      expected: "the tokens that a refeed appends to a question",
      got: `instructionShare ${options.instructionShare} and no tokens`,
    });
  const body = await SftStep.make(trainee, source, options, instruction);
  const monitor = new SftMonitor(trainee, heldOut, instruction, options, context.progress);
  // Laid out once, at the first look.
  let batches: readonly ScoredBatch[] | undefined;
  const held = (): readonly ScoredBatch[] => {
    batches ??= heldOutBatches(trainee, heldOut.slice(0, options.monitor.clips));
    return batches;
  };
  return runLoop(trainee, options, context, {
    compute: (step) => body.compute(step),
    observe: (step) => monitor.observe(step),
    heldOut: async () => held(),
    ...looks,
    state: () => (body.queue === undefined ? {} : { queue: body.queue.save() }),
    restore: (saved) => body.queue?.restore(saved["queue"]),
  });
};

/** As {@link trainSftFrom}, on clips of one size that are in memory. */
export const trainSft = (
  trainee: Trainee,
  clips: readonly TrainingClip[],
  options: SftOptions,
  context: LoopContext,
  extras: SftExtras = {},
): Promise<LoopResult> => trainSftFrom(trainee, clipsInMemory(clips, options), options, context, extras);
