import { z } from "zod";
import { type BenchmarkPlugin, defineBenchmark } from "../benchmarks.ts";
import { groundingMetrics, samplesOfTimedFile } from "../grounding.ts";

const lengthFields = { duration: z.number() };

/** ActivityNet Captions as temporal grounding. Sentences are named `v_uqiMw7tQ1Cc/0`. */
const plugin: BenchmarkPlugin = defineBenchmark({
  summary: "ActivityNet Captions, when a sentence happens in a video",
  source: "file of microsoft/2D-TAN@2f7410f",
  params: z.strictObject({}),
  create: () => ({
    metrics: groundingMetrics,
    samples: async (path) =>
      samplesOfTimedFile("activitynet-captions", path, lengthFields, (video, { duration }) => ({
        file: `${video}.mp4`,
        seconds: duration,
        unitsPerSecond: 1,
      })),
  }),
});
export default plugin;
