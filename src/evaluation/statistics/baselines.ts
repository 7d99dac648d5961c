import { answerKey } from "../../grading/answer-key.ts";

/** What a baseline that never looks needs to know about a question. */
export interface BlindQuestion {
  readonly skill: string;
  /** Canonical reference: option text or answer text. */
  readonly answer: string;
  /** Texts of the options; absent for closed questions with a fixed set of answers. */
  readonly options?: readonly string[];
}

/** Accuracy of baselines in one skill. */
export interface SkillBaseline {
  readonly skill: string;
  readonly questions: number;
  /** Expected accuracy of drawing uniformly: from the options, or from the answers seen in training for this skill. */
  readonly chance: number;
  /**
   * Accuracy of always giving the answer that was most frequent in training (among the options, where there are any);
   * null where it could only be counted on the very questions that it answers.
   */
  readonly majority: number | null;
}

/**
 * Chance and majority baselines per skill. The majority is learned from `training` and scored on `held`, as a text-only
 * model could learn it; ties share the credit. Where training never saw a skill its answers are counted on `held`: an upper
 * bound that says something where all questions have the same answers to choose from. Where every question has options of
 * its own, which of them is ever right is all that it would say, so there is none.
 */
export const skillBaselines = (
  training: readonly BlindQuestion[],
  held: readonly BlindQuestion[],
): SkillBaseline[] => {
  const tally = (questions: readonly BlindQuestion[]): Map<string, Map<string, number>> => {
    const bySkill = new Map<string, Map<string, number>>();
    for (const { skill, answer } of questions) {
      const counts = bySkill.get(skill) ?? new Map<string, number>();
      const text = answerKey(answer);
      counts.set(text, (counts.get(text) ?? 0) + 1);
      bySkill.set(skill, counts);
    }
    return bySkill;
  };
  const learned = tally(training);
  const seen = tally(held);
  const skills = [...seen.keys()].sort();
  return skills.map((skill) => {
    const counts = learned.get(skill) ?? seen.get(skill)!;
    const questions = held.filter((question) => question.skill === skill);
    const choices = new Set(questions.map(({ options }) => options?.map(answerKey).sort().join("\n")));
    const isFair = learned.has(skill) || choices.size === 1;
    let chance = 0;
    let majority = 0;
    for (const { answer, options } of questions) {
      const candidates = options === undefined ? [...counts.keys()] : options.map(answerKey);
      chance +=
        options === undefined
          ? counts.has(answerKey(answer))
            ? 1 / candidates.length
            : 0
          : 1 / candidates.length;
      const most = Math.max(...candidates.map((text) => counts.get(text) ?? 0));
      const best = candidates.filter((text) => (counts.get(text) ?? 0) === most);
      if (best.includes(answerKey(answer))) majority += 1 / best.length;
    }
    return {
      skill,
      questions: questions.length,
      chance: chance / questions.length,
      majority: isFair ? majority / questions.length : null,
    };
  });
};
