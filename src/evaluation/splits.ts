import { BenchmarkError } from "../core/errors.ts";
import type { BenchmarkSample } from "./benchmarks.ts";

/** The part of a benchmark that is asked. */
export interface ChosenSplit {
  /** Null: the benchmark has no parts, or all of them are meant. */
  readonly split: string | null;
  readonly samples: readonly BenchmarkSample[];
  /** Rows of the other parts, by part; they count nowhere. */
  readonly others: Readonly<Record<string, number>>;
}

/**
 * The samples of one part. Without `wanted` what was held out is asked, where the rows say what that is ("test"); else
 * everything. "all" asks every part.
 *
 * @throws {BenchmarkError} when there is no such part
 */
export const chooseSplit = (samples: readonly BenchmarkSample[], wanted?: string): ChosenSplit => {
  const sizes = new Map<string, number>();
  for (const { split } of samples) if (split !== undefined) sizes.set(split, (sizes.get(split) ?? 0) + 1);
  const chosen = wanted ?? (sizes.has("test") ? "test" : "all");
  if (chosen === "all") return { split: null, samples, others: {} };
  if (!sizes.has(chosen))
    throw new BenchmarkError("no such part of the benchmark", {
      where: `--split ${chosen}`,
      expected:
        sizes.size === 0
          ? "no --split: its rows name no parts"
          : `one of ${[...sizes.keys(), "all"].join(", ")}`,
    });
  sizes.delete(chosen);
  const unnamed = samples.filter(({ split }) => split === undefined).length;
  return {
    split: chosen,
    samples: samples.filter(({ split }) => split === chosen),
    others: { ...Object.fromEntries(sizes), ...(unnamed === 0 ? {} : { "no part": unnamed }) },
  };
};
