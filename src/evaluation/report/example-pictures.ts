import { join } from "node:path";
import type { Pair } from "../../absent/pair.ts";
import { DataFormatError } from "../../core/errors.ts";
import { captionSkills } from "../../dataset/question.ts";
import type { Sample } from "../../dataset/sample.ts";
import type { FrameSource } from "../../frames/read-frames.ts";
import type { StripPicture } from "../../pages/strip.ts";
import { type PagePictures, type RecordPictures, recordPictures } from "../record-pictures.ts";
import type { EvaluationRecord } from "../records.ts";
import type { ExampleCandidate } from "./choose-examples.ts";
import type { ExampleAnswer, ExamplePair } from "./model.ts";
import type { StoredEvaluation } from "./read-evaluated-run.ts";

const form: PagePictures = { mostPixels: 128 * 128, leastWidth: 84, quality: 82 };

/** The pictures of one record: what stands at each of its positions. */
const stripOf = (
  record: EvaluationRecord,
  pictures: RecordPictures,
  keyFrames: ReadonlySet<number>,
  timeOf: (frame: number) => number,
): StripPicture[] =>
  record.frameIndices.map((frame, t) => {
    const shown = record.shownFrames[t] ?? frame;
    const isChanged = record.painted?.positions.includes(t) === true;
    return {
      image: pictures.at(record, t) ?? 0,
      timeSeconds: record.frameTimesSeconds[t]!,
      isKey: keyFrames.has(frame),
      shownFromSeconds: shown === frame ? null : timeOf(shown),
      ...(isChanged && { isChanged }),
    };
  });

/** What every subject said to a question on the clip and on its twin. */
const answersTo = (records: readonly EvaluationRecord[], questionId: string): ExampleAnswer[] => {
  const own = records.filter((record) => record.questionId === questionId && record.draw === 0);
  const said = (subject: string, name: string): ExampleAnswer["complete"] | undefined => {
    const record = own.find((one) => one.subject === subject && one.intervention.name === name);
    return record && { text: record.rawOutput, correct: record.correct };
  };
  return [...new Set(own.map(({ subject }) => subject))].flatMap((subject) => {
    const [complete, absent] = [said(subject, "complete"), said(subject, "absent")];
    return complete === undefined || absent === undefined ? [] : [{ subject, complete, absent }];
  });
};

/** The scores of the pair that was found, where it scored exactly the frames that were shown. */
const scoresOf = (pair: Pair | undefined, { frameIndices }: EvaluationRecord): readonly number[] =>
  pair !== undefined &&
  pair.timeline.length === frameIndices.length &&
  pair.timeline.every(({ index }, t) => index === frameIndices[t])
    ? pair.scores
    : [];

/**
 * One example with its pictures.
 *
 * @throws {VideoError} when its clip cannot be read
 * @throws {DataFormatError} when the data set does not have its clip
 */
export const exampleOf = async (
  { kind, complete, absent }: ExampleCandidate,
  { data, askedClips, pairs, records }: StoredEvaluation,
  source: FrameSource,
  signal: AbortSignal,
): Promise<ExamplePair> => {
  const rows: readonly Sample[] = askedClips.get(complete.videoId) ?? [];
  const [sample] = rows;
  if (data === null || sample === undefined)
    throw new DataFormatError("the data set does not have the clip", {
      where: data ?? "no data set",
      got: complete.videoId,
    });
  const pair = pairs.get(complete.videoId);
  const file = join(data, sample.clip.file);
  const pictures = await recordPictures(source, file, [complete, absent], form, signal);
  const asked = rows.find(({ id }) => id === complete.questionId) ?? sample;
  const keyFrames = new Set(pair?.keyFrames ?? asked.absent?.keyFrames ?? []);
  const times = new Map(
    sample.clip.timeline.map(({ index, timeSeconds }) => [index as number, timeSeconds as number]),
  );
  const strip = (record: EvaluationRecord): StripPicture[] =>
    stripOf(record, pictures, keyFrames, (frame) => times.get(frame) ?? Number.NaN);
  return {
    id: complete.questionId,
    kind,
    caption: rows.find(({ skill }) => skill !== undefined && captionSkills.has(skill))?.answer ?? "",
    keywords: pair?.keywords ?? asked.keywords ?? [],
    question: complete.prompt,
    ...(complete.options === null ? {} : { options: complete.options }),
    answer: complete.gold ?? "",
    images: pictures.images,
    complete: strip(complete),
    absent: strip(absent),
    scores: scoresOf(pair, complete),
    relevance: pair === undefined ? "" : `${pair.relevance.name}, to the keywords; key frames are its peaks`,
    answers: answersTo(records, complete.questionId),
  };
};
