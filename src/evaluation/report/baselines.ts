import type { Sample } from "../../dataset/sample.ts";
import { referenceOption } from "../../grading/grade-answer.ts";
import { meanChance } from "../chance.ts";
import type { EvaluationRecord } from "../records.ts";
import { type BlindQuestion, skillBaselines } from "../statistics/baselines.ts";
import type { ReportSkill } from "./model.ts";

/** A choice with its answer as text; undefined for other questions, which no blind baseline is defined for. */
const closed = (
  skill: string,
  answerKind: string,
  answer: string | null,
  options: readonly string[] | null,
): BlindQuestion[] => {
  if (answerKind !== "choice" || answer === null) return [];
  if (options === null) return [{ skill, answer }];
  return [{ skill, answer: options[referenceOption(answer, options)]!, options }];
};

const labelOf = (skill: string): string =>
  skill.replaceAll("-", " ").replace(/^./, (letter) => letter.toUpperCase());

/** The skills that were asked, with what can be had without looking; learned from rows that were not asked. */
export const reportSkills = (
  records: readonly EvaluationRecord[],
  otherRows: readonly Sample[],
): ReportSkill[] => {
  const questions = new Map<string, EvaluationRecord>();
  for (const record of records) if (record.outcome !== "unscored") questions.set(record.questionId, record);
  const bySkill = new Map<string, EvaluationRecord[]>();
  for (const record of questions.values()) {
    const rows = bySkill.get(record.skill);
    if (rows === undefined) bySkill.set(record.skill, [record]);
    else rows.push(record);
  }
  const held = [...questions.values()].flatMap(({ skill, answerKind, gold, options }) =>
    closed(skill, answerKind, gold, options),
  );
  const training = otherRows.flatMap(({ skill = "all", answerKind, answer, options = null }) =>
    closed(skill, answerKind, answer, options),
  );
  const baselines = new Map(skillBaselines(training, held).map((one) => [one.skill, one]));
  return [...bySkill]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([skill, rows]) => {
      const known = baselines.get(skill);
      // A baseline of some of a skill's questions would be none of the skill.
      const isWhole = known !== undefined && known.questions === rows.length;
      return {
        name: skill,
        label: labelOf(skill),
        questions: rows.length,
        chance: meanChance(rows),
        majority: isWhole ? known.majority : null,
      };
    });
};
