import { meanChance } from "../chance.ts";
import { correctness, type EvaluationRecord } from "../records.ts";
import { accuracyOf } from "../score.ts";
import type { BreakdownLine } from "./model.ts";
import { type RowSelection, rowRecords } from "./summarise.ts";

/** Every group and skill that some record has together, in the order of the records. */
const kindsOf = (records: readonly EvaluationRecord[]) => {
  const kinds = new Map<string, Pick<BreakdownLine, "group" | "value" | "skill">>();
  for (const { groups = {}, skill } of records)
    for (const [group, value] of Object.entries(groups))
      kinds.set(JSON.stringify([group, skill, value]), { group, value, skill });
  // Lines of one group and skill stand together, whichever clip was first asked about what.
  return [
    ...Map.groupBy(kinds.values(), ({ group, skill }) => JSON.stringify([group, skill])).values(),
  ].flat();
};

/** Accuracy by what a benchmark's questions are grouped by besides their skills; none where it groups nothing. */
export const breakdownOf = (
  records: readonly EvaluationRecord[],
  rows: readonly RowSelection[],
): BreakdownLine[] =>
  kindsOf(records).map(({ group, value, skill }) => {
    const own = records.filter((record) => record.skill === skill && record.groups?.[group] === value);
    const questions = new Map(own.map((record) => [record.questionId, record]));
    return {
      group,
      value,
      skill,
      questions: questions.size,
      chance: meanChance([...questions.values()]),
      rows: Object.fromEntries(
        rows.map((row) => [
          row.name,
          accuracyOf(correctness(rowRecords(own, row, row.complete ?? "complete"))),
        ]),
      ),
    };
  });
