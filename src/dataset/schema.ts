import { z } from "zod";
import { DataFormatError } from "../core/errors.ts";
import { explainZod } from "../core/registry.ts";
import type { FrameIndex, Seconds } from "../core/units.ts";
import { answerKinds } from "../grading/grade-answer.ts";
import type { TimedFrame, Timeline } from "../video/types.ts";
import type { ClipReference, Sample } from "./sample.ts";

/** Version of the format of `dataset.json` and of the rows. */
export const datasetSchemaName = "videoperceiver/dataset@1";

const sha256Schema = z.string().regex(/^[0-9a-f]{64}$/, "64 lower-case hexadecimal digits");
const frameSchema = z.int().min(0);

/** A timeline in a file: every frame, or, when all are equally long, how many and how fast. */
export type StoredTimeline =
  | { readonly count: number; readonly framesPerSecond: number }
  | readonly { readonly index: number; readonly timeSeconds: number }[];

const storedTimelineSchema: z.ZodType<StoredTimeline> = z.union([
  z.strictObject({ count: z.int().min(1), framesPerSecond: z.number().positive() }),
  z.array(z.strictObject({ index: frameSchema, timeSeconds: z.number().min(0) })).min(1),
]);

const partSchema = z.union([
  z.strictObject({ type: z.literal("text"), text: z.string() }),
  z.strictObject({
    type: z.literal("video"),
    video: z.string(),
    fps: z.number().positive().optional(),
    nframes: z.int().min(1).optional(),
    min_pixels: z.int().min(1).optional(),
    max_pixels: z.int().min(1).optional(),
    total_pixels: z.int().min(1).optional(),
    video_start: z.number().min(0).optional(),
    video_end: z.number().min(0).optional(),
  }),
  z.strictObject({
    type: z.literal("image"),
    image: z.string(),
    min_pixels: z.int().min(1).optional(),
    max_pixels: z.int().min(1).optional(),
  }),
]);

const clipSchema = z.strictObject({
  file: z.string().min(1),
  sha256: sha256Schema,
  timeline: storedTimelineSchema,
  durationSeconds: z.number().positive().optional(),
});

/** A row as it stands in `samples-*.jsonl`. */
const rowSchema = z.strictObject({
  id: z.string().min(1),
  clip: clipSchema,
  absent: z
    .strictObject({
      file: z.string().optional(),
      sha256: sha256Schema.optional(),
      keyFrames: z.array(frameSchema),
      replacements: z.array(z.strictObject({ index: frameSchema, from: frameSchema })),
      builder: z.strictObject({ name: z.string().min(1), params: z.record(z.string(), z.unknown()) }),
    })
    .optional(),
  frames: z
    .array(frameSchema)
    .min(1)
    .refine((all) => all.every((index, at) => at === 0 || index > all[at - 1]!), "indices in ascending order")
    .optional(),
  messages: z
    .array(
      z.strictObject({ role: z.enum(["system", "user", "assistant"]), content: z.array(partSchema).min(1) }),
    )
    .min(1),
  answer: z.string().min(1),
  answerKind: z.enum(answerKinds),
  rejected: z
    .strictObject({ answer: z.string().min(1).optional(), clip: clipSchema.optional() })
    .refine(({ answer, clip }) => answer !== undefined || clip !== undefined, "an answer or a clip")
    .optional(),
  options: z.array(z.string().min(1)).min(2).optional(),
  skill: z.string().optional(),
  split: z.string().min(1).optional(),
  keywords: z.array(z.string().min(1)).optional(),
  events: z
    .array(
      z
        .strictObject({ startSeconds: z.number().min(0), endSeconds: z.number(), what: z.string() })
        .refine((span) => span.endSeconds > span.startSeconds, "an event ends after it starts"),
    )
    .optional(),
  provenance: z.record(z.string(), z.unknown()),
});

const constantTimelines = new Map<string, Timeline>();

