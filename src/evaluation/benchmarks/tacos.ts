import { z } from "zod";
import { type BenchmarkPlugin, defineBenchmark } from "../benchmarks.ts";
import { groundingMetrics, samplesOfTimedFile } from "../grounding.ts";

const lengthFields = { fps: z.number().positive(), num_frames: z.number() };

/** TACoS. Its times are frames; here they are seconds. Sentences are named `s34-d28.avi/0`. */
const plugin: BenchmarkPlugin = defineBenchmark({
  summary: "TACoS, when a sentence happens in a cooking video",
  source: "file of microsoft/2D-TAN@2f7410f",
  params: z.strictObject({}),
  create: () => ({
    metrics: groundingMetrics,
    samples: async (path) =>
      samplesOfTimedFile("tacos", path, lengthFields, (video, { fps, num_frames }) => ({
        file: video,
        seconds: num_frames / fps,
        unitsPerSecond: fps,
      })),
  }),
});
export default plugin;
