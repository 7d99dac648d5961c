import { z } from "zod";
import { readCsvRows } from "../../core/csv.ts";
import { readJsonFile } from "../../core/files.ts";
import { questionText } from "../../dataset/question.ts";
import { findNumbers } from "../../grading/numbers.ts";
import { optionLetter } from "../../grading/options.ts";
import { annotatedSample, checkedAnnotation, splitLettered } from "../annotation.ts";
import { type BenchmarkPlugin, type BenchmarkSample, defineBenchmark } from "../benchmarks.ts";
import { optionLines } from "../prompt.ts";
import { rightInEveryOrder, rotationMetrics, swapOptions } from "../rotation.ts";

const columns = [
  "Category",
  "Subclass",
  "Index",
  "QuestionType",
  "AnswerType",
  "Question",
  "Answer",
] as const;
const item = z.object(
  Object.fromEntries(columns.map((name) => [name, z.string()])) as Record<
    (typeof columns)[number],
    z.ZodString
  >,
);
type Item = z.output<typeof item>;

const MARK = /\(([a-z])\)\s*/g;

/** Letter, number or text that is compared, and what is odd about it. */
const referenceOf = (
  { AnswerType, Question, Answer, QuestionType }: Item,
  judged: boolean,
): Pick<BenchmarkSample, "answer" | "answerKind" | "options" | "irregular"> & {
  readonly stem: string;
} => {
  const split = splitLettered(Question, MARK);
  const odd =
    AnswerType === "open" || AnswerType === "closed"
      ? []
      : [`answer type ${JSON.stringify(AnswerType)} (taken as ${split === null ? "open" : "closed"})`];
  if (split === null || AnswerType === "open") {
    const numbers = findNumbers(Answer);
    const isCount = !judged && QuestionType === "TC" && numbers.length === 1;
    return {
      stem: Question,
      answer: isCount ? String(numbers[0]!.value) : Answer,
      answerKind: isCount ? "number" : "open",
      irregular: [
        ...odd,
        ...(AnswerType === "closed" ? ["closed, but without lettered options (taken as open)"] : []),
      ],
    };
  }
  const [, letter, bracketless] = /^\s*(?:\(([a-z])\)|([a-z]))\.?\s*$/.exec(Answer) ?? [];
  const at = (letter ?? bracketless ?? "").charCodeAt(0) - 97;
  const known = at >= 0 && at < split.options.length;
  return {
    stem: split.stem,
    answer: known ? optionLetter(at) : null,
    answerKind: "choice",
    options: split.options,
    irregular: [
      ...odd,
      ...(bracketless === undefined ? [] : ["the reference has no brackets (read all the same)"]),
      ...(known ? [] : ["the reference is none of the options (not scored)"]),
    ],
  };
};

/**
 * Moment-Video from its JSON or CSV file. Its closed questions are officially asked once for every place of the right option
 * (`permutations`; left out: once) and its open ones judged by a language model (`judged`, with the scorer
 * `moment-video`; left out: counts are compared as numbers, other open ones as text). Questions are named `animal/amphibians/1`, further trials
 * `animal/amphibians/1~2` by the place of the right option.
 */
const plugin: BenchmarkPlugin = defineBenchmark({
  summary: "Moment-Video, questions on momentary events; open ones compared as numbers or text",
  source: "VisionXLab/Moment-Video@47fddcc",
  params: z.strictObject({
    permutations: z
      .boolean()
      .default(false)
      .describe(
        "ask closed questions with the right option in every place; only right in all of them counts",
      ),
    judged: z
      .boolean()
      .default(false)
      .describe("open answers are right when the scorer moment-video says so, counts among them"),
  }),
  create: ({ permutations, judged }) => ({
    ...(judged ? { judgedBy: { scorer: "moment-video", part: "consistent" } } : {}),
    officialRule: "moment-video",
    metrics: permutations
      ? [rightInEveryOrder, ...rotationMetrics, "accuracy"]
      : ["accuracy", "macro-accuracy"],
    prompt: (sample) => ({
      text:
        sample.options === undefined
          ? questionText(sample)
          : `${questionText(sample)}\n${optionLines(sample, (letter, text) => `(${letter.toLowerCase()}) ${text}`)}\nReply with only one option label in parentheses, such as (a). Do not output any explanation.`,
    }),
    samples: async (path) => {
      const items: readonly Item[] = path.endsWith(".csv")
        ? readCsvRows(path, columns).map(({ fields, where }) =>
            checkedAnnotation(item, fields, where, columns.join(",")),
          )
        : checkedAnnotation(z.array(item), readJsonFile(path), path, `a list of {${columns.join(", ")}}`);
      const samples = items.map((one) => {
        const { stem, ...reference } = referenceOf(one, judged);
        const id = `${one.Category}/${one.Subclass}/${one.Index}`;
        return annotatedSample("moment-video", {
          id,
          video: `${id}.mp4`,
          question: stem,
          skill: one.QuestionType,
          ...reference,
        });
      });
      return permutations ? swapOptions(samples) : samples;
    },
  }),
});
export default plugin;
