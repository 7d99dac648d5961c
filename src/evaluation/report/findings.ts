import { type Estimate, excludesZero } from "../statistics/estimate.ts";
import { percent, percentRange, points, pointsRange, pValue } from "./format.ts";
import type { Comparison, ReportModel, ResultRow } from "./model.ts";

/** One sentence at the top of a report, and whether it is good news. "open": the numbers do not tell. */
export interface Verdict {
  readonly outcome: "yes" | "no" | "open";
  readonly headline: string;
  readonly detail: string;
}

const outcomeOf = (estimate: Estimate): Verdict["outcome"] =>
  excludesZero(estimate) ? (estimate.value > 0 ? "yes" : "no") : "open";

const count = (n: number, one: string): string => `${n.toLocaleString("en-US")} ${one}${n === 1 ? "" : "s"}`;

const seeing = (main: ResultRow, blind: ResultRow, comparison: Comparison | undefined): Verdict | null => {
  const [seen, unseen] = [main.complete.overall, blind.complete.overall];
  if (seen === null || unseen === null) return null;
  const numbers = `${main.name} answers ${percent(seen.value)} % (${percentRange(seen)}) of ${count(seen.questions, "held-out question")} about ${count(seen.clusters, "clip")} rightly; ${blind.name}, which sees no pictures, ${percent(unseen.value)} % (${percentRange(unseen)}).`;
  const apart = seen.low > unseen.high ? "yes" : seen.high < unseen.low ? "no" : null;
  const outcome = comparison === undefined ? (apart ?? "open") : outcomeOf(comparison.difference);
  const paired =
    comparison === undefined
      ? ""
      : ` Paired by question the difference is ${points(comparison.difference.value)} points (${pointsRange(comparison.difference)}).`;
  return {
    outcome,
    headline: {
      yes: "It answers by looking.",
      no: "It does worse than without pictures.",
      open: "No measurable difference between seeing and not seeing.",
    }[outcome],
    detail: numbers + paired,
  };
};

const sensing = (main: ResultRow): Verdict | null => {
  const estimate = main.sensitivity?.overall ?? null;
  if (estimate === null) return null;
  const outcome = outcomeOf(estimate);
  const lost = (side: ResultRow["absent"]): string =>
    main.complete.overall === null || !side?.overall
      ? "not measured"
      : `${points(side.overall.value - main.complete.overall.value)} points`;
  const sides = `Accuracy changes by ${lost(main.absent)} on absent twins and by ${lost(main.randomRemoval)} when as many other frames go.`;
  return {
    outcome,
    headline: {
      yes: "The decisive frames decide.",
      no: "Other frames matter more than the ones taken for decisive.",
      open: "No measurable difference between losing the decisive frames and losing others.",
    }[outcome],
    detail: `${sides} Sensitivity ${points(estimate.value)} points (${pointsRange(estimate)}, ${count(estimate.questions, "question")}).`,
  };
};

const comparing = ({ of, against, difference, adjustedP, detectable }: Comparison): Verdict => {
  const outcome = outcomeOf(difference);
  const numbers = `${points(difference.value)} points (${pointsRange(difference)}), ${pValue(adjustedP)} after Holm's correction`;
  if (outcome === "open")
    return {
      outcome,
      headline: `${of} against ${against}: no measurable difference.`,
      detail:
        detectable === 0
          ? `${numbers}. The two are right and wrong on the same questions.`
          : `${numbers}. With these questions a difference below about ${percent(detectable)} points cannot be seen.`,
    };
  const weak = adjustedP > 0.05 ? " Several comparisons were made; on its own this one is not firm." : "";
  return {
    outcome,
    headline: `${of} is ${outcome === "yes" ? "better" : "worse"} than ${against}.`,
    detail: `${numbers}.${weak}`,
  };
};

const guessing = (main: ResultRow, model: ReportModel): Verdict | null => {
  const below = model.skills.filter(({ name, majority, chance }) => {
    const estimate = main.complete.skills[name];
    return estimate && estimate.low <= Math.max(majority, chance);
  });
  if (below.length === 0) return null;
  return {
    outcome: "open",
    headline: `${below.length === model.skills.length ? "No skill" : "Not every skill"} is above guessing.`,
    detail: `The interval of ${main.name} reaches down to the best answer that needs no looking in: ${below.map(({ label }) => label).join(", ")}.`,
  };
};

/** The sentences that the numbers allow, most important first. An interval that holds 0 is never called a difference. */
export const verdictsOf = (model: ReportModel): Verdict[] => {
  const main = model.rows.find(({ name }) => name === model.mainRow);
  const blind = model.rows.find(({ name }) => name === model.blindRow);
  if (main === undefined) return [];
  const isSeeing = ({ of, against }: Comparison): boolean =>
    of === model.mainRow && against === model.blindRow;
  return [
    blind === undefined ? null : seeing(main, blind, model.comparisons.find(isSeeing)),
    sensing(main),
    ...model.comparisons.filter((comparison) => !isSeeing(comparison)).map(comparing),
    guessing(main, model),
  ].filter((verdict) => verdict !== null);
};
