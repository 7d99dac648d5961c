import { referenceOption } from "../grading/grade-answer.ts";
import { optionLetter } from "../grading/options.ts";
import { WITHOUT_TEXTS } from "./annotation.ts";
import type { BenchmarkSample } from "./benchmarks.ts";
import type { NamedMetric } from "./metrics.ts";
import type { EvaluationRecord } from "./records.ts";

/** Which question a question with turned options is, and by how many places: its first option was the `by`-th, from 0. */
export interface OptionTurn {
  readonly of: string;
  readonly by: number;
  /** Where set, nothing was turned: the right option changed places from here, where it stood, to `by`. */
  readonly swapped?: number;
}

/** Options that speak of the other ones or of their order, which turning would make wrong. */
const positional =
  /\b(?:all|none|both|neither|any|either) of (?:the|these|those)\b|\b(?:the )?(?:above|below)\b|\b(?:both|neither) \(?[A-Z]\)?\b|\b[A-Z] (?:and|or|&) [A-Z]\b/;

const turned = <T>(list: readonly T[], by: number): T[] => [...list.slice(by), ...list.slice(0, by)];

/** Why a question's options cannot be turned; undefined: they can. */
const fixedBy = (
  sample: BenchmarkSample,
  promptOf: (sample: BenchmarkSample) => string,
): string | undefined => {
  const { options = [], answer, irregular } = sample;
  if (sample.answerKind !== "choice" || options.length < 2) return "no options";
  if (sample.rotation !== undefined) return "asked in several orders already";
  if (irregular?.includes(WITHOUT_TEXTS)) return "options without texts";
  if (options.some((option) => positional.test(option))) return "an option speaks of the other ones";
  if (new Set(options).size < options.length) return "two options are the same";
  const other = { ...sample, options: turned(options, 1) };
  if (promptOf(other) === promptOf(sample)) return "the options stand in the question's own text";
  return answer === null ? "no published answer" : undefined;
};

/** What turning made of questions. */
export interface RotatedQuestions {
  readonly samples: readonly BenchmarkSample[];
  /** Questions that are asked as they are, by why. */
  readonly fixed: readonly { readonly what: string; readonly ids: readonly string[] }[];
}

/**
 * Every choice question as often as it has options, each time with its options turned one place further and its answer's
 * letter with them; the first is the question as it stands. What cannot be turned stays, and is named.
 *
 * @param promptOf what the subject is asked: where turning changes nothing of it, nothing is turned
 * @source circular evaluation of MMBench (arXiv 2307.06281); the shares reported here are ours
 */
export const rotateOptions = (
  samples: readonly BenchmarkSample[],
  promptOf: (sample: BenchmarkSample) => string,
): RotatedQuestions => {
  const fixed: { what: string; id: string }[] = [];
  const asked = samples.flatMap((sample): BenchmarkSample[] => {
    const what = fixedBy(sample, promptOf);
    if (what !== undefined) {
      fixed.push({ what, id: sample.id });
      return [sample];
    }
    const options = sample.options!;
    const right = referenceOption(sample.answer!, options);
    return options.map((_, by) => ({
      ...sample,
      id: by === 0 ? sample.id : `${sample.id}~${by}`,
      options: turned(options, by),
      answer: optionLetter((right - by + options.length) % options.length),
      rotation: { of: sample.id, by },
    }));
  });
  const groups = Map.groupBy(fixed, ({ what }) => what);
  return {
    samples: asked,
    fixed: [...groups].map(([what, rows]) => ({
      what: `options not turned: ${what}`,
      ids: rows.map(({ id }) => id),
    })),
  };
};

/**
 * Every choice question as often as it has options, each time with its right option in another place and the option from
 * there in its place. Other questions, and those without a published answer, stay.
 *
 * @source VisionXLab/Moment-Video@47fddcc, permutation evaluation, as the design note on benchmarks describes it
 */
export const swapOptions = (samples: readonly BenchmarkSample[]): BenchmarkSample[] =>
  samples.flatMap((sample): BenchmarkSample[] => {
    const { id, answerKind, answer, options = [] } = sample;
    if (answerKind !== "choice" || answer === null || options.length < 2) return [sample];
    const right = referenceOption(answer, options);
    return options.map((other, by) => ({
      ...sample,
      id: by === right ? id : `${id}~${by}`,
      options: options.with(by, options[right]!).with(right, other),
      answer: optionLetter(by),
      rotation: { of: id, by, swapped: right },
    }));
  });

/** The option that was said, in the order of the question as it stands; null where none was read. */
const saidOption = ({ parsedAnswer, options, rotation }: EvaluationRecord): number | null => {
  if (parsedAnswer === null || options === null || !/^[A-Z]$/.test(parsedAnswer)) return null;
  const said = parsedAnswer.charCodeAt(0) - 65;
  const { by, swapped } = rotation!;
  if (swapped === undefined) return (said + by) % options.length;
  if (said === by) return swapped;
  return said === swapped ? by : said;
};

/** Share of questions, all their turns together; resampled clips count as often as they were drawn. */
const overTurns = (
  records: readonly EvaluationRecord[],
  holds: (turns: readonly EvaluationRecord[]) => boolean,
) => {
  const questions = Map.groupBy(records, ({ questionId, rotation, draw, subject }) =>
    JSON.stringify([rotation?.of ?? questionId, draw, subject]),
  );
  let [sum, weight] = [0, 0];
  for (const turns of questions.values()) {
    const times = turns.length / new Set(turns.map(({ rotation }) => rotation?.by)).size;
    weight += times;
    if (holds(turns)) sum += times;
  }
  return weight === 0 ? null : sum / weight;
};

const isTurned = ({ rotation }: EvaluationRecord): boolean => rotation !== undefined;
const allRight = (turns: readonly EvaluationRecord[]): boolean => turns.every(({ correct }) => correct);

/** What is reported of questions whose options were turned, beside the accuracy over all turns. */
export const rotationMetrics: readonly NamedMetric[] = [
  {
    name: "consistent",
    summary: "share of questions to which the same option was said wherever it stood",
    value: (records) =>
      overTurns(records.filter(isTurned), (turns) => {
        const said = new Set(turns.map(saidOption));
        return said.size === 1 && !said.has(null);
      }),
  },
  {
    name: "right-in-every-turn",
    summary: "share of questions that were answered rightly wherever the right option stood",
    value: (records) => overTurns(records.filter(isTurned), allRight),
  },
];

/** The share of all questions, those that were asked once among them. */
export const rightInEveryOrder: NamedMetric = {
  name: "right-in-every-order",
  summary: "share of questions, asked once or in several orders of their options, that were right each time",
  value: (records) => overTurns(records, allRight),
};
