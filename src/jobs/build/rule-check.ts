import { datasetFilters, type Filter } from "../../dataset/filter.ts";
import type { Sample } from "../../dataset/sample.ts";
import type { Rejection } from "../../dataset/schema.ts";
import type { Decisions } from "./decisions.ts";

/** A rule and the name under which it rejects. */
export interface NamedRule {
  readonly id: string;
  readonly filter: Filter;
}

/**
 * The rules that check what was built, in the order in which they are asked.
 *
 * @param chosen `NAME` or `NAME:key=value,...`; all rules with their defaults when left out
 * @param skipped names of rules that are left out
 * @throws {UnknownNameError} for a rule that is not there
 */
export const chooseRules = async (
  chosen: readonly string[] | undefined,
  skipped: readonly string[],
  further: Readonly<Record<string, object>>,
): Promise<{ readonly rules: NamedRule[]; readonly recipes: readonly object[] }> => {
  for (const name of skipped) await datasetFilters.load(name);
  const named = chosen ?? datasetFilters.names();
  const made = [];
  for (const text of named) {
    const name = text.split(":")[0]!;
    if (skipped.includes(name)) continue;
    const own = further[name];
    made.push(own === undefined ? await datasetFilters.choose(text) : await datasetFilters.make(name, own));
  }
  return {
    rules: made.map(({ value, recipe }) => ({ id: recipe.name, filter: value })),
    recipes: made.map(({ recipe }) =>
      // Lists of what must not be in are as long as what they come from.
      recipe.name in further ? { name: recipe.name } : recipe,
    ),
  };
};

/** Which row a sample is of, besides the sample. */
export interface CheckedSample {
  readonly rowId: string;
  readonly sample: Sample;
}

/**
 * Asks every rule about every sample, one in memory at a time: the first rule that objects is the one that is recorded.
 * What a person decided comes before all rules, in both directions.
 */
export class RuleCheck {
  readonly #rules: readonly NamedRule[];
  readonly #decisions: Decisions;
  readonly #rejected = new Map<string, Rejection>();
  readonly #accepted = new Set<string>();
  /** Samples that a rule would have rejected and a person accepted. */
  overruled = 0;

  constructor(rules: readonly NamedRule[], decisions: Decisions) {
    this.#rules = rules;
    this.#decisions = decisions;
  }

  /** Looks at a sample; samples come in the order of the data set. */
  look({ rowId, sample }: CheckedSample): void {
    const decision = this.#decisions.of(sample.id) ?? this.#decisions.of(rowId);
    if (decision?.verdict === "reject") {
      const reason = decision.note ? `a person: ${decision.note}` : "a person rejected it";
      this.#rejected.set(sample.id, { source: sample.id, ruleId: "decision", reason });
      return;
    }
    if (decision?.verdict === "accept") this.#accepted.add(sample.id);
    for (const { id, filter } of this.#rules) {
      const reason = filter.check(sample);
      if (reason === undefined) continue;
      if (decision?.verdict === "accept") this.overruled++;
      else this.#rejected.set(sample.id, { source: sample.id, ruleId: id, reason });
      return;
    }
  }

  /** Asks the rules that look at the whole set, when every sample was looked at. */
  finish(): void {
    for (const { id, filter } of this.#rules)
      for (const [sample, reason] of filter.finish?.() ?? []) {
        if (this.#rejected.has(sample)) continue;
        if (this.#accepted.has(sample)) this.overruled++;
        else this.#rejected.set(sample, { source: sample, ruleId: id, reason });
      }
  }

  /** Why a sample goes; undefined: it stays. */
  rejectionOf(sampleId: string): Rejection | undefined {
    return this.#rejected.get(sampleId);
  }
}
