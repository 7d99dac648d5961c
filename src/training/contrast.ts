import { z } from "zod";
import { type ContrastEncoding, contrastEncodings } from "../batch/segments.ts";
import type { LossChoice } from "../objectives/losses.ts";

/** How clips are contrasted; block 16 and weight 0.1 are the paper's, the rest is ours. */
export interface ContrastOptions {
  readonly block: number;
  readonly weight: number;
  readonly temperature: number;
  readonly dropout: number;
  readonly bothViews?: boolean | undefined;
  readonly encoding?: ContrastEncoding | undefined;
  readonly negatives?: "own" | "batch" | undefined;
  readonly queue?: number | undefined;
  /** Peak learning rate of its own update; null and left out: it shares that of the other losses. */
  readonly learningRate?: number | null | undefined;
}

/** The layout of contrasted segments, as options of the loop that trains on them. */
export const layoutParams: {
  readonly encoding: z.ZodDefault<z.ZodEnum<{ [Name in ContrastEncoding]: Name }>>;
  readonly bothViews: z.ZodDefault<z.ZodBoolean>;
} = {
  encoding: z
    .enum(contrastEncodings)
    .default("shared")
    .describe(
      "shared: one end token for every video segment (ours); literal: the paper's three, which name the twin; " +
        "packed: eq. (3) as one sequence; separate: every segment a sequence of its own",
    ),
  bothViews: z
    .boolean()
    .default(false)
    .describe(
      "dropout on the first view too, as in SimCSE; it is then encoded apart from what texts see (ours)",
    ),
};

/** Checks options of contrast and fills in defaults. */
export const contrastParams: z.ZodType<ContrastOptions> = z.strictObject({
  block: z
    .number()
    .int()
    .min(1)
    .default(16)
    .describe("language block that is contrasted, 1-based (paper: 16)"),
  weight: z.number().min(0).default(0.1).describe("weight of the three losses (paper: 0.1)"),
  temperature: z.number().positive().default(0.05).describe("temperature of the cosines (ours)"),
  dropout: z
    .number()
    .min(0)
    .max(0.9)
    .default(0.1)
    .describe("dropout of visual tokens in the second view (ours)"),
  ...layoutParams,
  negatives: z.enum(["own", "batch"]).default("batch").describe("videos that count against a clip (ours)"),
  queue: z.number().int().min(0).default(0).describe("clips of earlier steps as negatives; 0: none (ours)"),
  learningRate: z
    .number()
    .positive()
    .nullable()
    .default(null)
    .describe("peak learning rate of contrast as an update of its own; null: one update for all losses"),
});

/** What {@link sftLosses} decides of the loop's options. */
export interface ContrastChoice {
  readonly losses: LossChoice;
  readonly viewDropout?: number;
  readonly bothViews?: boolean | undefined;
  readonly encoding?: ContrastEncoding | undefined;
  readonly contrastLearningRate?: number | null | undefined;
}

/** The losses of supervised fine-tuning, plain or with contrast, as options of its loop. */
export const sftLosses = (contrast: ContrastOptions | null): ContrastChoice => {
  const plain = { "cross-entropy": {} };
  if (contrast === null) return { losses: plain };
  const { dropout, bothViews, encoding, learningRate, ...params } = contrast;
  return {
    losses: { ...plain, contrastive: params },
    viewDropout: dropout,
    bothViews,
    encoding,
    contrastLearningRate: learningRate,
  };
};
