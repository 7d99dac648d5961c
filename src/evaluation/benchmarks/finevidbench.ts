import { z } from "zod";
import { readJsonRows } from "../../core/files.ts";
import { optionLetter } from "../../grading/options.ts";
import { annotatedSample, checkedAnnotation } from "../annotation.ts";
import { filesAt } from "../annotation-files.ts";
import { type BenchmarkPlugin, type BenchmarkSample, defineBenchmark } from "../benchmarks.ts";

const row = z.object({
  id: z.string().min(1),
  video: z.string(),
  task: z.string(),
  question: z.string(),
  options: z.array(z.string()).min(2).optional(),
  answer: z.string(),
});
const expected = '{"id", "video", "task", "question", "answer"}, with "options" for a choice';

const sampleOf = ({ id, video, task, question, options, answer }: z.output<typeof row>): BenchmarkSample => {
  const about = { id, video, question, skill: task };
  if (options === undefined) {
    const order = answer.match(/\d+/g)?.map(Number) ?? [];
    const isOrder = order.length > 1 && [...order].sort((a, b) => a - b).every((one, at) => one === at + 1);
    return annotatedSample("finevidbench", {
      ...about,
      answer: isOrder ? answer : null,
      answerKind: "permutation",
      irregular: isOrder ? [] : ["the reference is no order of 1 to n (not scored)"],
    });
  }
  const at = answer.length === 1 ? answer.charCodeAt(0) - 65 : options.indexOf(answer);
  const known = at >= 0 && at < options.length;
  return annotatedSample("finevidbench", {
    ...about,
    answer: known ? optionLetter(at) : null,
    answerKind: "choice",
    options,
    irregular: known ? [] : ["the reference is none of the options (not scored)"],
  });
};

/**
 * Questions in the form of FineVidBench's tasks. Its own annotations could not be had, so the layout is ours, a row a
 * question, and nothing that comes out is FineVidBench's score.
 */
const plugin: BenchmarkPlugin = defineBenchmark({
  summary:
    "questions in the form of FineVidBench's tasks (counting, order, rearrangement) in a layout of ours",
  source: "FineVidBench / SF2T by its paper; layout and scoring ours, its annotations are not public",
  params: z.strictObject({}),
  create: () => ({
    metrics: ["accuracy", "macro-accuracy", "mean-score"],
    samples: async (path) => {
      const samples: BenchmarkSample[] = [];
      for (const file of filesAt(path, /\.jsonl$/, "questions in FineVidBench's form"))
        for await (const { value, where } of readJsonRows(file))
          samples.push(sampleOf(checkedAnnotation(row, value, where, expected)));
      return samples;
    },
  }),
});
export default plugin;
