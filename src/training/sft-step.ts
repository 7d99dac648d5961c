import { ConfigError } from "../core/errors.ts";
import { takeStep } from "../engine/take-step.ts";
import { type LossChoice, type LossTerm, makeLosses, sumOfLosses } from "../objectives/losses.ts";
import type { ContrastedClip } from "./clip.ts";
import type { Trainee } from "./loop.ts";
import { MemoryQueue } from "./memory-queue.ts";
import { learningRateAt } from "./schedule.ts";
import { checkSftFeeds } from "./sft-feeds.ts";
import type { SftOptions } from "./sft-options.ts";
import type { StepSource } from "./step-source.ts";
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
  readonly #source: StepSource;
  readonly #options: SftOptions;
  readonly #instruction: readonly number[];
  /** Where the states that are remembered are read. */
  readonly #block: number | undefined;
  /** All losses in one, or those on states and the others. */
  readonly #objectives: readonly LossTerm[];
  /** Losses that read no states: those of steps whose clips are not contrasted. */
  readonly #answers: LossTerm | undefined;
  readonly queue: MemoryQueue | undefined;

  private constructor(
    trainee: Trainee,
    source: StepSource,
    options: SftOptions,
    instruction: readonly number[],
    objectives: readonly LossTerm[],
    answers: LossTerm | undefined,
    block: number | undefined,
  ) {
    this.#trainee = trainee;
    this.#source = source;
    this.#options = options;
    this.#instruction = instruction;
    this.#objectives = objectives;
    this.#answers = answers;
    this.#block = block;
    const length = queueLength(options.losses);
    this.queue = length === 0 ? undefined : new MemoryQueue(length, trainee.rules.visualWidth);
  }

  static async make(
    trainee: Trainee,
    source: StepSource,
    options: SftOptions,
    instruction: readonly number[],
  ): Promise<SftStep> {
    const losses = await makeLosses(withWidth(options.losses, trainee.rules.visualWidth));
    checkSftFeeds(losses);
    const terms = Object.entries(losses);
    const onStates = terms.filter(([, { states }]) => states.length > 0);
    const others = terms.filter(([, { states }]) => states.length === 0);
    const isSplit = options.contrastLearningRate !== null && onStates.length > 0 && others.length > 0;
    const groups = isSplit ? [onStates, others] : [terms];
    const objectives = groups.map((group) => sumOfLosses(Object.fromEntries(group)));
    // Of the loss with the queue, wherever others look.
    const [, remembering] = terms.find(([name]) => remembers(options.losses[name])) ?? [];
    const answers = others.length === 0 ? undefined : sumOfLosses(Object.fromEntries(others));
    const block = remembering?.states[0]?.block;
    return new SftStep(trainee, source, options, instruction, objectives, answers, block);
  }

  /** @returns metrics of all losses; the gradient of the last ones stays in the engine */
  async compute(step: number): Promise<Record<string, number>> {
    const chosen = await this.#source.take(step);
    if (chosen.every(({ contrasted }) => contrasted === false)) {
      if (this.#answers === undefined)
        throw new ConfigError("clips that are not contrasted, and no loss of answers", {
          expected: "cross-entropy beside the losses that contrast",
          got: Object.keys(this.#options.losses).join(", "),
        });
      return { ...(await this.#lossOf(chosen, this.#answers, step)), ...this.#source.metrics?.() };
    }
    const [first, second] = this.#objectives;
    if (second === undefined)
      return { ...(await this.#lossOf(chosen, first!, step)), ...this.#source.metrics?.() };
    const contrast = await this.#lossOf(chosen, first!, step);
    const update = await this.#updateContrast(step);
    const others = await this.#lossOf(chosen, second, step);
    return {
      ...contrast,
      ...others,
      ...update,
      ...this.#source.metrics?.(),
      loss: contrast["loss"]! + others["loss"]!,
    };
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
    chosen: readonly ContrastedClip[],
    objective: LossTerm,
    step: number,
  ): Promise<Record<string, number>> {
    const { engine, rules, tokens } = this.#trainee;
    const readsStates = objective.states.length > 0;
    const hasOnlyStates = readsStates && this.#objectives.length > 1;
    const queue = readsStates ? this.queue : undefined;
    const means = { rules, tokens, instruction: this.#instruction, queue };
    // Losses on states alone read no text, so none is laid out for them.
    const made = this.#source.batches(chosen, objective, means, this.#options, step, !hasOnlyStates);
    const { batches, feeds, seeing } = made;
    const wantOutputs = queue !== undefined;
    const { loss, metrics, outputs } = await takeStep(engine, batches, objective, feeds, { wantOutputs });
    if (queue !== undefined) {
      const states = (group: string): Float32Array => groupStates(batches, outputs!, this.#block!, group);
      queue.add(seeing, { absent: states("absent"), view: states("view"), keywords: states("keywords") });
    }
    return { loss, ...metrics };
  }
}
