import type { EvaluationRecord } from "./records.ts";

type Question = Pick<EvaluationRecord, "answerKind" | "gold" | "options" | "rotation">;

/** Expected accuracy of a uniform guess; null where there is no finite set of answers, or one trial of several is no score. */
export const chanceOf = ({ answerKind, gold, options, rotation }: Question): number | null => {
  if (rotation?.swapped !== undefined) return null;
  if (answerKind === "choice") return options === null ? null : 1 / options.length;
  if (answerKind !== "permutation" || gold === null) return null;
  let orders = 1;
  for (let n = 2; n <= (gold.match(/\d+/g) ?? []).length; n++) orders *= n;
  return 1 / orders;
};

/** Mean chance of questions; null where it is not defined for all of them, or there are none. */
export const meanChance = (questions: readonly Question[]): number | null => {
  let sum = 0;
  for (const question of questions) {
    const chance = chanceOf(question);
    if (chance === null) return null;
    sum += chance;
  }
  return questions.length === 0 ? null : sum / questions.length;
};