/** The frames behind a stored timeline; equal constant ones share one array. */
export const expandTimeline = (stored: StoredTimeline): Timeline => {
  if (!("count" in stored)) return stored as unknown as Timeline;
  const key = `${stored.count}/${stored.framesPerSecond}`;
  let timeline = constantTimelines.get(key);
  if (timeline === undefined) {
    timeline = Array.from(
      { length: stored.count },
      (_, index): TimedFrame => ({
        index: index as FrameIndex,
        timeSeconds: (index / stored.framesPerSecond) as Seconds,
      }),
    );
    constantTimelines.set(key, timeline);
  }
  return timeline;
};

/** The shortest stored form that {@link expandTimeline} turns back into exactly this timeline. */
export const storeTimeline = (timeline: Timeline): StoredTimeline => {
  const count = timeline.length;
  const last = timeline.at(-1);
  if (count > 1 && last !== undefined && last.timeSeconds > 0) {
    // A rate is a number that a person would name: try the nearest one with three decimals.
    const framesPerSecond = Math.round((1000 * (count - 1)) / last.timeSeconds) / 1000;
    if (timeline.every((frame, i) => frame.index === i && frame.timeSeconds === i / framesPerSecond))
      return { count, framesPerSecond };
  }
  return timeline.map(({ index, timeSeconds }) => ({ index, timeSeconds }));
};

/** Turns a parsed row into a sample. @throws {DataFormatError} naming `where` and the first wrong field */
export const sampleFromRow = (row: unknown, where: string): Sample => {
  const parsed = rowSchema.safeParse(row);
  if (!parsed.success) throw new DataFormatError("not a sample", { where, got: explainZod(parsed.error) });
  const { clip, rejected, ...rest } = parsed.data;
  const expanded = <Clip extends { timeline: StoredTimeline }>(one: Clip): object => ({
    ...one,
    timeline: expandTimeline(one.timeline),
  });
  const worse = rejected && { ...rejected, ...(rejected.clip && { clip: expanded(rejected.clip) }) };
  // Zod gives optional fields only where they stand, so exact optional types hold.
  return { ...rest, clip: expanded(clip), ...(worse && { rejected: worse }) } as unknown as Sample;
};

const storedClip = (clip: ClipReference): object => ({ ...clip, timeline: storeTimeline(clip.timeline) });

/** The line of a sample in `samples-*.jsonl`, without the line end. */
export const rowOfSample = (sample: Sample): string =>
  JSON.stringify({
    ...sample,
    clip: storedClip(sample.clip),
    ...(sample.rejected?.clip && {
      rejected: { ...sample.rejected, clip: storedClip(sample.rejected.clip) },
    }),
  });

/** The line of a row as one of the part `split`; for rows that were made before their part was known. */
export const rowInSplit = (row: string, split: string): string =>
  `${row.slice(0, -1)},"split":${JSON.stringify(split)}}`;

/** `rejected.jsonl`: something that did not become a sample, and why. */
export interface Rejection {
  readonly source: string;
  readonly ruleId: string;
  readonly reason: string;
}

/** What `dataset.json` says about its folder: counts, recipe, files and content hash. */
export interface DatasetDescription {
  readonly schema: typeof datasetSchemaName;
  readonly counts: { readonly samples: number; readonly clips: number; readonly rejected: number };
  /** Number of samples of each skill. */
  readonly skills: Readonly<Record<string, number>>;
  /** What made the data set, completely. */
  readonly recipe: { readonly name: string; readonly params: Readonly<Record<string, unknown>> };
  readonly files: readonly { readonly file: string; readonly sha256: string; readonly rows: number }[];
  /** SHA-256 over names and hashes of `files` and, through the rows, of every clip. */
  readonly contentHash: string;
}

/** Checks `dataset.json`. */
export const descriptionSchema: z.ZodType<DatasetDescription> = z.strictObject({
  schema: z.literal(datasetSchemaName),
  counts: z.strictObject({ samples: frameSchema, clips: frameSchema, rejected: frameSchema }),
  skills: z.record(z.string(), frameSchema),
  recipe: z.strictObject({ name: z.string(), params: z.record(z.string(), z.unknown()) }),
  files: z.array(z.strictObject({ file: z.string(), sha256: sha256Schema, rows: frameSchema })),
  contentHash: sha256Schema,
});
