import { questionText } from "../../dataset/question.ts";
import { optionLetter } from "../../grading/options.ts";
import type { BenchmarkSample } from "../benchmarks.ts";
import { clusteredMean } from "../statistics/clustered.ts";
import type { Estimate } from "../statistics/estimate.ts";
import {
  type ChoiceQuestion,
  choiceQuestions,
  creditOf,
  foldsByCluster,
  optionKey,
  sourceOf,
  textPrior,
} from "./text-prior.ts";

/** What one way of guessing gets without looking. */
export interface Guesser {
  readonly name: string;
  readonly how: string;
  readonly accuracy: Estimate;
  readonly skills: readonly {
    readonly skill: string;
    readonly accuracy: number;
    readonly questions: number;
  }[];
}

/** How far a benchmark can be answered without looking at its clips. */
export interface Audit {
  readonly questions: number;
  /** Choice questions with published answers and texts of options; the guessers answer these. */
  readonly audited: number;
  /** Why the others are not: how many of each. */
  readonly leftOut: Readonly<Record<string, number>>;
  readonly clips: number;
  readonly sources: readonly string[];
  /** Mean chance of the audited questions; null when there are none. */
  readonly chance: number | null;
  readonly guessers: readonly Guesser[];
  /** How often each letter is the right one. */
  readonly letters: readonly { readonly letter: string; readonly right: number }[];
  /** Questions with the same text, options and clip as an earlier one; and the same text and options on another clip. */
  readonly duplicates: { readonly sameClip: readonly string[]; readonly otherClip: number };
}

const guesserOf = (
  name: string,
  how: string,
  questions: readonly ChoiceQuestion[],
  credits: readonly number[],
): Guesser => {
  const skills = new Map<string, { sum: number; count: number }>();
  questions.forEach(({ skill }, at) => {
    const entry = skills.get(skill) ?? { sum: 0, count: 0 };
    skills.set(skill, { sum: entry.sum + credits[at]!, count: entry.count + 1 });
  });
  return {
    name,
    how,
    accuracy: clusteredMean(
      questions.map(({ cluster }, at) => ({ cluster, value: credits[at]! })),
      { bounds: [0, 1] },
    )!,
    skills: [...skills]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([skill, { sum, count }]) => ({ skill, accuracy: sum / count, questions: count })),
  };
};

/** The letter that is right most often in the other folds. */
const majorityLetter = (
  questions: readonly ChoiceQuestion[],
  foldOf: (question: ChoiceQuestion) => string,
): number[] => {
  const counts = new Map<string, number[]>();
  const all: number[] = [];
  for (const question of questions) {
    const own = counts.get(foldOf(question)) ?? [];
    own[question.right] = (own[question.right] ?? 0) + 1;
    all[question.right] = (all[question.right] ?? 0) + 1;
    counts.set(foldOf(question), own);
  }
  return questions.map((question) => {
    const held = counts.get(foldOf(question))!;
    return creditOf(
      question.options.map((_, at) => (all[at] ?? 0) - (held[at] ?? 0)),
      question.right,
    );
  });
};

const duplicatesOf = (samples: readonly BenchmarkSample[]): Audit["duplicates"] => {
  const clips = new Map<string, Set<string>>();
  const sameClip: string[] = [];
  let otherClip = 0;
  for (const sample of samples) {
    const key = JSON.stringify([questionText(sample), sample.options ?? null]);
    const seen = clips.get(key) ?? new Set();
    if (seen.has(sample.clip.file)) sameClip.push(sample.id);
    else if (seen.size > 0) otherClip++;
    clips.set(key, seen.add(sample.clip.file));
  }
  return { sameClip, otherClip };
};

const isLettersOnly = ({ options }: ChoiceQuestion): boolean =>
  options.every((option, at) => optionKey(option) === optionLetter(at).toLowerCase());

/**
 * Audits a benchmark from its annotations alone: what guessers get that know the texts of questions and options, and
 * nothing of the clips. Guessers that learn are held out by clip, and by source where clips lie in several folders.
 */
export const auditSamples = (samples: readonly BenchmarkSample[], seed: number): Audit => {
  const choices = choiceQuestions(samples);
  const questions = choices.filter((question) => !isLettersOnly(question));
  const sources = [...new Set(questions.map(sourceOf))].sort();
  const unpublished = samples.filter(({ answer }) => answer === null).length;
  const byClip = foldsByCluster(questions, seed);
  const guess = (name: string, how: string, credits: readonly number[]): Guesser =>
    guesserOf(name, how, questions, credits);
  const longest = questions.map(({ options, right }) =>
    creditOf(
      options.map((text) => text.length),
      right,
    ),
  );
  const letters: number[] = [];
  for (const { right } of choices) letters[right] = (letters[right] ?? 0) + 1;
  return {
    questions: samples.length,
    audited: questions.length,
    leftOut: {
      "without published answer": unpublished,
      "no choice": samples.length - unpublished - choices.length,
      "letters only": choices.length - questions.length,
    },
    clips: new Set(questions.map(({ cluster }) => cluster)).size,
    sources,
    chance:
      questions.length === 0
        ? null
        : questions.reduce((sum, { options }) => sum + 1 / options.length, 0) / questions.length,
    guessers:
      questions.length === 0
        ? []
        : [
            guess(
              "text prior, by clip",
              "option texts that were right elsewhere, five folds of clips",
              textPrior(questions, byClip),
            ),
            ...(sources.length > 1
              ? [
                  guess(
                    "text prior, by source",
                    "the same, leaving one source out",
                    textPrior(questions, sourceOf),
                  ),
                ]
              : []),
            guess("longest option", "the option with most characters", longest),
            guess(
              "majority letter",
              "the letter that is right most often, five folds of clips",
              majorityLetter(questions, byClip),
            ),
          ],
    letters: Array.from(letters, (right = 0, at) => ({ letter: optionLetter(at), right })),
    duplicates: duplicatesOf(samples),
  };
};
