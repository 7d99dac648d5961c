import { z } from "zod";
import { questionText } from "../../dataset/question.ts";
import { type BenchmarkPlugin, defineBenchmark } from "../benchmarks.ts";
import { candidateSamples } from "../candidate-files.ts";
import { optionLines } from "../prompt.ts";

/** TVBench from one JSON file a task, or a folder of them. The paper's average is that of the tasks, given first. */
const plugin: BenchmarkPlugin = defineBenchmark({
  summary: "TVBench, ten tasks that single frames and texts do not solve",
  source: "daniel-cores/tvbench@c354322; reading as EvolvingLMMs-Lab/lmms-eval@75571cf",
  params: z.strictObject({}),
  create: () => ({
    officialRule: "tvbench",
    metrics: ["macro-accuracy", "accuracy"],
    prompt: (sample) => ({
      text: `${questionText(sample)}\n${optionLines(sample)}\nAnswer with the option letter only.`,
    }),
    samples: (path) => candidateSamples("tvbench", path),
  }),
});
export default plugin;
