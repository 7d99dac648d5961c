import { existsSync } from "node:fs";
import { join } from "node:path";
import { DataFormatError } from "../core/errors.ts";
import { sha256 } from "../core/files.ts";
import { readDescription } from "../dataset/read.ts";
import type { Benchmark, BenchmarkSample } from "../evaluation/benchmarks.ts";

/** Something odd in the annotations, and the questions that have it. */
export interface Irregularity {
  readonly what: string;
  readonly ids: readonly string[];
}

/** The benchmark's questions, each once: the first of several with one name counts, and says so. */
export const samplesOnce = async (benchmark: Benchmark, annotations: string): Promise<BenchmarkSample[]> => {
  const found = new Map<string, BenchmarkSample>();
  for (const sample of await benchmark.samples(annotations)) {
    const before = found.get(sample.id);
    const irregular = ["stands twice in the annotations (the first counts)"];
    found.set(
      sample.id,
      before === undefined ? sample : { ...before, irregular: [...(before.irregular ?? []), ...irregular] },
    );
  }
  if (found.size === 0)
    throw new DataFormatError("no questions in the annotations", { where: annotations, got: "none" });
  return [...found.values()];
};

/** Everything odd that samples say of themselves, with the questions that have it. */
export const irregularitiesOf = (samples: readonly BenchmarkSample[]): Irregularity[] => {
  const odd = samples.flatMap(({ id, irregular = [] }) =>
    [...new Set(irregular)].map((what) => ({ what, id })),
  );
  return [...Map.groupBy(odd, ({ what }) => what)].map(([what, named]) => ({
    what,
    ids: named.map(({ id }) => id),
  }));
};

/** A hash of questions as they were read, whatever a data set says of itself. */
export const samplesHash = (samples: readonly BenchmarkSample[]): string =>
  sha256(samples.map((sample) => JSON.stringify(sample)).join("\n"));

/** A name for what is asked: the data set's own, or the hash of the samples. */
export const annotationVersion = (path: string, samples: readonly BenchmarkSample[]): string =>
  existsSync(join(path, "dataset.json")) ? readDescription(path).contentHash : samplesHash(samples);
