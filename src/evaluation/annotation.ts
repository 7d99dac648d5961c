import type { z } from "zod";
import { DataFormatError } from "../core/errors.ts";
import { explainZod } from "../core/registry.ts";
import type { AnswerKind } from "../grading/grade-answer.ts";
import { optionLetter } from "../grading/options.ts";
import type { BenchmarkSample } from "./benchmarks.ts";

/** A value of an annotation file as its schema sees it. @throws {DataFormatError} naming the place and what is wrong */
export const checkedAnnotation = <Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
  where: string,
  expected: string,
): z.output<Schema> => {
  const parsed = schema.safeParse(value);
  if (!parsed.success)
    throw new DataFormatError("not an annotation of this benchmark", {
      where,
      expected,
      got: explainZod(parsed.error),
    });
  return parsed.data;
};

/** What an adapter says of one question. */
export interface Annotated {
  readonly id: string;
  /** The clip's name; also what is shown. */
  readonly video: string;
  readonly question: string;
  readonly answer: string | null;
  readonly answerKind: AnswerKind;
  readonly options?: readonly string[];
  readonly skill?: string;
  readonly split?: string;
  readonly cluster?: string;
  readonly irregular?: readonly string[];
}

/** The sample of a question that shows one clip. */
export const annotatedSample = (
  source: string,
  { id, video, question, irregular = [], ...rest }: Annotated,
): BenchmarkSample => ({
  id,
  clip: { file: video },
  messages: [
    {
      role: "user",
      content: [
        { type: "video", video },
        { type: "text", text: question },
      ],
    },
  ],
  ...rest,
  ...(irregular.length === 0 ? {} : { irregular }),
  provenance: { source },
});

/** Letters for options whose texts a file does not have. */
export const lettersOnly = (count: number): string[] =>
  Array.from({ length: count }, (_, at) => optionLetter(at));

/** The letter of an option that an answer numbers from 0; what is no such number stays as it is. */
export const letterOfNumber = (answer: unknown, options: number): unknown => {
  const isNumber = typeof answer === "number" || (typeof answer === "string" && /^\d+$/.test(answer.trim()));
  const at = isNumber ? Number(answer) : -1;
  return Number.isInteger(at) && at >= 0 && at < options ? optionLetter(at) : answer;
};

/** What {@link lettersOnly} is called where questions are counted. */
export const WITHOUT_TEXTS = "no texts of the options in this file, letters only";

/** Stem and options of a text with lettered options. */
export interface LetteredQuestion {
  readonly stem: string;
  readonly options: readonly string[];
}

/**
 * Splits a text at the marks of its options.
 *
 * @param mark global; its first group is the letter, in either case
 * @returns null when no marks run from A to at least B up to the end
 */
export const splitLettered = (text: string, mark: RegExp): LetteredQuestion | null => {
  const marks = [...text.matchAll(mark)];
  const start = marks.findLastIndex((one, i) => {
    const rest = marks.slice(i);
    return one[1]!.toUpperCase() === "A" && rest.every((m, at) => m[1]!.toUpperCase() === optionLetter(at));
  });
  const run = start < 0 ? [] : marks.slice(start);
  if (run.length < 2) return null;
  return {
    stem: text.slice(0, run[0]!.index).trim(),
    options: run.map((one, i) =>
      text.slice(one.index + one[0].length, run[i + 1]?.index ?? text.length).trim(),
    ),
  };
};

/** Lines "A. ..." or "A) ...". */
export const LETTERED_LINES: RegExp = /^[ \t]*([A-Z])[.)][ \t]*/gm;
