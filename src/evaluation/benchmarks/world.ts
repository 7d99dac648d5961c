import { z } from "zod";
import { readSampleFile } from "../../dataset/read.ts";
import { answerKinds } from "../../grading/grade-answer.ts";
import { filesAt } from "../annotation-files.ts";
import { type BenchmarkPlugin, type BenchmarkSample, defineBenchmark } from "../benchmarks.ts";

/** Any data set of ours as a benchmark: the scripted world's held-out questions, or a person's own. */
const plugin: BenchmarkPlugin = defineBenchmark({
  summary: "questions of a data set folder, such as the scripted world's",
  source: "ours",
  params: z.strictObject({
    answerKinds: z
      .array(z.enum(answerKinds))
      .min(1)
      .default([...answerKinds])
      .describe("only questions with answers of these kinds"),
  }),
  create: ({ answerKinds: wanted }) => ({
    metrics: ["accuracy", "macro-accuracy", "mean-score"],
    samples: async (path) => {
      const samples: BenchmarkSample[] = [];
      for (const file of filesAt(path, /^samples.*\.jsonl$/, "samples of a data set"))
        for await (const sample of readSampleFile(file))
          if (wanted.includes(sample.answerKind)) samples.push(sample);
      return samples;
    },
  }),
});
export default plugin;
