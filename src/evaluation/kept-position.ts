import { z } from "zod";
import type { Random } from "../core/random.ts";

/** Which frame stays; a parameter of interventions that keep one. */
export const whichFrame: z.ZodDefault<
  z.ZodEnum<{ first: "first"; middle: "middle"; last: "last"; random: "random" }>
> = z.enum(["first", "middle", "last", "random"]).default("middle").describe("which frame stays");

/** The position of the frame that stays; null without positions. */
export const keptPosition = (
  positions: number,
  at: z.output<typeof whichFrame>,
  random: Random,
): number | null => {
  const last = positions - 1;
  if (last < 0) return null;
  return { first: 0, middle: last >> 1, last, random: at === "random" ? random.integer(last + 1) : 0 }[at];
};
