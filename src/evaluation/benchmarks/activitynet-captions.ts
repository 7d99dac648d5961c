import { z } from "zod";
import { readJsonFile } from "../../core/files.ts";
import { checkedAnnotation } from "../annotation.ts";
import { type BenchmarkPlugin, defineBenchmark } from "../benchmarks.ts";
import { groundingMetrics, groundingSample } from "../grounding.ts";

const file = z.record(
  z.string(),
  z.object({
    duration: z.number(),
    timestamps: z.array(z.tuple([z.number(), z.number()])),
    sentences: z.array(z.string()),
  }),
);

/** ActivityNet Captions as temporal grounding. Sentences are named `v_uqiMw7tQ1Cc/0`. */
const plugin: BenchmarkPlugin = defineBenchmark({
  summary: "ActivityNet Captions, when a sentence happens in a video",
  source: "file of microsoft/2D-TAN@2f7410f",
  params: z.strictObject({}),
  create: () => ({
    metrics: groundingMetrics,
    samples: async (path) =>
      Object.entries(
        checkedAnnotation(
          file,
          readJsonFile(path),
          path,
          'an object {"<video>": {"duration", "timestamps", "sentences"}}',
        ),
      ).flatMap(([video, { duration, timestamps, sentences }]) =>
        timestamps.map(([start, end], at) =>
          groundingSample("activitynet-captions", {
            id: `${video}/${at}`,
            video: `${video}.mp4`,
            sentence: sentences[at] ?? "",
            start,
            end,
            duration,
          }),
        ),
      ),
  }),
});
export default plugin;
