import { z } from "zod";

/** A small frame-text encoder: what it was built with. */
export interface DualEncoderConfig {
  readonly family: "videoperceiver-dual-encoder";
  /** Frames are resized to this square, a multiple of `patch`. */
  readonly pixels: number;
  readonly patch: number;
  /** Width of the joint space. */
  readonly width: number;
  /** Frames this far before and after are averaged into the context picture. */
  readonly reach: number;
  /** Words that it knows; others are refused. */
  readonly words: readonly string[];
}

/** Checks a stored configuration. */
export const dualEncoderConfigSchema: z.ZodType<DualEncoderConfig> = z.strictObject({
  family: z.literal("videoperceiver-dual-encoder"),
  pixels: z.number().int().positive(),
  patch: z.number().int().positive(),
  width: z.number().int().positive(),
  reach: z.number().int().positive(),
  words: z.array(z.string()).min(1),
});
