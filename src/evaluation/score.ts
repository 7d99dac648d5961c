import { BenchmarkError } from "../core/errors.ts";
import { type Benchmark, type BenchmarkQuestion, chanceOf, gradeQuestion } from "./benchmarks.ts";
import { type ClusteredValue, clusteredAccuracy } from "./statistics/clustered.ts";
import type { Estimate } from "./statistics/estimate.ts";

/** One skill's score. */
export interface SkillScore {
  readonly skill: string;
  readonly accuracy: Estimate;
  /** Mean chance of its questions; null where it is not defined for all of them. */
  readonly chance: number | null;
}

/** What scoring says: accuracy and everything that an accuracy alone hides. */
export interface ScoreResult {
  readonly benchmark: string;
  readonly mode: "strict" | "official";
  /** Questions with a published answer; only these are scored. */
  readonly scored: number;
  readonly withoutPublishedAnswer: number;
  /** Scored questions without a prediction: wrong in `accuracy`. */
  readonly missing: number;
  /** Predictions for questions that the benchmark does not have. */
  readonly unknown: number;
  /** Micro average over scored questions, clustered by clip. */
  readonly accuracy: Estimate;
  /** Plain mean of the skills' accuracies. */
  readonly macroAccuracy: number;
  /** Right answers / questions with a prediction that is not empty; null when there is none. */
  readonly accuracyOfAnswered: number | null;
  /** Mean partial credit. */
  readonly meanScore: number;
  readonly answeredRate: number;
  /** Share of given predictions that could not be read. */
  readonly parseFailRate: number;
  readonly chance: number | null;
  readonly skills: readonly SkillScore[];
}

const meanChance = (questions: readonly BenchmarkQuestion[]): number | null => {
  let sum = 0;
  for (const question of questions) {
    const chance = chanceOf(question);
    if (chance === null) return null;
    sum += chance;
  }
  return sum / questions.length;
};

/**
 * Scores predictions against a benchmark's questions. A missing prediction is wrong in either mode, also where the
 * benchmark's own rule would give an empty answer credit.
 *
 * @throws {BenchmarkError} when nothing can be scored, or the benchmark has no official rule
 */
export const scorePredictions = (
  name: string,
  benchmark: Benchmark,
  questions: readonly BenchmarkQuestion[],
  predictions: ReadonlyMap<string, string>,
  mode: "strict" | "official",
): ScoreResult => {
  const rule = mode === "strict" ? "strict" : benchmark.officialRule;
  if (rule === null)
    throw new BenchmarkError("no official scoring rule", { where: name, hint: "use --mode strict" });
  const scored = questions.filter(({ answer }) => answer !== null);
  if (scored.length === 0)
    throw new BenchmarkError("nothing to score", {
      where: name,
      expected: "questions with published answers",
    });
  const known = new Set(questions.map(({ id }) => id));
  const bySkill = new Map<string, { questions: BenchmarkQuestion[]; values: ClusteredValue[] }>();
  const values: ClusteredValue[] = [];
  let [given, answered, rightAnswered, unread, score] = [0, 0, 0, 0, 0];
  for (const question of scored) {
    const text = predictions.get(question.id);
    const verdict = text === undefined ? null : gradeQuestion(question, text, rule);
    const value = { cluster: question.videoId, value: verdict?.correct ? 1 : 0 };
    if (text !== undefined) given++;
    if (verdict !== null && (verdict.parsed === null || verdict.parsed === "")) unread++;
    if (text !== undefined && text.trim() !== "") {
      answered++;
      rightAnswered += value.value;
    }
    score += verdict?.score ?? 0;
    values.push(value);
    const entry = bySkill.get(question.skill) ?? { questions: [], values: [] };
    entry.questions.push(question);
    entry.values.push(value);
    bySkill.set(question.skill, entry);
  }
  const skills = [...bySkill]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([skill, entry]) => ({
      skill,
      accuracy: clusteredAccuracy(entry.values)!,
      chance: meanChance(entry.questions),
    }));
  return {
    benchmark: name,
    mode,
    scored: scored.length,
    withoutPublishedAnswer: questions.length - scored.length,
    missing: scored.length - given,
    unknown: [...predictions.keys()].filter((id) => !known.has(id)).length,
    accuracy: clusteredAccuracy(values)!,
    macroAccuracy: skills.reduce((sum, { accuracy }) => sum + accuracy.value, 0) / skills.length,
    accuracyOfAnswered: answered === 0 ? null : rightAnswered / answered,
    meanScore: score / scored.length,
    answeredRate: answered / scored.length,
    parseFailRate: given === 0 ? 0 : unread / given,
    chance: meanChance(scored),
    skills,
  };
};
