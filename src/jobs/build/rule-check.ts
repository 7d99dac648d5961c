import { ConfigError } from "../../core/errors.ts";
import { sha256 } from "../../core/files.ts";
import { datasetFilters, type Filter } from "../../dataset/filter.ts";
import type { Sample } from "../../dataset/sample.ts";
import type { Rejection } from "../../dataset/schema.ts";
import type { Decisions } from "./decisions.ts";
import type { KeptApart } from "./kept-apart.ts";

/** A rule and the name under which it rejects. */
export interface NamedRule {
  readonly id: string;
  readonly filter: Filter;
}

/** A rule that was asked for, by name and the parameters that were given. */
interface WantedRule {
  readonly name: string;
  readonly params: Readonly<Record<string, unknown>>;
}

/** The rule that keeps other sets' clips out. */
const keptApartRule = "not-in";

/**
 * The rules that are to check what was built, in the order in which they are asked. Names and parameters are checked here,
 * before anything long is read for them.
 *
 * @param chosen `NAME` or `NAME:key=value,...`; all rules with their defaults when left out
 * @param skipped names of rules that are left out
 * @param keepsApart whether clips of other sets must stay out: the rule for it is then always among them
 * @throws {UnknownNameError} for a rule that is not there
 * @throws {ConfigError} for bad parameters, and for clips that must stay out without the rule for it
 */
export const wantedRules = async (
  chosen: readonly string[] | undefined,
  skipped: readonly string[],
  keepsApart: boolean,
): Promise<WantedRule[]> => {
  for (const name of skipped) await datasetFilters.load(name);
  if (keepsApart && skipped.includes(keptApartRule))
    throw new ConfigError("--not-in and a skipped rule contradict one another", {
      got: `--skip-rules ${keptApartRule}`,
      hint: "leave one of them out",
    });
  const made = await Promise.all(
    (chosen ?? datasetFilters.names()).map((text) => datasetFilters.choose(text)),
  );
  const wanted = made.map(({ recipe }) => recipe).filter(({ name }) => !skipped.includes(name));
  if (keepsApart && !wanted.some(({ name }) => name === keptApartRule))
    wanted.push((await datasetFilters.choose(keptApartRule)).recipe);
  return wanted;
};

/** What of clips that must stay out is written down: how many, and the hash of the lists, which are as long as their sets. */
export const keptApartRecord = ({ hashes, names, prints }: KeptApart): Readonly<Record<string, unknown>> => ({
  hashes: hashes.size,
  names: names.size,
  prints: prints.length,
  sha256: sha256(JSON.stringify([[...hashes].sort(), [...names].sort(), prints])),
});

/** Makes the rules, and what the set's recipe says of them. */
export const makeRules = async (
  wanted: readonly WantedRule[],
  apart: KeptApart | undefined,
): Promise<{ readonly rules: NamedRule[]; readonly recipes: readonly object[] }> => {
  const rules: NamedRule[] = [];
  const recipes: object[] = [];
  for (const { name, params } of wanted) {
    const isApart = apart !== undefined && name === keptApartRule;
    const lists = isApart
      ? { hashes: [...apart.hashes], names: [...apart.names], prints: apart.prints }
      : undefined;
    const { value, recipe } = await datasetFilters.make(name, { ...params, ...lists });
    rules.push({ id: name, filter: value });
    recipes.push(isApart ? { name, params: { ...recipe.params, ...keptApartRecord(apart) } } : recipe);
  }
  return { rules, recipes };
};

/** Which row a sample is of, besides the sample. */
export interface CheckedSample {
  readonly rowId: string;
  readonly sourceNumber: number;
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
  look({ rowId, sourceNumber, sample }: CheckedSample): void {
    const decision = this.#decisions.about(sample, rowId, sourceNumber);
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
