/** From plain batches to what the graphs of the embedded engine are fed. Legend: B samples, T positions, N = B T rows. */
import type { MediaStep } from "../../../batch/media-step.ts";
import {
  paddingSegment,
  type ScoredRows,
  type Tap,
  type TokenBatch,
  tappedRows,
} from "../../../batch/token-batch.ts";
import { scaleFactors } from "../../../batch/visual-scale.ts";
import { ShapeError } from "../../../core/errors.ts";
import type { ModelConfig } from "../../../model/config.ts";
import { hiddenScore, ropeTables } from "../../../model/position-tables.ts";
import { checkFits } from "../../check-fits.ts";
import type { FeedArray } from "../../contract.ts";
import { signalShape } from "../../objective-signals.ts";
import { giveMedia, lowerMedia, type PixelMemory } from "./media.ts";
import type { ModelBatch } from "./model-batch.ts";
import { lowerRows } from "./rows.ts";
import { type TailCut, tailCut, tailSections, visibilityMask } from "./visibility.ts";

/** Position tables and mask of the first `kept` positions of every sample, for the blocks behind the tail. */
const mainFeeds = (
  { samples, length, positions }: TokenBatch,
  kept: number,
  mask: Float32Array,
  config: ModelConfig,
): Record<string, FeedArray> => {
  const main = new Float32Array(samples * kept * kept);
  for (let b = 0; b < samples; b++)
    for (let row = 0; row < kept; row++) {
      const from = (b * length + row) * length;
      main.set(mask.subarray(from, from + kept), (b * kept + row) * kept);
    }
  const own = new Int32Array(3 * samples * kept);
  for (let row = 0; row < 3 * samples; row++)
    own.set(positions.subarray(row * length, row * length + kept), row * kept);
  const { cos, sin } = ropeTables(own, config.text);
  return { "main.cos": cos, "main.sin": sin, "main.mask": main };
};

/** Row numbers where only the first `kept` of `length` positions go on. @throws {ShapeError} for a row that has ended */
const amongKept = (rows: Int32Array, length: number, kept: number, what: string): BigInt64Array =>
  BigInt64Array.from(rows, (row) => {
    const position = row % length;
    if (position >= kept)
      throw new ShapeError(what, { where: `row ${row}`, got: "a segment that has ended before" });
    return BigInt(Math.floor(row / length) * kept + position);
  });

const tapRows = (tap: Tap, { length }: TokenBatch, { mainLength, tailEnd }: TailCut): BigInt64Array => {
  const isAfter = tailEnd > 0 && tap.block > tailEnd;
  return amongKept(
    tappedRows(tap),
    length,
    isAfter ? mainLength : length,
    `rows tapped at block ${tap.block}`,
  );
};

/** [V] what is added to the scores of tokens; undefined when none is banned. */
const bannedScores = ({ drawn }: ScoredRows, vocabSize: number): Float32Array | undefined => {
  if (drawn === undefined || drawn.bannedTokens.length === 0) return undefined;
  const scores = new Float32Array(vocabSize);
  for (const token of drawn.bannedTokens) scores[token] = hiddenScore;
  return scores;
};

/**
 * Lowers a batch: rotary tables, masks, normalised pixels and row numbers.
 *
 * @param features gives a step's visual tokens where they need not be computed with the batch
 * @param memory where normalised pixels are written; left out: memory of the batch's own
 * @throws {ShapeError} when parts of the batch do not fit together or to the model
 */
export const lowerBatch = async (
  batch: TokenBatch,
  config: ModelConfig,
  features?: (step: MediaStep) => Promise<Float32Array>,
  memory?: PixelMemory,
): Promise<ModelBatch> => {
  checkFits(batch, config);
  const { samples, length, segments, scored, taps, scale, media, sizes } = batch;
  const { layers } = config.text;
  const { drawn } = scored;
  const isGiven = media.length > 0 && features !== undefined;
  const vision = media.length === 0 || isGiven ? undefined : await lowerMedia(media, config, sizes, memory);
  const given = isGiven ? await giveMedia(media, config, sizes, features) : undefined;
  const visualTokens = vision?.shape.units ?? given?.units ?? 0;
  const rows = lowerRows(batch, visualTokens, config.tokens.pad);
  const cut = tailCut(batch, layers);
  const mask = visibilityMask(batch);
  const feeds: Record<string, FeedArray> = {
    ...(vision ?? given)?.feeds,
    ...ropeTables(batch.positions, config.text),
    ids: rows.words,
    "ids.padding": rows.padding,
    source: rows.source,
    mask,
    "scored.rows": amongKept(scored.rows, length, cut.mainLength, "scored rows"),
    "scored.targets": BigInt64Array.from(scored.targets, BigInt),
  };
  const banned = bannedScores(scored, config.text.vocabSize);
  if (banned !== undefined) feeds["scored.banned"] = banned;
  for (const tap of taps) feeds[`tap.${tap.block}`] = tapRows(tap, batch, cut);
  if (scale !== undefined) {
    feeds["dropped.rows"] = rows.dropped;
    feeds["dropped.mask"] = scaleFactors(scale);
  }
  if (cut.tailEnd > 0) Object.assign(feeds, mainFeeds(batch, cut.mainLength, mask, config));
  const isBlind = (row: number): boolean => segments[row] === paddingSegment;
  const sections = tailSections(batch, cut);
  const readsBlind = scored.rows.some(isBlind) || taps.some((tap) => tappedRows(tap).some(isBlind));
  return {
    language: {
      samples,
      length,
      ...cut,
      words: rows.words.length,
      visualTokens,
      scored: scored.rows.length,
      ...(drawn === undefined
        ? {}
        : { drawn: { temperature: drawn.temperature, isBanning: banned !== undefined } }),
      taps: taps.map((tap) => ({ block: tap.block, rows: tappedRows(tap).length })),
      padding: rows.padding.length,
      dropped: rows.dropped.length,
      ...(readsBlind ? { readsBlind } : {}),
      ...(sections.length > 0 ? { sections } : {}),
    },
    vision: vision?.shape,
    feeds,
    signals: signalShape(batch),
  };
};
