/**
 * Batches for training and scoring: one visual prefix a clip, any number of texts behind it.
 *
 * Every text segment sees the clip and itself only, its positions restart behind the clip; so a caption and several
 * questions share one pass over the clip and no answer leaks into another question. What is only contrasted (the
 * absent twin, the second view under dropout, the keywords) stands in a tail that ends at the contrasted block.
 *
 * Legend: B clips, T positions, N = B T rows.
 */

import { ShapeError } from "../core/errors.ts";
import type { Random } from "../core/random.ts";
import type { ClipPatches } from "../frames/clip-patches.ts";
import type { Grid } from "../frames/grid.ts";
import { normalizePatches } from "../frames/patch-bytes.ts";
import type { ModelConfig } from "../model/config.ts";
import { ropeTables } from "../model/qwen2_5_vl/batch.ts";
import { type PlannedBatch, visionFeeds } from "./ids-batch.ts";
import { rounding, roundUp } from "./rounding.ts";
import type { ClipSegments, ScoredToken, SegmentOptions } from "./segments.ts";
import { layOutSegments, rowKind, type SegmentsLayout } from "./segments-layout.ts";

/** A planned batch, what its scored rows are, and what it weighs. */
export interface SegmentsBatch extends PlannedBatch {
  /** The first `scored.length` scored rows; rows behind them are padding. */
  readonly scored: readonly ScoredToken[];
  /** Positions of each clip's sequence in use, and the rotary position of what would follow its last text. */
  readonly ends: readonly { readonly length: number; readonly nextPosition: number }[];
}

const checkSizes = (clips: readonly ClipSegments[]): void => {
  const first = clips[0]!.clip;
  for (const { clip } of clips)
    if (
      clip.rows !== first.rows ||
      clip.columns !== first.columns ||
      clip.steps.length !== first.steps.length
    )
      throw new ShapeError("clips of one batch", {
        expected: `${first.steps.length} steps of ${first.rows} x ${first.columns} patches`,
        got: `${clip.steps.length} steps of ${clip.rows} x ${clip.columns}`,
      });
};

/** Shape and feeds of the vision tower on every step that is to be encoded. */
const encodeSteps = (
  encoded: readonly Uint8Array[],
  { rows, columns }: ClipPatches,
  config: ModelConfig,
): ReturnType<typeof visionFeeds> => {
  const count = roundUp(encoded.length, rounding.steps);
  const stepSize = encoded[0]!.length;
  const pixels = new Float32Array(count * stepSize);
  encoded.forEach((step, i) => {
    normalizePatches(step, stepSize / (rows * columns) / 3, pixels, i * stepSize);
  });
  return visionFeeds(new Array<Grid>(count).fill([1, rows, columns]), pixels, config);
};

/** Where every row comes from: words, then visual tokens, a row of zeros, then dropped visual tokens. */
const rowSources = (
  { rows }: SegmentsLayout,
  words: number,
  visualTokens: number,
  blind: boolean,
): BigInt64Array => {
  const zero = words + visualTokens;
  return BigInt64Array.from(rows.source, (from, row) => {
    const kind = rows.kind[row]!;
    if (kind === rowKind.word) return BigInt(from);
    if (kind === rowKind.nothing || blind) return BigInt(zero);
    return BigInt(kind === rowKind.visual ? words + from : zero + 1 + from);
  });
};

/** Position tables and mask of the first `kept` positions of every sample, for the blocks behind the tail. */
const mainFeeds = (
  { sizes: { samples, length, main: kept }, rows }: SegmentsLayout,
  config: ModelConfig,
): Record<string, Float32Array> => {
  const mask = new Float32Array(samples * kept * kept);
  for (let b = 0; b < samples; b++)
    for (let row = 0; row < kept; row++) {
      const from = (b * length + row) * length;
      mask.set(rows.mask.subarray(from, from + kept), (b * kept + row) * kept);
    }
  const positions = new Int32Array(3 * samples * kept);
  for (let row = 0; row < 3 * samples; row++)
    positions.set(rows.positions.subarray(row * length, row * length + kept), row * kept);
  const { cos, sin } = ropeTables(positions, config.text);
  return { "main.cos": cos, "main.sin": sin, "main.mask": mask };
};

const padded = (values: readonly number[], size: number): BigInt64Array => {
  const result = new BigInt64Array(size);
  values.forEach((value, i) => {
    result[i] = BigInt(value);
  });
  return result;
};

/** 0 with probability p, else 1 / (1 - p). */
const dropoutMask = (
  size: number,
  { dropout, random }: { dropout: number; random: Random },
): Float32Array => {
  const kept = 1 / (1 - dropout);
  return Float32Array.from({ length: size }, () => (random.next() < dropout ? 0 : kept));
};

/** Plans a batch. @throws {ShapeError} when clips of one batch have different sizes */
export const segmentsBatch = (
  clips: readonly ClipSegments[],
  config: ModelConfig,
  options: SegmentOptions,
): SegmentsBatch => {
  checkSizes(clips);
  const { contrast } = options;
  const blind = options.blind === true;
  const layout = layOutSegments(clips, config, options);
  const { sizes, rows, dropped, scored } = layout;
  const vision = blind ? undefined : encodeSteps(layout.encoded, clips[0]!.clip, config);
  const visualTokens = vision?.shape.units ?? 0;
  const words = roundUp(rows.words.length, rounding.words);
  const scoredCount =
    options.prefill === true ? scored.length : roundUp(Math.max(1, scored.length), rounding.scored);
  // Behind the last block there is nothing to save by leaving the tail.
  const tailEnds = contrast !== undefined && contrast.block < config.text.layers;
  const mainLength = contrast === undefined || tailEnds ? sizes.main : sizes.length;
  const scoredRows = scored.map(({ clip }, m) => clip * mainLength + layout.scoredAt[m]!);
  const feeds: Record<string, Float32Array | BigInt64Array> = {
    ...vision?.feeds,
    ...ropeTables(rows.positions, config.text),
    ids: padded(rows.words, words),
    source: rowSources(layout, words, visualTokens, blind),
    mask: rows.mask,
    "scored.rows": padded(scoredRows, scoredCount),
    "scored.targets": padded(layout.targets, scoredCount),
  };
  if (contrast !== undefined) {
    feeds[`tap.${contrast.block}`] = BigInt64Array.from(layout.endRows.flat(), BigInt);
    feeds["dropped.rows"] = BigInt64Array.from(dropped, BigInt);
    feeds["dropped.mask"] = dropoutMask(dropped.length * config.vision.outHiddenSize, contrast);
    if (tailEnds) Object.assign(feeds, mainFeeds(layout, config));
  }
  return {
    language: {
      samples: sizes.samples,
      length: sizes.length,
      mainLength,
      words,
      visualTokens,
      scored: scoredCount,
      taps: contrast === undefined ? [] : [{ block: contrast.block, rows: 4 * sizes.samples }],
      padding: 0,
      dropped: blind ? 0 : dropped.length,
    },
    vision: vision?.shape,
    feeds,
    scored,
    ends: layout.ends,
  };
};
