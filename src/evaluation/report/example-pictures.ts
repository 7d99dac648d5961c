import { join } from "node:path";
import sharp from "sharp";
import { absentBuilders, type PixelOperation } from "../../absent/builders.ts";
import type { Pair } from "../../absent/pair.ts";
import { shownPicture } from "../../absent/twin-view.ts";
import { DataFormatError } from "../../core/errors.ts";
import type { Sample } from "../../dataset/sample.ts";
import { pixelsOf } from "../../frames/frame-batch.ts";
import { type FrameSource, readFrames } from "../../frames/read-frames.ts";
import type { StripPicture } from "../../pages/strip.ts";
import type { EvaluationRecord } from "../records.ts";
import type { ExampleCandidate } from "./choose-examples.ts";
import type { ExampleAnswer, ExamplePair } from "./model.ts";
import type { StoredEvaluation } from "./read-evaluated-run.ts";

/** Pictures are at least so wide, small ones enlarged as they are, and about so large at most. */
const leastWidth = 84;
const mostPixels = 128 * 128;

/** Pictures as data URIs, with the places of source frames and of frames that a twin's builder painted. */
interface ExamplePictures {
  readonly images: readonly string[];
  readonly places: ReadonlyMap<number, number>;
  readonly painted: ReadonlyMap<number, number>;
}

/** What a twin's builder does to pictures; undefined: nothing. */
const operationOf = async ({ painted }: EvaluationRecord): Promise<PixelOperation | undefined> =>
  painted && (await absentBuilders.make(painted.by.name, painted.by.params)).value.pixels;

/** Data URIs of the source frames that a record shows or could show, some of them painted too. */
const picturesOf = async (
  source: FrameSource,
  file: string,
  records: readonly EvaluationRecord[],
  signal: AbortSignal,
): Promise<ExamplePictures> => {
  const shown = records.flatMap(({ frameIndices, shownFrames }) => [
    ...frameIndices,
    ...shownFrames.filter((frame) => frame !== null),
  ]);
  const indices = [...new Set(shown)].sort((a, b) => a - b);
  const size = { minPixels: 1, maxPixels: mostPixels };
  const frames = await readFrames(source, file, { select: { kind: "indices", indices }, size }, signal);
  const { width, height } = frames;
  const places = new Map(frames.frames.map(({ index }, position) => [index as number, position]));
  const pictures = frames.frames.map((_, position) => pixelsOf(frames, position));
  const painted = new Map<number, number>();
  for (const record of records) {
    const pixels = await operationOf(record);
    for (const t of record.painted?.positions ?? []) {
      const frame = record.shownFrames[t]!;
      const changed = shownPicture(
        { source: frame, pixels: pixels ?? null },
        pictures[places.get(frame)!]!,
        width,
        height,
      );
      painted.set(frame, pictures.push(changed) - 1);
    }
  }
  const images = await Promise.all(
    pictures.map(async (pixels) => {
      let picture = sharp(pixels, { raw: { width, height, channels: 3 } });
      if (width < leastWidth)
        picture = picture.resize(leastWidth, Math.round((leastWidth * height) / width), {
          kernel: "nearest",
        });
      const isSmall = width * height <= leastWidth ** 2;
      const bytes = await (isSmall ? picture.png() : picture.jpeg({ quality: 82 })).toBuffer();
      return `data:image/${isSmall ? "png" : "jpeg"};base64,${bytes.toString("base64")}`;
    }),
  );
  return { images, places, painted };
};

/** The pictures of one record: what stands at each of its positions. */
const stripOf = (
  record: EvaluationRecord,
  { places, painted }: ExamplePictures,
  keyFrames: ReadonlySet<number>,
  timeOf: (frame: number) => number,
): StripPicture[] =>
  record.frameIndices.map((frame, t) => {
    const shown = record.shownFrames[t] ?? frame;
    const isChanged = record.painted?.positions.includes(t) === true;
    return {
      image: (isChanged ? painted : places).get(shown) ?? 0,
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
  const pictures = await picturesOf(source, file, [complete, absent], signal);
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
    caption: rows.find(({ skill }) => skill === "dense-caption")?.answer ?? "",
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
