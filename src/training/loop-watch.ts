/** What a loop looks out for: whether it still gets better on held-out samples, and whether its loss runs away. */
import { z } from "zod";
import { DataFormatError } from "../core/errors.ts";

/** When a loop looks at held-out samples, and what it does about what it sees. */
export interface WatchOptions {
  /** Steps from one look to the next; there is one before the first step and one behind the last. 0: none. */
  readonly validateEvery: number;
  /** What says which checkpoint is the best. */
  readonly metric: string;
  readonly better: "lower" | "higher";
  /** Looks without a better one after which the loop ends; 0: it goes on. */
  readonly patience: number;
  /** Rise of the mean loss over the lowest that counts as divergence, in the loss's unit; null: none does. */
  readonly divergence: number | null;
}

/** Checks options and fills in defaults. */
export const watchParams: z.ZodType<WatchOptions> = z.strictObject({
  validateEvery: z
    .number()
    .int()
    .min(0)
    .default(0)
    .describe("steps between looks at held-out samples; 0: never"),
  metric: z.string().default("validation/loss").describe("what says which checkpoint is the best"),
  better: z.enum(["lower", "higher"]).default("lower"),
  patience: z
    .number()
    .int()
    .min(0)
    .default(0)
    .describe("looks without a better one after which training ends early; 0: never"),
  divergence: z
    .number()
    .positive()
    .nullable()
    .default(4)
    .describe("the run stops when the mean loss of 20 steps is so much above the lowest such mean (ours)"),
});

/** What a loop does where nobody says. */
export const usualWatch: WatchOptions = watchParams.parse({});

const savedState = z.object({
  losses: z.array(z.number()),
  lowest: z.number().nullable(),
  best: z.number().nullable(),
  looksSince: z.number().int(),
});

/** Losses whose mean is watched. */
const window = 20;

/** What a loop remembers of its losses and looks; saved with every checkpoint. */
export class LoopWatch {
  readonly #options: WatchOptions;
  #losses: number[] = [];
  #lowest: number | null = null;
  #best: number | null = null;
  #looksSince = 0;

  constructor(options: WatchOptions) {
    this.#options = options;
  }

  /** True after a step that is looked behind. */
  isDue(step: number, steps: number): boolean {
    const { validateEvery: every } = this.#options;
    return every > 0 && (step % every === 0 || step === steps);
  }

  /** True when enough looks brought nothing better. */
  get isOver(): boolean {
    const { patience } = this.#options;
    return patience > 0 && this.#looksSince >= patience;
  }

  /** Takes a step's numbers. @returns why the run must stop; undefined: it need not */
  trouble(metrics: Readonly<Record<string, number>>): string | undefined {
    const bad = Object.entries(metrics).find(
      ([name, value]) => /^loss\b|gradientNorm/i.test(name) && !Number.isFinite(value),
    );
    if (bad !== undefined) return `${bad[0]} is ${bad[1]}`;
    const { loss } = metrics;
    const { divergence } = this.#options;
    if (loss === undefined) return undefined;
    this.#losses = [...this.#losses.slice(1 - window), loss];
    if (this.#losses.length < window) return undefined;
    const mean = this.#losses.reduce((sum, one) => sum + one, 0) / window;
    this.#lowest = Math.min(mean, this.#lowest ?? mean);
    if (divergence === null || mean <= this.#lowest + divergence) return undefined;
    return `the loss diverges: its mean over ${window} steps is ${mean.toFixed(3)}, the lowest was ${this.#lowest.toFixed(3)}`;
  }

  /** Takes what a look saw. @returns the score for keeping the best checkpoint, lower is better; undefined: no such number */
  look(
    seen: Readonly<Record<string, number>>,
  ): { readonly score: number; readonly isBest: boolean } | undefined {
    const value = seen[this.#options.metric];
    if (value === undefined || Number.isNaN(value)) return undefined;
    const score = this.#options.better === "lower" ? value : -value;
    const isBest = this.#best === null || score < this.#best;
    if (isBest) this.#best = score;
    this.#looksSince = isBest ? 0 : this.#looksSince + 1;
    return { score, isBest };
  }

  /** As JSON. */
  save(): Record<string, unknown> {
    return {
      losses: this.#losses,
      lowest: this.#lowest,
      best: this.#best,
      looksSince: this.#looksSince,
    };
  }

  /** Takes back what {@link save} gave; a run of before there was such a thing has nothing. */
  restore(saved: unknown): void {
    if (saved === undefined) return;
    const { success, data } = savedState.safeParse(saved);
    if (!success) throw new DataFormatError("state of a checkpoint", { where: "watch" });
    this.#losses = data.losses;
    this.#lowest = data.lowest;
    this.#best = data.best;
    this.#looksSince = data.looksSince;
  }
}
