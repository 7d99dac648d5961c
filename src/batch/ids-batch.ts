import { ShapeError } from "../core/errors.ts";
import { type Grid, patchesOf } from "../frames/grid.ts";
import type { ModelConfig } from "../model/config.ts";
import type { VisionShape } from "../model/family.ts";
import type { LanguageShape } from "../model/language-shape.ts";
import { causalMask, ropeTables } from "../model/qwen2_5_vl/batch.ts";
import { planVision } from "../model/vision-tower.ts";

/** Token ids as a processor gives them, with the pixels of their visuals. B rows of T columns. */
export interface TokenIdsBatch {
  readonly rows: number;
  readonly columns: number;
  readonly ids_BT: ArrayLike<number>;
  /** 1 for a token, 0 for padding. */
  readonly mask_BT: ArrayLike<number>;
  /** [3, B, T] */
  readonly positions_3BT: ArrayLike<number>;
  readonly images?: VisualPatches | undefined;
  readonly videos?: VisualPatches | undefined;
}

/** Patches [P, channels * temporal * patch^2] in processor order, one visual behind the other. */
export interface VisualPatches {
  readonly grids: readonly Grid[];
  readonly patches: Float32Array;
}

/** Which positions are scored and tapped; both as rows of [B * T]. */
export interface WantedRows {
  /** Rows whose next token is scored, and the ids that they are scored on. */
  readonly scoredRows: readonly number[];
  readonly targets: readonly number[];
  readonly taps?: readonly { readonly block: number; readonly rows: readonly number[] }[];
}

/** A batch for the engine (the same fields as its `ModelBatch`). */
export interface PlannedBatch {
  readonly language: LanguageShape;
  readonly vision: VisionShape | undefined;
  readonly feeds: Readonly<Record<string, Float32Array | BigInt64Array>>;
}

const bigints = (values: Iterable<number>): BigInt64Array => BigInt64Array.from(values, BigInt);

/** Feeds of the vision tower under the names that it declares. */
export const visionFeeds = (
  grids: readonly Grid[],
  pixels: Float32Array,
  config: ModelConfig,
): { shape: VisionShape; feeds: Record<string, Float32Array | BigInt64Array> } => {
  const { shape, feeds } = planVision(grids, config);
  return { shape, feeds: { ...feeds, "vision.pixels": pixels } };
};

/** Where every row comes from: words, then visual tokens (images first), a row of zeros, then padding. */
const rowSources = (batch: TokenIdsBatch, config: ModelConfig, words: number): BigInt64Array => {
  const { image, video, pad } = config.tokens;
  const merge = config.vision.spatialMergeSize;
  const tokens = (visual: VisualPatches | undefined): number =>
    (visual?.grids ?? []).reduce((total, grid) => total + patchesOf(grid, merge) / merge ** 2, 0);
  const source = new BigInt64Array(batch.rows * batch.columns);
  const [imageTokens, videoTokens] = [tokens(batch.images), tokens(batch.videos)];
  let [word, nextImage, nextVideo, padding] = [0, 0, 0, 0];
  for (let at = 0; at < source.length; at++) {
    const id = batch.ids_BT[at]!;
    if (id === image) source[at] = BigInt(words + nextImage++);
    else if (id === video) source[at] = BigInt(words + imageTokens + nextVideo++);
    else if (id === pad) source[at] = BigInt(words + imageTokens + videoTokens + 1 + padding++);
    else source[at] = BigInt(word++);
  }
  if (nextImage !== imageTokens || nextVideo !== videoTokens)
    throw new ShapeError("visual tokens of a batch", {
      expected: `${nextImage} of images and ${nextVideo} of videos, as the ids say`,
      got: `${imageTokens} and ${videoTokens} from the grids`,
    });
  return source;
};

/** True for a row of [B * T] that stands before the first used position of its sample, so that it sees nothing. */
const isBlind = (used: readonly (readonly boolean[])[], row: number): boolean => {
  const columns = used[0]!.length;
  return !used[Math.floor(row / columns)]!.slice(0, (row % columns) + 1).includes(true);
};

/** Plans token ids with their visuals: causal attention, padding hidden. @throws {ShapeError} when ids and grids disagree */
export const idsBatch = (batch: TokenIdsBatch, config: ModelConfig, wanted: WantedRows): PlannedBatch => {
  const { rows, columns } = batch;
  const { image, video, pad } = config.tokens;
  const ids = Array.from(batch.ids_BT);
  const words = ids.filter((id) => id !== image && id !== video && id !== pad);
  const padding = pad === undefined ? [] : ids.filter((id) => id === pad);
  const used = Array.from({ length: rows }, (_, b) =>
    Array.from({ length: columns }, (_, t) => batch.mask_BT[b * columns + t] !== 0),
  );
  const visuals = [batch.images, batch.videos].filter((visual) => visual !== undefined);
  const grids = visuals.flatMap((visual) => visual.grids);
  const pixels = new Float32Array(visuals.reduce((total, visual) => total + visual.patches.length, 0));
  let at = 0;
  for (const { patches } of visuals) {
    pixels.set(patches, at);
    at += patches.length;
  }
  const vision = grids.length === 0 ? undefined : visionFeeds(grids, pixels, config);
  const taps = wanted.taps ?? [];
  const read = [...wanted.scoredRows, ...taps.flatMap((tap) => tap.rows)];
  const feeds: Record<string, Float32Array | BigInt64Array> = {
    ...vision?.feeds,
    ...ropeTables(batch.positions_3BT, config.text),
    ids: bigints(words),
    "ids.padding": bigints(padding),
    source: rowSources(batch, config, words.length),
    mask: causalMask(used, columns),
    "scored.rows": bigints(wanted.scoredRows),
    "scored.targets": bigints(wanted.targets),
  };
  for (const tap of taps) feeds[`tap.${tap.block}`] = bigints(tap.rows);
  return {
    language: {
      samples: rows,
      length: columns,
      mainLength: columns,
      words: words.length,
      visualTokens: vision?.shape.units ?? 0,
      scored: wanted.scoredRows.length,
      taps: taps.map(({ block, rows: tapped }) => ({ block, rows: tapped.length })),
      padding: padding.length,
      dropped: 0,
      ...(read.some((row) => isBlind(used, row)) ? { readsBlind: true } : {}),
    },
    vision: vision?.shape,
    feeds,
  };
};
