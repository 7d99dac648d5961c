/** What the method bought: event questions alone, and whether contrast was won by looking. */
import { percent, points, pointsRange } from "../../pages/format.ts";
import type { EvaluationRecord } from "../records.ts";
import { excludesZero } from "../statistics/estimate.ts";
import type { ContrastCheck, EventResults, Finding, ReportModel } from "./model.ts";
import type { StoredEvaluation } from "./read-evaluated-run.ts";
import { compareRows, type RowSelection, resultRow } from "./summarise.ts";

/** Results on the questions that only the event answers; null where the data set does not say which these are. */
export const eventResults = (
  { askedClips, description }: Pick<StoredEvaluation, "askedClips" | "description">,
  records: readonly EvaluationRecord[],
  rows: readonly RowSelection[],
  pairs: readonly (readonly [RowSelection, RowSelection])[],
): EventResults | null => {
  const about = new Set(
    [...askedClips.values()]
      .flat()
      .flatMap(({ id, provenance }) => (provenance["aboutEvent"] === true ? [id] : [])),
  );
  const own = records.filter(({ questionId }) => about.has(questionId));
  if (own.length === 0) return null;
  return {
    questions: new Set(own.map(({ questionId }) => questionId)).size,
    rows: rows.map((row) => {
      const { name, complete, absent, sensitivity } = resultRow(own, row, []);
      const overall = absent?.overall ?? null;
      return { name, complete: complete.overall, absent: overall, sensitivity: sensitivity?.overall ?? null };
    }),
    differences: compareRows(own, pairs, description.seed),
  };
};

/** What stages logged about held-out clips at their last look. */
export const contrastChecks = ({ stages }: Pick<StoredEvaluation, "stages">): ContrastCheck[] =>
  stages.flatMap(({ title, run }) => {
    const row = run.metrics.findLast((one) => one["heldOut.t2vSame"] !== undefined);
    if (row === undefined) return [];
    const of = (name: string): number => row[`heldOut.${name}`] ?? Number.NaN;
    const trained = run.metrics.some((one) => one["t2v"] !== undefined);
    return [
      {
        stage: title,
        isTrained: trained,
        clips: of("clips"),
        cosine: of("cosine"),
        win: of("win"),
        winFrozen: of("winFrozen"),
        gap: of("winGap"),
        gapError: of("winGapError"),
        t2vSame: of("t2vSame"),
      },
    ];
  });

/** One line a stage whose contrast tells a clip from itself. */
export const blindContrast = ({ contrast = [] }: ReportModel): Finding[] =>
  contrast
    .filter(({ isTrained, t2vSame }) => isTrained && t2vSame < Math.LN2 - 1e-3)
    .map(({ stage, t2vSame }) => ({
      outcome: "no",
      headline: `${stage}: the contrast is being solved without looking.`,
      detail: `With a twin that is the clip itself its text-to-video loss is ${t2vSame.toFixed(4)} nats, below ln 2 = ${Math.LN2.toFixed(4)}: it tells the two apart by something that is not in the pictures.`,
    }));

const contrastSentence = ({ contrast = [] }: ReportModel): string => {
  const own = contrast.findLast(({ isTrained }) => isTrained);
  if (own === undefined) return "";
  const { win, winFrozen, gap, gapError, clips } = own;
  const isFirm = Math.abs(gap) > 2 * gapError;
  const told =
    isFirm && gap > 0 ? "more often than" : isFirm ? "less often than" : "measurably no more often than";
  return ` After contrast a held-out text is nearer to its clip than to the twin without the event in ${percent(win)} % of ${clips} clips, ${told} with as many other frames frozen (${percent(winFrozen)} %).`;
};

/**
 * One sentence: what the whole method did for event questions against plain fine-tuning of as many steps, and what it did
 * to the states. A stage that wins as often under its control as under the real thing is said to.
 */
export const bought = (model: ReportModel): Finding | null => {
  const { mainRow, events } = model;
  const difference = events?.differences.findLast(({ of }) => of === mainRow);
  if (!events || difference === undefined) return null;
  const { against, difference: estimate, detectable } = difference;
  const outcome = excludesZero(estimate) ? (estimate.value > 0 ? "yes" : "no") : "open";
  const what = {
    yes: `bought ${points(estimate.value)} points on event questions`,
    no: `cost ${points(estimate.value)} points on event questions`,
    open: "made no measurable difference on event questions",
  }[outcome];
  const size =
    outcome === "open" ? ` A difference below about ${percent(detectable)} points cannot be seen.` : "";
  return {
    outcome,
    headline: `Against ${against} the method ${what}.`,
    detail: `${points(estimate.value)} points (${pointsRange(estimate)}) on the ${events.questions.toLocaleString("en-US")} questions that only the event answers.${size}${contrastSentence(model)}`,
  };
};
