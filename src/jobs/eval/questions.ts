import { existsSync } from "node:fs";
import { join } from "node:path";
import { BenchmarkError } from "../../core/errors.ts";
import { seededRandom } from "../../core/random.ts";
import type { Made } from "../../core/registry.ts";
import {
  type Benchmark,
  type BenchmarkSample,
  benchmarkRegistry,
  clusterOf,
} from "../../evaluation/benchmarks.ts";
import { type ChosenSplit, chooseSplit } from "../../evaluation/splits.ts";
import {
  annotationVersion,
  type Irregularity,
  irregularitiesOf,
  samplesHash,
  samplesOnce,
} from "../benchmark-samples.ts";
import type { EvalRequest } from "./request.ts";

/** The questions of a benchmark or of a data set. */
export interface AskedQuestions extends ChosenSplit {
  readonly benchmark: Made<Benchmark>;
  readonly version: string;
  /** Hash of all questions as they were read. */
  readonly contentHash: string;
  readonly irregular: readonly Irregularity[];
  /** What clips' names are relative to. */
  readonly clipFolder: string;
  /** Questions that `--limit` left out. */
  readonly leftOut: number;
}

/** Whole clips in a seeded order, until there are as many questions as wanted. */
const limited = (
  samples: readonly BenchmarkSample[],
  limit: number | undefined,
  seed: number,
): readonly BenchmarkSample[] => {
  if (limit === undefined || samples.length <= limit) return samples;
  const clusters = seededRandom(seed, "limit").shuffled([...new Set(samples.map(clusterOf))]);
  const sizes = new Map<string, number>();
  for (const sample of samples) sizes.set(clusterOf(sample), (sizes.get(clusterOf(sample)) ?? 0) + 1);
  const chosen = new Set<string>();
  let count = 0;
  for (const cluster of clusters) {
    if (count >= limit) break;
    chosen.add(cluster);
    count += sizes.get(cluster)!;
  }
  return samples.filter((sample) => chosen.has(clusterOf(sample))).slice(0, limit);
};

/**
 * Reads what is asked. A folder with `dataset.json` in the place of a benchmark's name is that data set.
 *
 * @throws {UnknownNameError} for a benchmark that is none
 * @throws {DataFormatError} for annotations that cannot be read
 */
export const readQuestions = async (request: EvalRequest): Promise<AskedQuestions> => {
  const { benchmark: named, data, annotations = data, split, limit, seed, mode } = request;
  const isFolder = existsSync(join(named, "dataset.json"));
  const benchmark = await benchmarkRegistry.choose(isFolder ? "world" : named);
  if (mode === "official" && benchmark.value.officialRule === undefined)
    throw new BenchmarkError("no official scoring rule", {
      where: benchmark.recipe.name,
      hint: "use --mode strict",
    });
  const place = isFolder ? named : annotations;
  const all = await samplesOnce(benchmark.value, place);
  const chosen = chooseSplit(all, split);
  const samples = limited(chosen.samples, limit, seed);
  return {
    ...chosen,
    samples,
    benchmark: { value: benchmark.value, recipe: benchmark.recipe },
    version: annotationVersion(place, all),
    contentHash: samplesHash(all),
    irregular: irregularitiesOf(samples),
    clipFolder: isFolder && data === "" ? named : data,
    leftOut: chosen.samples.length - samples.length,
  };
};
