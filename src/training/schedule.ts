import { z } from "zod";

/** Learning rate over a run: linear warm-up, then a cosine down to a share of the peak. */
export const scheduleParams: z.ZodObject<{
  learningRate: z.ZodNumber;
  warmupSteps: z.ZodDefault<z.ZodNumber>;
  finalShare: z.ZodDefault<z.ZodNumber>;
}> = z.strictObject({
  learningRate: z.number().positive().describe("peak learning rate"),
  warmupSteps: z.number().int().min(0).default(100).describe("steps of linear warm-up"),
  finalShare: z.number().min(0).max(1).default(0.05).describe("last learning rate as a share of the peak"),
});

/** A schedule's parameters. */
export type Schedule = z.output<typeof scheduleParams>;

/** The learning rate of `step` (1-based) of `steps`. */
export const learningRateAt = (schedule: Schedule, step: number, steps: number): number => {
  const { learningRate, warmupSteps, finalShare } = schedule;
  if (step <= warmupSteps) return (learningRate * step) / warmupSteps;
  const done = Math.min(1, (step - warmupSteps) / Math.max(1, steps - warmupSteps));
  return learningRate * (finalShare + (1 - finalShare) * 0.5 * (1 + Math.cos(Math.PI * done)));
};
