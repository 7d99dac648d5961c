import { takeStep } from "../engine/take-step.ts";
import { type LossChoice, type LossTerm, makeLosses, sumOfLosses } from "../objectives/losses.ts";
import type { TrainingClip } from "./clip.ts";
import type { Trainee } from "./loop.ts";
import { MemoryQueue } from "./memory-queue.ts";
import { batchAt } from "./order.ts";
import { learningRateAt } from "./schedule.ts";
import { checkSftFeeds, sftBatches } from "./sft-batches.ts";
import type { SftOptions } from "./sft-options.ts";
import { groupStates } from "./tapped-states.ts";

/** How many clips a loss remembers. */
const queueOf = (params: LossChoice[string] | undefined): number => Number(params?.["queue"] ?? 0);

const remembers = (params: LossChoice[string] | undefined): boolean => queueOf(params) > 0;

/** Losses with the width of what they remember. */
const withWidth = (losses: LossChoice, width: number): LossChoice =>
  Object.fromEntries(
    Object.entries(losses).map(([name, params]) => [name, remembers(params) ? { ...params, width } : params]),
  );

/** How many clips the losses remember. */
const queueLength = (losses: LossChoice): number => Math.max(0, ...Object.values(losses).map(queueOf));

/** Computes the gradient of a step and, where contrast has a rate of its own, makes its update first. */
export class SftStep {
  readonly #trainee: Trainee;
  readonly #clips: readonly TrainingClip[];
  readonly #options: SftOptions;
  readonly #instruction: readonly number[];
  /** Where the states that are remembered are read. */
  readonly #block: number | undefined;
  /** All losses in one, or those on states and the others. */
  readonly #objectives: readonly LossTerm[];
  readonly queue: MemoryQueue | undefined;

  private constructor(
    trainee: Trainee,
    clips: readonly TrainingClip[],
    options: SftOptions,
    instruction: readonly number[],
    objectives: readonly LossTerm[],
    block: number | undefined,
  ) {
    this.#trainee = trainee;
    this.#clips = clips;
    this.#options = options;
    this.#instruction = instruction;
    this.#objectives = objectives;
    this.#block = block;
    const length = queueLength(options.losses);
    this.queue = length === 0 ? undefined : new MemoryQueue(length, trainee.rules.visualWidth);
  }

  static async make(
    trainee: Trainee,
    clips: readonly TrainingClip[],
    options: SftOptions,
    instruction: readonly number[],
  ): Promise<SftStep> {
    const terms = Object.entries(await makeLosses(withWidth(options.losses, trainee.rules.visualWidth)));
    const onStates = terms.filter(([, { states }]) => states.length > 0);
    const others = terms.filter(([, { states }]) => states.length === 0);
    const isSplit = options.contrastLearningRate !== null && onStates.length > 0 && others.length > 0;
    const groups = isSplit ? [onStates, others] : [terms];
    const objectives = groups.map((group) => sumOfLosses(Object.fromEntries(group)));
    for (const objective of objectives) checkSftFeeds(objective);
    // Of the loss with the queue, wherever others look.
    const [, remembering] = terms.find(([name]) => remembers(options.losses[name])) ?? [];
    return new SftStep(trainee, clips, options, instruction, objectives, remembering?.states[0]?.block);
  }

  /** @returns metrics of all losses; the gradient of the last ones stays in the engine */
  async compute(step: number): Promise<Record<string, number>> {
    const { clipsPerStep, seed } = this.#options;
    const chosen = batchAt(this.#clips.length, clipsPerStep, step, seed).map((index) => this.#clips[index]!);
    const [first, second] = this.#objectives;
    if (second === undefined) return this.#lossOf(chosen, first!, step);
    const contrast = await this.#lossOf(chosen, first!, step);
    const update = await this.#updateContrast(step);
    const others = await this.#lossOf(chosen, second, step);
    return { ...contrast, ...others, ...update, loss: contrast["loss"]! + others["loss"]! };
  }

  async #updateContrast(step: number): Promise<Record<string, number>> {
    const { engine } = this.#trainee;
    const { schedule, contrastLearningRate, optimizer, steps } = this.#options;
    const own = { ...schedule, learningRate: contrastLearningRate! };
    const learningRate = learningRateAt(own, step, steps);
    const { norm } = await engine.update({ ...optimizer, learningRate });
    await engine.clearGradient();
    return { contrastLearningRate: learningRate, contrastGradientNorm: norm };
  }

  async #lossOf(
    chosen: readonly TrainingClip[],
    objective: LossTerm,
    step: number,
  ): Promise<Record<string, number>> {
    const { engine, rules, tokens } = this.#trainee;
    const readsStates = objective.states.length > 0;
    const hasOnlyStates = readsStates && this.#objectives.length > 1;
    // Losses on states alone read no text, so none is laid out for them.
    const shown = hasOnlyStates ? chosen.map((clip) => ({ ...clip, texts: [] })) : chosen;
    const queue = readsStates ? this.queue : undefined;
    const means = { rules, tokens, instruction: this.#instruction, queue };
    const { batches, feeds, seeing } = sftBatches(shown, objective, means, this.#options, step);
    const wantOutputs = queue !== undefined;
    const { loss, metrics, outputs } = await takeStep(engine, batches, objective, feeds, { wantOutputs });
    if (queue !== undefined) {
      const states = (group: string): Float32Array => groupStates(batches, outputs!, this.#block!, group);
      queue.add(seeing, { absent: states("absent"), view: states("view"), keywords: states("keywords") });
    }
    return { loss, ...metrics };
  }
}
