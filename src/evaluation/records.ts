import { DataFormatError } from "../core/errors.ts";
import { readJsonRows } from "../core/files.ts";
import type { MadeBy } from "../core/registry.ts";
import type { AnswerKind } from "../grading/grade-answer.ts";
import type { ExternalScore } from "./external-scores.ts";
import type { OptionTurn } from "./rotation.ts";
import type { QuestionScore } from "./statistics/paired.ts";
import type { Answer, AnswerUsage, Decoding } from "./subject.ts";

/** Version of the record's format. */
export const RECORD_SCHEMA = "videoperceiver/record@2";

/**
 * What became of a question: read and right or wrong, text that could not be read, no text, never answered, failed on
 * the way, refused by whoever was asked, or without a published answer. The last kind is never scored; every other one that is not "right" is wrong.
 */
export type Outcome = "right" | "wrong" | "unread" | "empty" | "missing" | "failed" | "refused" | "unscored";

/** Everything about one answer to one question: one JSON line. All statistics are made from these. */
export interface EvaluationRecord {
  readonly schema: typeof RECORD_SCHEMA;
  readonly runId: string;
  readonly benchmark: string;
  /** What the benchmark was made with. */
  readonly benchmarkParams: Readonly<Record<string, unknown>>;
  /** Hash of the annotations. */
  readonly benchmarkVersion: string;
  /** Part of the benchmark; null: all of it. */
  readonly split: string | null;
  readonly questionId: string;
  /** The clip, or what it was cut from: the cluster of all statistics. */
  readonly videoId: string;
  /** The clip's file, relative to where its run says that clips lie; left out where nothing was shown. */
  readonly clipFile?: string;
  readonly skill: string;
  /** What results are broken down by besides; left out where the benchmark has none. */
  readonly groups?: Readonly<Record<string, string>>;
  readonly answerKind: AnswerKind;
  readonly subject: string;
  readonly subjectRecipe: MadeBy | null;
  readonly decoding: Decoding | null;
  readonly intervention: MadeBy;
  /** Which repetition of a random intervention, from 0. */
  readonly draw: number;
  readonly framePolicy: MadeBy;
  /** Source frames at the positions, and their times. */
  readonly frameIndices: readonly number[];
  readonly frameTimesSeconds: readonly number[];
  /** Source frame shown at each position; null: blank. Of `shownVideoId` when that is set. */
  readonly shownFrames: readonly (number | null)[];
  readonly shownVideoId: string | null;
  /** Positions whose picture a twin's builder changed (mask); left out where none was. */
  readonly painted?: { readonly by: MadeBy; readonly positions: readonly number[] };
  /** Positions that were not given; left out where all were. */
  readonly droppedPositions?: readonly number[];
  /** Position whose time was told for each position; left out where it was its own. */
  readonly toldPositions?: readonly number[];
  readonly prompt: string;
  readonly options: readonly string[] | null;
  /** Which question this is with its options turned; left out where they stood as the annotation has them. */
  readonly rotation?: OptionTurn;
  readonly rawOutput: string;
  readonly finishReason: Answer["finishReason"];
  readonly error: string | null;
  /** Null where nothing could be read; so are the fields below where no answer is published. */
  readonly parsedAnswer: string | null;
  readonly parseRule: string;
  readonly gold: string | null;
  readonly outcome: Outcome;
  readonly correct: boolean;
  readonly scoreStrict: number;
  /** By the benchmark's own rule, where there is one. */
  readonly parsedOfficial: string | null;
  readonly correctOfficial: boolean | null;
  readonly scoreOfficial: number | null;
  readonly latencyMilliseconds: number | null;
  readonly attempts: number;
  /** What the answer took, and how likely each option was; left out where the subject does not say. */
  readonly usage?: AnswerUsage;
  readonly optionProbabilities?: readonly number[];
  /** What scorers outside of this program said, by their names; left out where none was asked. */
  readonly external?: Readonly<Record<string, ExternalScore>>;
}

/** What made something, as a person writes it: `NAME` or `NAME:key=value,...`. */
export const recipeText = ({ name, params }: MadeBy): string => {
  const values = Object.entries(params).map(([key, value]) => `${key}=${String(value)}`);
  return values.length === 0 ? name : `${name}:${values.join(",")}`;
};

/** The records that count: those whose answer is published. */
export const scoredRecords = (records: readonly EvaluationRecord[]): EvaluationRecord[] =>
  records.filter(({ outcome }) => outcome !== "unscored");

/** The outcomes of records for paired statistics: 1 right, 0 wrong or failed. */
export const correctness = (records: readonly EvaluationRecord[]): QuestionScore[] =>
  records.map(({ questionId, videoId, correct }) => ({
    questionId,
    cluster: videoId,
    score: correct ? 1 : 0,
  }));

/**
 * Whether open answers of these records are right or wrong: where none is right, only metrics compare them with their
 * references, as in captions.
 */
export const gradesOpenAnswers = (records: readonly EvaluationRecord[]): boolean =>
  records.some(({ answerKind, correct }) => answerKind === "open" && correct);

/** One record as one line, without the line end. */
export const writeRecord = (record: EvaluationRecord): string => JSON.stringify(record);

/** Records of a JSON-lines file. @throws {DataFormatError} naming the line and what is missing */
export async function* readRecords(file: string): AsyncGenerator<EvaluationRecord> {
  for await (const { value, where } of readJsonRows(file)) {
    const record = value as Partial<EvaluationRecord> | null;
    if (record === null || typeof record !== "object" || record.schema !== RECORD_SCHEMA)
      throw new DataFormatError("not an evaluation record", {
        where,
        expected: `schema "${RECORD_SCHEMA}"`,
        got: JSON.stringify((record as { schema?: unknown } | null)?.schema ?? null),
      });
    for (const field of ["questionId", "videoId", "subject", "skill", "rawOutput", "outcome"] as const)
      if (typeof record[field] !== "string")
        throw new DataFormatError("evaluation record lacks a field", {
          where,
          expected: field,
        });
    yield record as EvaluationRecord;
  }
}
