import { seededRandom } from "../../core/random.ts";
import { referenceOption } from "../../grading/grade-answer.ts";
import { type BenchmarkSample, clusterOf } from "../benchmarks.ts";

/** A choice question whose answer is published. */
export interface ChoiceQuestion {
  readonly sample: BenchmarkSample;
  readonly options: readonly string[];
  /** Position of the right option. */
  readonly right: number;
  readonly cluster: string;
  readonly skill: string;
}

/** The choice questions with published answers; others cannot be guessed from options. */
export const choiceQuestions = (samples: readonly BenchmarkSample[]): ChoiceQuestion[] =>
  samples.flatMap((sample) => {
    const { answer, answerKind, options, skill = "all" } = sample;
    if (answerKind !== "choice" || answer === null || options === undefined || options.length < 2) return [];
    return [{ sample, options, right: referenceOption(answer, options), cluster: clusterOf(sample), skill }];
  });

/** An option's text as it is counted: case, blanks and a full stop at its end say nothing. */
export const optionKey = (text: string): string =>
  text
    .toLowerCase()
    .replace(/\s+/g, " ")
    .trim()
    .replace(/[.,;]+$/, "");

/** Share of the best-scored options that is right: ties share the credit. */
export const creditOf = (scores: readonly number[], right: number): number => {
  const best = Math.max(...scores);
  return scores[right] === best ? 1 / scores.filter((score) => score === best).length : 0;
};

/**
 * What a guesser gets that never sees a clip: it prefers, among a question's options, the text that was right most often
 * where it was offered, as counted in the other folds within the same skill: right / (offered + 1).
 *
 * @param foldOf the fold that a question is held out with
 * @returns credit in [0, 1] for each question
 */
export const textPrior = (
  questions: readonly ChoiceQuestion[],
  foldOf: (question: ChoiceQuestion) => string,
): number[] => {
  const tallies = (key: (question: ChoiceQuestion, text: string) => string) => {
    const counts = new Map<string, { offered: number; right: number }>();
    for (const question of questions)
      question.options.forEach((option, at) => {
        const name = key(question, optionKey(option));
        const count = counts.get(name) ?? { offered: 0, right: 0 };
        count.offered++;
        if (at === question.right) count.right++;
        counts.set(name, count);
      });
    return counts;
  };
  const whole = tallies(({ skill }, text) => JSON.stringify([skill, text]));
  const inFold = tallies((question, text) => JSON.stringify([question.skill, text, foldOf(question)]));
  return questions.map((question) => {
    const fold = foldOf(question);
    const scores = question.options.map((option) => {
      const text = optionKey(option);
      const all = whole.get(JSON.stringify([question.skill, text]))!;
      const held = inFold.get(JSON.stringify([question.skill, text, fold]))!;
      return (all.right - held.right) / (all.offered - held.offered + 1);
    });
    return creditOf(scores, question.right);
  });
};

/** Five folds of whole clusters, drawn by seed. */
export const foldsByCluster = (
  questions: readonly ChoiceQuestion[],
  seed: number,
): ((question: ChoiceQuestion) => string) => {
  const clusters = [...new Set(questions.map(({ cluster }) => cluster))];
  const folds = new Map(
    seededRandom(seed, "audit folds")
      .shuffled(clusters)
      .map((cluster, at) => [cluster, String(at % 5)]),
  );
  return ({ cluster }) => folds.get(cluster)!;
};

/** The folder of a question's clip: the source it was taken from, where a benchmark names one. */
export const sourceOf = ({ sample }: ChoiceQuestion): string =>
  sample.clip.file.includes("/") ? sample.clip.file.slice(0, sample.clip.file.lastIndexOf("/")) : "";
