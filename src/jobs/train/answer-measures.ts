import type { Sample } from "../../dataset/sample.ts";
import { rouge } from "../../evaluation/overlap/rouge.ts";
import { type AnswerKind, gradeAnswer } from "../../grading/grade-answer.ts";

/** Versions of a clip that are asked about: itself, its absent twin, as many other frames removed. */
export const askedVersions = ["clip", "absent", "control"] as const;
/** One of {@link askedVersions}. */
export type AskedVersion = (typeof askedVersions)[number];

/** An answer and what it is worth. */
export interface GradedText {
  readonly text: string;
  /** What is measured of it, each in [0, 1]: `accuracy` of a closed question, `exact` and `rougeL` of an open one. */
  readonly measures: Readonly<Record<string, number>>;
  /** Grade of the answer in [0, 1], as evaluation gives it. */
  readonly grade: number;
}

/** The answers to one question; a version that there is not is left out. */
export type AnswersOfQuestion = { readonly clip: GradedText } & {
  readonly [Version in AskedVersion]?: GradedText;
};

const measured = (kind: AnswerKind, reference: string, text: string, correct: boolean) =>
  kind === "open"
    ? { exact: correct ? 1 : 0, rougeL: rouge("L", reference, text).f1 }
    : { accuracy: correct ? 1 : 0 };

/** Grades a text by the rules of evaluation. @throws {DataFormatError} when the reference is not of its kind */
export const gradedText = (
  { answer, answerKind, options }: Pick<Sample, "answer" | "answerKind" | "options">,
  text: string,
): GradedText => {
  const question = { answer, answerKind, completion: text, ...(options !== undefined && { options }) };
  const { correct, score, parsed } = gradeAnswer(question);
  return { text, grade: score, measures: measured(answerKind, answer, parsed ?? "", correct) };
};

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

/** Questions whose versions can be compared: with a twin and, where any of them has a control, with one. */
const compared = (questions: readonly AnswersOfQuestion[]): readonly AnswersOfQuestion[] => {
  const twins = questions.filter(({ absent }) => absent !== undefined);
  const controlled = twins.filter(({ control }) => control !== undefined);
  return controlled.length > 0 ? controlled : twins;
};

/**
 * What a look's answers say. `accuracy`, `exact` and `rougeL` are means over all questions of their kind with the clip;
 * `NAME/clip`, `NAME/absent` and `NAME/control` over the same questions, those that can be compared; `changed/absent` and
 * `changed/control` the shares of these whose answer is another one than with the clip.
 */
export const answerMeasures = (questions: readonly AnswersOfQuestion[]): Record<string, number> => {
  const found: Record<string, number> = {};
  const names = [...new Set(questions.flatMap(({ clip }) => Object.keys(clip.measures)))];
  for (const name of names) {
    const own = questions.filter(({ clip }) => clip.measures[name] !== undefined);
    found[name] = mean(own.map(({ clip }) => clip.measures[name]!));
    const pairs = compared(own);
    for (const version of askedVersions)
      if (pairs[0]?.[version] !== undefined)
        found[`${name}/${version}`] = mean(pairs.map((one) => one[version]!.measures[name]!));
  }
  const pairs = compared(questions);
  for (const version of ["absent", "control"] as const)
    if (pairs[0]?.[version] !== undefined)
      found[`changed/${version}`] = mean(pairs.map((one) => (one[version]!.text === one.clip.text ? 0 : 1)));
  return found;
};
