import { z } from "zod";
import { ConfigError } from "../core/errors.ts";
import { explainZod, type MadeBy } from "../core/registry.ts";
import type { PeakOptions } from "../selection/peaks.ts";
import type { Timeline } from "../video/types.ts";
import type { SparsifiedRecord } from "./sparsify.ts";

/** A file by name (relative to the pair's folder) and content. */
export interface FileReference {
  readonly file: string;
  readonly sha256: string;
}

/** Frame `index` of the absent clip shows what frame `from` of the complete clip shows. */
export interface Replacement {
  readonly index: number;
  readonly from: number;
}

/** A complete clip and its key-information-absent twin, as `pair.json` stores it. No `absent` file: a virtual pair. */
export interface Pair {
  readonly schema: "videoperceiver/pair@1";
  readonly complete: FileReference;
  readonly absent?: FileReference;
  /** The sampled frames: all of the clip, or those of the rate that was asked for. */
  readonly timeline: Timeline;
  readonly keywords: readonly string[];
  readonly relevance: MadeBy & { readonly version: string };
  /** One score a scored frame; same length as `timeline`. */
  readonly scores: readonly number[];
  /** Frame indices of the clip, ascending. */
  readonly keyFrames: readonly number[];
  /**
   * Frame indices of the clip, ascending. A key frame of a sampled timeline stands for all frames until the next
   * sampled one, so more frames than `timeline` has may be declared. `from === index` where only pixels change (mask).
   */
  readonly replacements: readonly Replacement[];
  readonly builder: MadeBy;
  readonly seed: number;
  /** The text that the keywords came from. */
  readonly caption?: string;
  /** What extracted the keywords; absent when they were given. */
  readonly keywordSource?: MadeBy & { readonly version: string };
  /** How the key frames were read off the scores; empty: every strict local maximum. */
  readonly keyFrameRule?: PeakOptions;
  /** The file that both clips were made from, when `complete` was written anew. */
  readonly source?: FileReference;
  /** Frame indices of the clip, ascending: those to look at, where they were chosen with the pair. */
  readonly frames?: readonly number[];
  /** How they were chosen, and what was reached. */
  readonly sparsified?: SparsifiedRecord;
}

const index = z.number().int().nonnegative();
const recipe = z.object({ name: z.string(), params: z.record(z.string(), z.unknown()) });
const file = z.object({ file: z.string(), sha256: z.string().regex(/^[0-9a-f]{64}$/) });
const positive = z.number().nonnegative().optional();

const pairSchema = z.object({
  schema: z.literal("videoperceiver/pair@1"),
  complete: file,
  absent: file.optional(),
  timeline: z.array(z.object({ index, timeSeconds: z.number() })).min(1),
  keywords: z.array(z.string()),
  relevance: recipe.extend({ version: z.string() }),
  scores: z.array(z.number()),
  keyFrames: z.array(index),
  replacements: z.array(z.object({ index, from: index })),
  builder: recipe,
  seed: z.number().int(),
  caption: z.string().optional(),
  keywordSource: recipe.extend({ version: z.string() }).optional(),
  keyFrameRule: z
    .object({
      smoothingFrames: positive,
      prominence: positive,
      prominenceShare: positive,
      floor: z.number().optional(),
      topK: positive,
      topShare: positive,
    })
    .optional(),
  source: file.optional(),
  frames: z.array(index).min(1).optional(),
  sparsified: z
    .object({
      share: z.number(),
      keyShare: z.number(),
      keyFps: z.number(),
      otherFps: z.number(),
      reached: z.boolean(),
    })
    .optional(),
});

/**
 * The pair that a parsed `pair.json` holds. `where` names the file in the message.
 *
 * @throws {ConfigError} when a field is missing or wrong, lengths disagree, or indices are not ascending
 */
export const checkedPair = (value: unknown, where: string): Pair => {
  const parsed = pairSchema.safeParse(value);
  if (!parsed.success) throw new ConfigError("not a pair", { where, got: explainZod(parsed.error) });
  const pair = parsed.data;
  const wrong = (expected: string): never => {
    throw new ConfigError("not a pair", { where, expected });
  };
  if (pair.scores.length !== pair.timeline.length) wrong(`${pair.timeline.length} scores, one a frame`);
  const ascending = (values: readonly number[]): boolean =>
    values.every((v, i) => i === 0 || v > values[i - 1]!);
  if (!ascending(pair.timeline.map((frame) => frame.index))) wrong("a timeline of ascending indices");
  if (!ascending(pair.keyFrames)) wrong("ascending key frames");
  if (!ascending(pair.replacements.map((replacement) => replacement.index))) wrong("ascending replacements");
  if (!ascending(pair.frames ?? [])) wrong("ascending chosen frames");
  const known = new Set(pair.timeline.map((frame) => frame.index));
  if (!pair.keyFrames.every((key) => known.has(key))) wrong("key frames that the timeline has");
  return pair as unknown as Pair;
};
