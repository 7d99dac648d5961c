/**
 * Batches for training and scoring: one visual prefix a clip, any number of texts behind it.
 *
 * Every text segment sees the clip and itself only, its positions restart behind the clip; so a caption and several
 * questions share one pass over the clip and no answer leaks into another question. What is only contrasted (the
 * absent twin, the second view under dropout, the keywords) ends at the last block that a loss reads it at.
 */
import type { BatchRules } from "./batch-rules.ts";
import { rounding, roundUp } from "./rounding.ts";
import {
  type ClipSegments,
  type GroupAtBlock,
  type ScoredToken,
  type SegmentOptions,
  segmentGroups,
} from "./segments.ts";
import { SegmentsLayout } from "./segments-layout.ts";
import type { DrawnUnder, Tap, TokenBatch } from "./token-batch.ts";
import { dropoutScale } from "./visual-scale.ts";

/** A batch of clips, and what its scored rows are. */
export interface SegmentsBatch {
  readonly batch: TokenBatch;
  /** The first `scored.length` scored rows; rows behind them are padding. */
  readonly scored: readonly ScoredToken[];
  /** Positions of each clip's sequence in use, and the position of what would follow its last text. */
  readonly ends: readonly { readonly length: number; readonly nextPosition: number }[];
}

/** One tap a block, groups in the order of {@link segmentGroups}. */
const tapsOf = (states: readonly GroupAtBlock[], { ends }: SegmentsLayout): Tap[] => {
  const blocks = [...new Set(states.map(({ block }) => block))].sort((a, b) => a - b);
  return blocks.map((block) => ({
    block,
    groups: segmentGroups
      .filter((name) => states.some((state) => state.block === block && state.group === name))
      .map((name) => ({ name, rows: Int32Array.from(ends[name]) })),
  }));
};

/** @param rest fills what is behind the values */
const padded = (values: readonly number[], size: number, rest: number): Int32Array => {
  const result = new Int32Array(size).fill(rest);
  result.set(values);
  return result;
};

/** A target for padding: one that can be drawn, so that its score is a number. */
export const paddingTarget = (drawn: DrawnUnder | undefined): number => {
  const banned = new Set(drawn?.bannedTokens);
  let token = 0;
  while (banned.has(token)) token++;
  return token;
};

/**
 * Makes a batch of clips of one size with their texts.
 * @throws {ShapeError} when clips have different sizes
 * @throws {ConfigError} for states of rows that such a batch does not have
 */
export const segmentsBatch = (
  clips: readonly ClipSegments[],
  rules: BatchRules,
  options: SegmentOptions,
): SegmentsBatch => {
  const layout = new SegmentsLayout(clips, rules, options);
  const { rows, sizes, scored, scoredRows, targets } = layout;
  const count =
    options.prefill === true ? scored.length : roundUp(Math.max(1, scored.length), rounding.scored);
  const { view } = options;
  const scale =
    view === undefined || layout.viewRows.length === 0
      ? undefined
      : dropoutScale(layout.viewRows, rules.visualWidth, view);
  const batch: TokenBatch = {
    samples: sizes.samples,
    length: sizes.length,
    ids: rows.ids,
    positions: rows.positions,
    segments: rows.segments,
    parents: Int32Array.from(rows.parents),
    endBlocks: Int32Array.from(rows.endBlocks),
    media: layout.media.steps,
    source: rows.source,
    scale,
    scored: {
      rows: padded(scoredRows, count, 0),
      targets: padded(targets, count, paddingTarget(options.drawn)),
      ...(options.drawn === undefined ? {} : { drawn: options.drawn }),
    },
    taps: tapsOf(options.states ?? [], layout),
    sizes: "rounded",
  };
  return { batch, scored, ends: layout.lengths };
};
