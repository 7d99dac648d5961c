import { z } from "zod";
import { readJsonFile } from "../core/files.ts";
import { questionText } from "../dataset/question.ts";
import { annotatedSample, checkedAnnotation } from "./annotation.ts";
import type { BenchmarkSample } from "./benchmarks.ts";

/** A sentence and when it happens, in seconds. */
export interface GroundedSentence {
  readonly id: string;
  readonly video: string;
  readonly sentence: string;
  readonly start: number;
  readonly end: number;
  /** Length of the video in seconds, where it is known. */
  readonly duration?: number;
}

const oddities = ({ start, end, duration }: GroundedSentence): string[] => [
  ...(end < start ? ["ends before it starts (turned round)"] : []),
  ...(end === start ? ["a stretch without length (nothing overlaps with it)"] : []),
  ...(duration !== undefined && Math.max(start, end) > duration + 0.5 ? ["ends after the video does"] : []),
];

/** What stands around the sentence in a question of ours. */
const [BEFORE, BEHIND] = ['When does this happen: "', '"? Give start and end in seconds.'];

/** The sentence of a question that {@link groundingSample} made. */
export const groundedSentence = (sample: Pick<BenchmarkSample, "messages">): string =>
  questionText(sample).slice(BEFORE.length, -BEHIND.length);

/** The question when a sentence happens. */
export const groundingSample = (source: string, sentence: GroundedSentence): BenchmarkSample => {
  const { id, video, start, end } = sentence;
  return annotatedSample(source, {
    id,
    video,
    question: `${BEFORE}${sentence.sentence.trim()}${BEHIND}`,
    answer: `${Math.min(start, end)} - ${Math.max(start, end)}`,
    answerKind: "span",
    irregular: oddities(sentence),
  });
};

/** Fields that every video has in the files of microsoft/2D-TAN, besides those of its length. */
const timed = z.object({
  timestamps: z.array(z.tuple([z.number(), z.number()])),
  sentences: z.array(z.string()),
});

/**
 * Samples of a file that has the sentences of each video with their times, as microsoft/2D-TAN writes it.
 *
 * @param lengthFields what a video's length is made of
 * @param lengthOf its name as a file, its length in seconds, and how many units of its times are a second
 * @throws {DataFormatError} when the file has another form
 */
export const samplesOfTimedFile = <Length extends z.ZodRawShape>(
  source: string,
  path: string,
  lengthFields: Length,
  lengthOf: (
    video: string,
    fields: z.output<z.ZodObject<Length>>,
  ) => { readonly file: string; readonly seconds: number; readonly unitsPerSecond: number },
): BenchmarkSample[] => {
  const fields = z.object(lengthFields);
  const names = [...Object.keys(lengthFields), "timestamps", "sentences"]
    .map((name) => `"${name}"`)
    .join(", ");
  const form = `an object {"<video>": {${names}}}`;
  const videos = checkedAnnotation(
    z.record(z.string(), z.intersection(timed, fields)),
    readJsonFile(path),
    path,
    form,
  );
  return Object.entries(videos).flatMap(([video, own]) => {
    const { file, seconds: duration, unitsPerSecond } = lengthOf(video, own);
    return own.timestamps.map(([start, end], at) =>
      groundingSample(source, {
        id: `${video}/${at}`,
        video: file,
        sentence: own.sentences[at] ?? "",
        start: start / unitsPerSecond,
        end: end / unitsPerSecond,
        duration,
      }),
    );
  });
};

/** What is reported of temporal grounding. */
export const groundingMetrics: readonly string[] = [
  "mean-iou",
  "recall-at-iou:0.3",
  "recall-at-iou:0.5",
  "recall-at-iou:0.7",
];
