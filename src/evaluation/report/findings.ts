import { percent, percentRange, points, pointsRange, pValue } from "../../pages/format.ts";
import { type Estimate, excludesZero } from "../statistics/estimate.ts";
import { blindContrast, bought } from "./method.ts";
import type { ControlDifference, Finding, ReportModel, ResultRow, RowDifference } from "./model.ts";

const outcomeOf = (estimate: Estimate): Finding["outcome"] =>
  excludesZero(estimate) ? (estimate.value > 0 ? "yes" : "no") : "open";

const count = (n: number, one: string): string => `${n.toLocaleString("en-US")} ${one}${n === 1 ? "" : "s"}`;

/** What can be had without looking over all questions; null where that is not defined. */
const guessed = ({ skills }: ReportModel): number | null => {
  let [sum, questions] = [0, 0];
  for (const { chance, majority, questions: count } of skills) {
    if (chance === null && majority === null) return null;
    sum += Math.max(chance ?? 0, majority ?? 0) * count;
    questions += count;
  }
  return questions === 0 ? null : sum / questions;
};

/** Whether it looks: judged by the paired difference, never by overlapping intervals. */
const seeing = (main: ResultRow, blind: ResultRow, model: ReportModel): Finding | null => {
  const [seen, unseen] = [main.complete.overall, blind.complete.overall];
  if (seen === null || unseen === null) return null;
  const { seeing: difference } = model;
  const guess = guessed(model);
  const paired =
    difference === null
      ? "They have no question in common, so the two cannot be compared."
      : `Paired by question the difference is ${points(difference.value)} points (${pointsRange(difference)}).`;
  const detail = `${main.name} answers ${percent(seen.value)} % (${percentRange(seen)}) of ${count(seen.questions, "held-out question")} about ${count(seen.clusters, "clip")} rightly; ${blind.name}, which sees no pictures, ${percent(unseen.value)} % (${percentRange(unseen)}). ${paired}`;
  const outcome = difference === null ? "open" : outcomeOf(difference);
  if (outcome === "yes" && guess !== null && seen.low <= guess)
    return {
      outcome: "open",
      headline: "Pictures change its answers, but it does no better than guessing.",
      detail: `${detail} The best answer that needs no looking is right on ${percent(guess)} %.`,
    };
  const headline = {
    yes: "It answers by looking.",
    no: "It does worse than without pictures.",
    open: "No measurable difference between seeing and not seeing.",
  }[outcome];
  return { outcome, headline, detail };
};

const sensing = (main: ResultRow): Finding | null => {
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

/** A difference whose corrected p is above this is not called one. */
const notFirmFrom = 0.05;

const comparing = ({ of, against, difference, adjustedP, detectable }: RowDifference): Finding => {
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
  const side = outcome === "yes" ? "better" : "worse";
  if (adjustedP > notFirmFrom)
    return {
      outcome: "open",
      headline: `${of} looks ${side} than ${against}, but this is not firm.`,
      detail: `${numbers}. The interval excludes 0; the test over clips, corrected for all comparisons, does not.`,
    };
  return { outcome, headline: `${of} is ${side} than ${against}.`, detail: `${numbers}.` };
};

/**
 * Whether a gain outlives its control. A gain that its control has too was not learnt from what the control takes away,
 * however sure it is.
 */
const controlled = ({ of, control, from, gain, controlGain, excess }: ControlDifference): Finding => {
  const numbers =
    `Over ${from}: ${of} ${points(gain.value)} points (${pointsRange(gain)}), ${control} ` +
    `${points(controlGain.value)} (${pointsRange(controlGain)}); the difference is ${points(excess.value)} (${pointsRange(excess)}).`;
  const [gained, exceeds] = [outcomeOf(gain), outcomeOf(excess)];
  if (exceeds === "yes")
    return { outcome: gained, headline: `${of} does better than under its control.`, detail: numbers };
  if (gained === "yes")
    return {
      outcome: "no",
      headline: `${of} improves as much under its control: the gain is not shown to come from the decisive frames.`,
      detail: numbers,
    };
  return {
    outcome: "open",
    headline: `${of} is not measurably better than under its control, and gained nothing measurable.`,
    detail: numbers,
  };
};

const guessing = (main: ResultRow, model: ReportModel): Finding | null => {
  const below = model.skills.filter(({ name, majority, chance }) => {
    const estimate = main.complete.skills[name];
    const guess = Math.max(majority ?? 0, chance ?? 0);
    return estimate && guess > 0 && estimate.low <= guess;
  });
  if (below.length === 0) return null;
  return {
    outcome: "open",
    headline: `${below.length === model.skills.length ? "No skill" : "Not every skill"} is above guessing.`,
    detail: `The interval of ${main.name} reaches down to the best answer that needs no looking in: ${below.map(({ label }) => label).join(", ")}.`,
  };
};

/** The sentences that the numbers allow, most important first. An interval that holds 0 is never called a difference. */
export const findingsOf = (model: ReportModel): Finding[] => {
  const main = model.rows.find(({ name }) => name === model.mainRow);
  const blind = model.rows.find(({ name }) => name === model.blindRow);
  if (main === undefined) return [];
  return [
    ...blindContrast(model),
    bought(model, guessed(model)),
    blind === undefined ? null : seeing(main, blind, model),
    sensing(main),
    ...(model.controls ?? []).map(controlled),
    ...model.differences.map(comparing),
    guessing(main, model),
  ].filter((finding) => finding !== null);
};
