import { seededRandom } from "../../core/random.ts";
import type { NamedMetric } from "../metrics.ts";
import { correctness, type EvaluationRecord, recipeText } from "../records.ts";
import { accuracyOf, metricScore } from "../score.ts";
import { clusteredStandardError, naiveStandardError } from "../statistics/clustered.ts";
import { holm } from "../statistics/correction.ts";
import type { Estimate } from "../statistics/estimate.ts";
import {
  detectableDifference,
  mcNemar,
  pairedDifference,
  pairedDifferences,
  type QuestionScore,
  sensitivity,
  signFlipTest,
} from "../statistics/paired.ts";
import type { ResultRow, RowDifference, SkillEstimates } from "./model.ts";

/** Which records are a row's: by subject, and by the name of the intervention for each of the three views. */
export interface RowSelection {
  readonly name: string;
  readonly note: string;
  readonly subject: string;
  /** Interventions by name, or as {@link recipeText} where several have one name; "complete", "absent" and "random-removal" when left out. The blind row says "blind". */
  readonly complete?: string;
  /** Null: the row has none. */
  readonly absent?: string | null;
  readonly randomRemoval?: string | null;
}

/** The scored records of a row under one intervention; none for null. */
export const rowRecords = (
  records: readonly EvaluationRecord[],
  { subject }: RowSelection,
  intervention: string | null,
): EvaluationRecord[] =>
  records.filter(
    (record) =>
      record.subject === subject &&
      (record.intervention.name === intervention || recipeText(record.intervention) === intervention) &&
      record.outcome !== "unscored",
  );

const scoresOf = (
  records: readonly EvaluationRecord[],
  selection: RowSelection,
  intervention: string | null,
): { score: QuestionScore; skill: string }[] => {
  const chosen = rowRecords(records, selection, intervention);
  return correctness(chosen).map((score, i) => ({ score, skill: chosen[i]!.skill }));
};

const estimates = (
  skills: readonly string[],
  make: (
    of: (rows: readonly { score: QuestionScore; skill: string }[]) => QuestionScore[],
  ) => Estimate | null,
): SkillEstimates => ({
  overall: make((rows) => rows.map(({ score }) => score)),
  skills: Object.fromEntries(
    skills.map((skill) => [
      skill,
      make((rows) => rows.filter((row) => row.skill === skill).map(({ score }) => score)),
    ]),
  ),
});

/** One row of the table from records: accuracies with their intervals, and the sensitivity where all three views are there. */
export const resultRow = (
  records: readonly EvaluationRecord[],
  selection: RowSelection,
  skills: readonly string[],
  metrics: readonly NamedMetric[] = [],
): ResultRow => {
  const complete = scoresOf(records, selection, selection.complete ?? "complete");
  const absent = scoresOf(records, selection, selection.absent === undefined ? "absent" : selection.absent);
  const control = scoresOf(
    records,
    selection,
    selection.randomRemoval === undefined ? "random-removal" : selection.randomRemoval,
  );
  const view = (rows: typeof complete): SkillEstimates | null =>
    rows.length === 0 ? null : estimates(skills, (of) => accuracyOf(of(rows)));
  return {
    name: selection.name,
    note: selection.note,
    complete: estimates(skills, (of) => accuracyOf(of(complete))),
    absent: view(absent),
    randomRemoval: view(control),
    sensitivity:
      absent.length === 0 || control.length === 0
        ? null
        : estimates(skills, (of) => sensitivity(of(complete), of(absent), of(control))),
    metrics: metrics.map((metric) =>
      metricScore(metric, rowRecords(records, selection, selection.complete ?? "complete")),
    ),
  };
};

/** Accuracy of one row minus that of another on the questions that both were asked; null when there is none. */
export const rowDifference = (
  records: readonly EvaluationRecord[],
  of: RowSelection,
  against: RowSelection,
): Estimate | null => {
  const [a, b] = [of, against].map((row) =>
    scoresOf(records, row, row.complete ?? "complete").map(({ score }) => score),
  );
  return pairedDifference(a!, b!);
};

/**
 * Paired comparisons of rows on complete clips, with p-values of a sign-flip test over clips, corrected together by Holm.
 * Pairs without common questions are left out.
 */
export const compareRows = (
  records: readonly EvaluationRecord[],
  pairs: readonly (readonly [of: RowSelection, against: RowSelection])[],
  seed: number,
): RowDifference[] => {
  const made = pairs.flatMap(([of, against]) => {
    const [a, b] = [of, against].map((row) =>
      scoresOf(records, row, row.complete ?? "complete").map(({ score }) => score),
    ) as [QuestionScore[], QuestionScore[]];
    const difference = pairedDifference(a, b);
    if (difference === null) return [];
    const values = pairedDifferences(a, b);
    const naive = naiveStandardError(values);
    const effect = naive === 0 ? 1 : Math.max(1, (clusteredStandardError(values) / naive) ** 2);
    const onlyFirst = values.filter(({ value }) => value > 0).length;
    const onlySecond = values.filter(({ value }) => value < 0).length;
    const discordant = (onlyFirst + onlySecond) / values.length;
    return [
      {
        of: of.name,
        against: against.name,
        difference,
        p: signFlipTest(values, seededRandom(seed, "comparison", of.name, against.name)),
        disagreement: { onlyFirst, onlySecond, midP: mcNemar(onlyFirst, onlySecond).midP },
        detectable: detectableDifference(values.length, discordant, effect),
      },
    ];
  });
  const adjusted = holm(made.map(({ p }) => p));
  return made.map(({ p: _, ...difference }, i) => ({ ...difference, adjustedP: adjusted[i]! }));
};
