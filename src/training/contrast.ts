import { z } from "zod";
import type { LossChoice } from "../objectives/losses.ts";

/** How clips are contrasted; block 16 and weight 0.1 are the paper's, temperature and dropout ours. */
export interface ContrastOptions {
  readonly block: number;
  readonly weight: number;
  readonly temperature: number;
  readonly dropout: number;
}

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
});

/** The losses of supervised fine-tuning, plain or with contrast, as options of its loop. */
export const sftLosses = (
  contrast: ContrastOptions | null,
): { readonly losses: LossChoice; readonly viewDropout?: number } => {
  const plain = { "cross-entropy": {} };
  if (contrast === null) return { losses: plain };
  const { dropout, ...params } = contrast;
  return { losses: { ...plain, contrastive: params }, viewDropout: dropout };
};
