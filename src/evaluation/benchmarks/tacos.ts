import { z } from "zod";
import { readJsonFile } from "../../core/files.ts";
import { checkedAnnotation } from "../annotation.ts";
import { type BenchmarkPlugin, defineBenchmark } from "../benchmarks.ts";
import { groundingMetrics, groundingSample } from "../grounding.ts";

const file = z.record(
  z.string(),
  z.object({
    fps: z.number().positive(),
    num_frames: z.number(),
    timestamps: z.array(z.tuple([z.number(), z.number()])),
    sentences: z.array(z.string()),
  }),
);

/** TACoS. Its times are frames; here they are seconds. Sentences are named `s34-d28.avi/0`. */
const plugin: BenchmarkPlugin = defineBenchmark({
  summary: "TACoS, when a sentence happens in a cooking video",
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
          'an object {"<video>": {"fps", "num_frames", "timestamps", "sentences"}}',
        ),
      ).flatMap(([video, { fps, num_frames, timestamps, sentences }]) =>
        timestamps.map(([start, end], at) =>
          groundingSample("tacos", {
            id: `${video}/${at}`,
            video,
            sentence: sentences[at] ?? "",
            start: start / fps,
            end: end / fps,
            duration: num_frames / fps,
          }),
        ),
      ),
  }),
});
export default plugin;
