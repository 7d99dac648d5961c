import { z } from "zod";
import { questionText } from "../../dataset/question.ts";
import { type BenchmarkPlugin, defineBenchmark } from "../benchmarks.ts";
import { candidateSamples } from "../candidate-files.ts";
import { optionLines } from "../prompt.ts";

const system =
  "Carefully watch the video and pay attention to the cause and sequence of events, the detail and movement of objects, and the action and pose of persons. Based on your observations, select the best option that accurately addresses the question.";

/** MVBench from one JSON file a task, or a folder of them. */
const plugin: BenchmarkPlugin = defineBenchmark({
  summary: "MVBench and benchmarks in its layout, one file a task",
  source:
    "OpenGVLab/Ask-Anything@4dd8210; official mode counts an empty answer as right unless it is missing",
  params: z.strictObject({}),
  create: () => ({
    officialRule: "mvbench",
    metrics: ["accuracy", "macro-accuracy"],
    prompt: (sample) => ({
      system,
      text: `Question: ${questionText(sample)}\nOptions:\n${optionLines(sample, (letter, text) => `(${letter}) ${text}`)}\nOnly give the best option.`,
      prefill: "Best option:(",
    }),
    samples: (path) => candidateSamples("mvbench", path),
  }),
});
export default plugin;
