import type { Progress } from "../core/progress.ts";
import type { HeldOutClip } from "./clip.ts";
import {
  isSolvedWithoutLooking,
  type MonitorOptions,
  monitorContrast,
  sentinelFloor,
} from "./contrast-monitor.ts";
import type { Trainee } from "./loop.ts";
import type { SftOptions } from "./sft-options.ts";
import { type ClosedPrompt, closedPrompts, validAnswerProbability } from "./valid-answers.ts";

/** Where contrast is looked at: as the options say, else where the losses read; undefined: nowhere. */
const placeOf = ({ monitor, losses, encoding }: SftOptions): MonitorOptions | undefined => {
  const { contrastive } = losses;
  const block = monitor.block ?? (contrastive === undefined ? undefined : Number(contrastive["block"] ?? 16));
  if (block === undefined) return undefined;
  return { block, encoding, temperature: Number(contrastive?.["temperature"] ?? 0.05) };
};

/** Looks at held-out clips every so many steps: contrast and its controls, answers with and without the instruction. */
export class SftMonitor {
  readonly #trainee: Trainee;
  readonly #heldOut: readonly HeldOutClip[];
  readonly #prompts: readonly ClosedPrompt[];
  readonly #instruction: readonly number[];
  readonly #options: SftOptions;
  readonly #progress: Progress;
  #hasWarned = false;

  constructor(
    trainee: Trainee,
    heldOut: readonly HeldOutClip[],
    instruction: readonly number[],
    options: SftOptions,
    progress: Progress,
  ) {
    const { clips } = options.monitor;
    this.#trainee = trainee;
    this.#heldOut = heldOut.slice(0, clips);
    this.#prompts = closedPrompts(
      heldOut.map(({ clip }) => clip),
      clips,
    );
    this.#instruction = instruction;
    this.#options = options;
    this.#progress = progress;
  }

  /** What is logged beside a step's losses once its update is made; nothing where no look is due. */
  async observe(step: number): Promise<Record<string, number>> {
    const { monitor, steps } = this.#options;
    const isDue = monitor.every > 0 && (step % monitor.every === 0 || step === steps);
    if (!isDue || this.#heldOut.length === 0) return {};
    const place = placeOf(this.#options);
    const seen = place === undefined ? {} : await monitorContrast(this.#trainee, this.#heldOut, place);
    this.#warn(step, seen["heldOut.t2vSame"]);
    return { ...seen, ...(await this.#answers()) };
  }

  #warn(step: number, t2vOfSame: number | undefined): void {
    if (t2vOfSame === undefined || !isSolvedWithoutLooking(t2vOfSame) || this.#hasWarned) return;
    this.#hasWarned = true;
    this.#progress.log(
      `step ${step}: the contrast is being solved without looking: with a twin that is the clip itself t2v is ` +
        `${t2vOfSame.toFixed(4)}, below ln 2 = ${sentinelFloor.toFixed(4)} (encoding ${this.#options.encoding})`,
    );
  }

  async #answers(): Promise<Record<string, number>> {
    const plain = await validAnswerProbability(this.#trainee, this.#prompts);
    if (plain === undefined) return {};
    if (this.#instruction.length === 0) return { validAnswers: plain };
    const instructed = await validAnswerProbability(this.#trainee, this.#prompts, this.#instruction);
    return { validAnswers: plain, validAnswersInstructed: instructed! };
  }
}
