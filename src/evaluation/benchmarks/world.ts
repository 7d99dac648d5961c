import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { DataFormatError, messageOf } from "../../core/errors.ts";
import { readSampleFile } from "../../dataset/read.ts";
import { answerKinds } from "../../grading/grade-answer.ts";
import { type BenchmarkPlugin, type BenchmarkSample, defineBenchmark } from "../benchmarks.ts";

/** The sample files of a data set folder, or the one file that was named. */
const sampleFiles = (path: string): string[] => {
  try {
    if (!statSync(path).isDirectory()) return [path];
  } catch (error) {
    throw new DataFormatError("cannot read the data set", {
      where: path,
      got: messageOf(error),
      cause: error,
    });
  }
  const files = readdirSync(path)
    .filter((file) => /^samples.*\.jsonl$/.test(file))
    .sort();
  if (files.length === 0)
    throw new DataFormatError("no samples in the data set folder", {
      where: path,
      expected: "samples-*.jsonl",
    });
  return files.map((file) => join(path, file));
};

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
      for (const file of sampleFiles(path))
        for await (const sample of readSampleFile(file))
          if (wanted.includes(sample.answerKind)) samples.push(sample);
      return samples;
    },
  }),
});
export default plugin;
