import { z } from "zod";
import { type BuilderDefinition, defineBuilder, type PixelOperation } from "../builders.ts";

const params = z.strictObject({
  fill: z.enum(["mean", "grey"]).default("mean").describe("the frame's own mean colour, or level 128"),
});

/** Fills a frame with one colour. */
const filled =
  (fill: "mean" | "grey"): PixelOperation =>
  (pixels, width, height) => {
    if (fill === "grey") {
      pixels.fill(128);
      return;
    }
    const sums: [number, number, number] = [0, 0, 0];
    for (let at = 0; at < pixels.length; at += 3) {
      sums[0] += pixels[at]!;
      sums[1] += pixels[at + 1]!;
      sums[2] += pixels[at + 2]!;
    }
    const mean = sums.map((sum) => Math.round(sum / (width * height)));
    for (let at = 0; at < pixels.length; at += 3) {
      pixels[at] = mean[0]!;
      pixels[at + 1] = mean[1]!;
      pixels[at + 2] = mean[2]!;
    }
  };

/** Blanks key frames; a visible hole, for research on what a freeze hides. */
const mask: BuilderDefinition = defineBuilder({
  summary: "every key frame is filled with one colour (a visible hole; for research)",
  source: "ours",
  params,
  create: ({ fill }) => ({
    replace: ({ keyFrames }) => keyFrames.map((position) => ({ position, from: position })),
    pixels: filled(fill),
  }),
});

export default mask;
