import { type Define, definer, folderRegistry, type Plugin, type Registry } from "../core/registry.ts";
import { type AnswerKind, gradeAnswer, type Verdict } from "../grading/grade-answer.ts";
import type { OfficialRule } from "../grading/official.ts";

/** One question of a benchmark. */
export interface BenchmarkQuestion {
  readonly id: string;
  /** The clip: the cluster of all statistics. Edited versions of one video share it. */
  readonly videoId: string;
  readonly skill: string;
  readonly question: string;
  readonly answerKind: AnswerKind;
  /** Null where the benchmark keeps its answers to itself. */
  readonly answer: string | null;
  readonly options?: readonly string[];
}

/** A benchmark as its annotations define it; how pictures reach a model is the subject's matter. */
export interface Benchmark {
  /** How the benchmark's own script reads a choice; none: official scores do not exist. */
  readonly officialRule: OfficialRule | null;
  /** Every question of an annotation file or data folder. @throws {DataFormatError} naming the place */
  questions(path: string): Promise<readonly BenchmarkQuestion[]>;
}

/** A benchmark plug-in. */
export type BenchmarkPlugin = Plugin<Benchmark>;

/** Declares a benchmark. */
export const defineBenchmark: Define<BenchmarkPlugin> = definer("benchmark");

/** Every benchmark in `benchmarks/`, by file name. */
export const benchmarkRegistry: Registry<BenchmarkPlugin> = folderRegistry(
  "benchmark",
  new URL("./benchmarks/", import.meta.url),
);

/** Expected accuracy of a uniform guess; null where there is no finite set of answers. */
export const chanceOf = ({ answerKind, answer, options }: BenchmarkQuestion): number | null => {
  if (answerKind === "choice") return options === undefined ? null : 1 / options.length;
  if (answerKind !== "permutation" || answer === null) return null;
  let orders = 1;
  for (let n = 2; n <= (answer.match(/\d+/g) ?? []).length; n++) orders *= n;
  return 1 / orders;
};

/** Grades a completion; null where the answer is not published. */
export const gradeQuestion = (
  question: BenchmarkQuestion,
  completion: string,
  mode: "strict" | OfficialRule,
): Verdict | null => {
  const { answerKind, answer, options } = question;
  if (answer === null) return null;
  return gradeAnswer({ answerKind, answer, completion, ...(options === undefined ? {} : { options }) }, mode);
};
