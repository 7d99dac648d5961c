/**
 * Batches for training and scoring: one visual prefix a clip, any number of texts behind it.
 *
 * Every text segment sees the clip and itself only, its positions restart behind the clip; so a caption and several
 * questions share one pass over the clip and no answer leaks into another question. What is only contrasted (the
 * absent twin, the second view under dropout, the keywords) stands in a tail that ends at the contrasted block.
 *
 * Legend: B clips, T positions, N = B T rows.
 */
import { ShapeError } from "../../core/errors.ts";
import type { Random } from "../../core/random.ts";
import { hiddenScore, ropeTables } from "./batch.ts";
import type { Qwen25VLConfig } from "./config.ts";
import { type PlannedBatch, visionFeeds } from "./ids-batch.ts";
import { normalizePatches } from "./patch-bytes.ts";
import { positionsOf } from "./positions.ts";
import type { Grid } from "./windows.ts";

/** A clip as patches: one entry a temporal step (pairs of frames). */
export interface ClipPatches {
  /** Rows and columns of a step in patches. */
  readonly rows: number;
  readonly columns: number;
  /** Seconds between steps. */
  readonly secondsPerStep: number;
  /** Bytes of every step, in the order of `stepPatches`. */
  readonly steps: readonly Uint8Array[];
}

/** The tokens of one text behind a clip. */
export interface TextSegment {
  readonly tokens: readonly number[];
  /** Tokens from this index on are scored (as targets); `tokens.length`: none. */
  readonly scoredFrom: number;
  /** Score the token after the last one too: gives its logits; the target is token 0. */
  readonly next?: boolean;
}

/** One clip with its texts. */
export interface ClipSegments {
  readonly clip: ClipPatches;
  readonly texts: readonly TextSegment[];
  /** Its visual tokens are zeros, their places stay. */
  readonly blind?: boolean;
  /** What is contrasted with it: the steps of the absent twin that differ, and the keywords. */
  readonly contrast?: {
    readonly absentSteps: ReadonlyMap<number, Uint8Array>;
    readonly keywords: readonly number[];
  };
}

/** Special tokens that frame segments. */
export interface SegmentTokens {
  readonly visionStart: number;
  readonly visionEnd: number;
  readonly video: number;
  /** Ends the complete clip, the absent clip, the text. */
  readonly endComplete: number;
  readonly endAbsent: number;
  readonly endText: number;
}

/** Options of a batch. */
export interface SegmentOptions {
  readonly tokens: SegmentTokens;
  /** Contrast at the output of this block (1-based); every clip then needs `contrast`. */
  readonly contrast?:
    | { readonly block: number; readonly dropout: number; readonly random: Random }
    | undefined;
  /** Blind: visual tokens are zeros, their places stay. */
  readonly blind?: boolean;
  /** A prefill for generation: exactly one scored row a clip, nothing rounded up. */
  readonly prefill?: boolean;
}

/** Where a scored token belongs. */
export interface ScoredToken {
  readonly clip: number;
  readonly text: number;
  /** Index of the target in the text's tokens. */
  readonly token: number;
}

/** A planned batch, what its scored rows are, and what it weighs. */
export interface SegmentsBatch extends PlannedBatch {
  /** The first `scored.length` scored rows; rows behind them are padding. */
  readonly scored: readonly ScoredToken[];
  /** Positions of each clip's sequence in use, and the rotary position of what would follow its last text. */
  readonly ends: readonly { readonly length: number; readonly nextPosition: number }[];
}

/**
 * Sizes are rounded up, so that few different graphs are compiled (each keeps its own memory): to multiples of these, or
 * of an eighth to a quarter of the size where that is more.
 */
const rounding = { positions: 16, words: 64, scored: 64, steps: 8 } as const;
const roundUp = (value: number, least: number): number => {
  const step = Math.max(least, 2 ** (Math.floor(Math.log2(Math.max(1, value))) - 2));
  return Math.ceil(value / step) * step;
};

/** One segment at its place in a sample's sequence. */
interface Placed {
  /** First position and length. */
  readonly start: number;
  readonly length: number;
  /** It also sees positions [0, prefix). */
  readonly prefix: number;
}

/** Time, height, width. */
type Triple = readonly [number, number, number];

const rowKind = { nothing: 0, word: 1, visual: 2, dropped: 3 } as const;

/** Collects words, sources, positions and visibility of every row. */
class Rows {
  readonly words: number[] = [];
  /** What stands in a row, and which one of its kind. */
  readonly kind: Uint8Array;
  readonly source: Int32Array;
  readonly positions: Int32Array;
  readonly mask: Float32Array;
  readonly length: number;
  readonly #rows: number;

  constructor(samples: number, length: number) {
    this.length = length;
    this.#rows = samples * length;
    this.kind = new Uint8Array(this.#rows).fill(rowKind.nothing);
    this.source = new Int32Array(this.#rows);
    this.positions = new Int32Array(3 * this.#rows);
    this.mask = new Float32Array(samples * length * length).fill(hiddenScore);
  }

  word(sample: number, at: number, token: number, position: Triple): void {
    this.place(sample, at, rowKind.word, this.words.push(token) - 1, position);
  }

  place(sample: number, at: number, kind: number, source: number, position: Triple): void {
    const row = sample * this.length + at;
    this.kind[row] = kind;
    this.source[row] = source;
    for (let axis = 0; axis < 3; axis++) this.positions[axis * this.#rows + row] = position[axis]!;
  }

  see(sample: number, { start, length, prefix }: Placed): void {
    for (let row = start; row < start + length; row++) {
      const to = (sample * this.length + row) * this.length;
      this.mask.fill(0, to, to + prefix);
      this.mask.fill(0, to + start, to + row + 1);
    }
  }
}

/** Position triples of a clip's prefix, and where text goes on. */
const prefixPositions = (
  clip: ClipPatches,
  tokens: SegmentTokens,
  config: Qwen25VLConfig,
): { at: (index: number) => Triple; next: number; visualTokens: number } => {
  const merge = config.vision.spatialMergeSize;
  const visualTokens = (clip.steps.length * clip.rows * clip.columns) / merge ** 2;
  const ids = [tokens.visionStart, ...new Array<number>(visualTokens).fill(tokens.video), tokens.visionEnd];
  const { positions_3BT, next_B } = positionsOf(
    {
      rows: 1,
      columns: ids.length,
      inputIds_BT: ids,
      videoGrids: [[clip.steps.length, clip.rows, clip.columns]],
      secondsPerGrid: [clip.secondsPerStep],
    },
    config,
    "trained",
  );
  const at = (index: number): Triple => [
    positions_3BT[index]!,
    positions_3BT[ids.length + index]!,
    positions_3BT[2 * ids.length + index]!,
  ];
  return { at, next: next_B[0]!, visualTokens };
};

/** Rows and columns of the same layout without the tail: [B, 1, main, main]. */
const cutMask = (mask: Float32Array, samples: number, length: number, kept: number): Float32Array => {
  const cut = new Float32Array(samples * kept * kept);
  for (let b = 0; b < samples; b++)
    for (let row = 0; row < kept; row++) {
      const from = (b * length + row) * length;
      cut.set(mask.subarray(from, from + kept), (b * kept + row) * kept);
    }
  return cut;
};

const cutPositions = (positions: Int32Array, samples: number, length: number, kept: number): Int32Array => {
  const cut = new Int32Array(3 * samples * kept);
  for (let row = 0; row < 3 * samples; row++)
    cut.set(positions.subarray(row * length, row * length + kept), row * kept);
  return cut;
};

/** Plans a batch. @throws {ShapeError} when clips of one batch have different sizes */
export const segmentsBatch = (
  clips: readonly ClipSegments[],
  config: Qwen25VLConfig,
  options: SegmentOptions,
): SegmentsBatch => {
  const { tokens, contrast } = options;
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
  const samples = clips.length;
  const perStep = (first.rows * first.columns) / config.vision.spatialMergeSize ** 2;
  const prefixes = clips.map(({ clip }) => prefixPositions(clip, tokens, config));
  const prefixLength = first.steps.length * perStep + 3;
  const textLength = (texts: readonly TextSegment[]): number =>
    texts.reduce((total, text) => total + text.tokens.length, 0);
  const mainLength = roundUp(
    prefixLength + Math.max(...clips.map(({ texts }) => textLength(texts))),
    rounding.positions,
  );
  const keywordLength = Math.max(0, ...clips.map((clip) => clip.contrast?.keywords.length ?? 0)) + 1;
  const tail = contrast === undefined ? 0 : roundUp(2 * prefixLength + keywordLength, rounding.positions);
  const length = mainLength + tail;
  const rows = new Rows(samples, length);

  const encoded: Uint8Array[] = clips.flatMap(({ clip }) => [...clip.steps]);
  const droppedRows: number[] = [];
  const scored: ScoredToken[] = [];
  const scoredRows: number[] = [];
  const targets: number[] = [];
  const endRows: number[][] = [[], [], [], []];
  const ends: { length: number; nextPosition: number }[] = [];

  const writePrefix = (
    sample: number,
    start: number,
    end: number,
    visualOf: (step: number, unit: number) => number,
    kind: number = rowKind.visual,
  ): void => {
    const prefix = prefixes[sample]!;
    rows.word(sample, start, tokens.visionStart, prefix.at(0));
    for (let step = 0; step < first.steps.length; step++)
      for (let unit = 0; unit < perStep; unit++) {
        const at = 1 + step * perStep + unit;
        rows.place(sample, start + at, kind, visualOf(step, unit), prefix.at(at));
      }
    rows.word(sample, start + prefixLength - 2, tokens.visionEnd, prefix.at(prefixLength - 2));
    rows.word(sample, start + prefixLength - 1, end, [prefix.next, prefix.next, prefix.next]);
    rows.see(sample, { start, length: prefixLength, prefix: 0 });
  };

  clips.forEach(({ texts, blind, contrast: against }, sample) => {
    const firstVisual = sample * first.steps.length * perStep;
    const own = (step: number, unit: number): number => firstVisual + step * perStep + unit;
    writePrefix(sample, 0, tokens.endComplete, own, blind === true ? rowKind.nothing : rowKind.visual);
    const next = prefixes[sample]!.next + 1;
    let start = prefixLength;
    texts.forEach((text, textIndex) => {
      text.tokens.forEach((token, i) => {
        rows.word(sample, start + i, token, [next + i, next + i, next + i]);
        if (i >= text.scoredFrom && i > 0) {
          scored.push({ clip: sample, text: textIndex, token: i });
          scoredRows.push(sample * mainLength + start + i - 1);
          targets.push(token);
        }
      });
      if (text.next === true) {
        scored.push({ clip: sample, text: textIndex, token: text.tokens.length });
        scoredRows.push(sample * mainLength + start + text.tokens.length - 1);
        targets.push(0);
      }
      rows.see(sample, { start, length: text.tokens.length, prefix: prefixLength });
      start += text.tokens.length;
    });
    ends.push({ length: start, nextPosition: next + (texts.at(-1)?.tokens.length ?? 0) });
    if (contrast === undefined) return;
    const [twin, view, text] = [mainLength, mainLength + prefixLength, mainLength + 2 * prefixLength];
    const places = new Map<number, number>();
    for (const [step, patches] of against?.absentSteps ?? []) places.set(step, encoded.push(patches) - 1);
    writePrefix(sample, twin, tokens.endAbsent, (step, unit) => {
      const place = places.get(step);
      return place === undefined ? own(step, unit) : place * perStep + unit;
    });
    const drop = (step: number, unit: number): number => droppedRows.push(own(step, unit)) - 1;
    writePrefix(sample, view, tokens.endComplete, drop, rowKind.dropped);
    const words = against?.keywords ?? [];
    words.forEach((token, i) => {
      rows.word(sample, text + i, token, [i, i, i]);
    });
    rows.word(sample, text + words.length, tokens.endText, [words.length, words.length, words.length]);
    rows.see(sample, { start: text, length: words.length + 1, prefix: 0 });
    const row = sample * length;
    endRows[0]!.push(row + prefixLength - 1);
    endRows[1]!.push(row + twin + prefixLength - 1);
    endRows[2]!.push(row + view + prefixLength - 1);
    endRows[3]!.push(row + text + words.length);
  });

  const layers = config.text.layers;
  const wholeLength = contrast !== undefined && contrast.block >= layers ? length : mainLength;
  const scoredAt = (row: number): number => Math.floor(row / mainLength) * wholeLength + (row % mainLength);
  const stepCount = roundUp(encoded.length, rounding.steps);
  const patchesPerStep = first.rows * first.columns;
  const patchSize = first.steps[0]!.length / patchesPerStep;
  const pixels = new Float32Array(stepCount * patchesPerStep * patchSize);
  encoded.forEach((step, i) => {
    normalizePatches(step, patchSize / 3, pixels, i * patchesPerStep * patchSize);
  });
  const grids = new Array<Grid>(stepCount).fill([1, first.rows, first.columns]);
  const vision = options.blind === true ? undefined : visionFeeds(grids, pixels, config);
  const wordCount = roundUp(rows.words.length, rounding.words);
  const scoredCount =
    options.prefill === true ? scored.length : roundUp(Math.max(1, scored.length), rounding.scored);
  const units = vision?.shape.units ?? 0;
  const padTo = (values: readonly number[], size: number): BigInt64Array => {
    const padded = new BigInt64Array(size);
    values.forEach((value, i) => {
      padded[i] = BigInt(value);
    });
    return padded;
  };
  const zero = wordCount + units;
  const starts = { [rowKind.word]: 0, [rowKind.visual]: wordCount, [rowKind.dropped]: zero + 1 };
  const source = BigInt64Array.from(rows.source, (from, row) => {
    const kind = rows.kind[row]!;
    const shown = kind === rowKind.word || (kind !== rowKind.nothing && options.blind !== true);
    return BigInt(shown ? starts[kind as keyof typeof starts] + from : zero);
  });
  const feeds: Record<string, Float32Array | BigInt64Array> = {
    ...vision?.feeds,
    ...ropeTables(rows.positions, config.text),
    ids: padTo(rows.words, wordCount),
    source,
    mask: rows.mask,
    "scored.rows": padTo(scoredRows.map(scoredAt), scoredCount),
    "scored.targets": padTo(targets, scoredCount),
  };
  if (contrast !== undefined) {
    feeds[`tap.${contrast.block}`] = padTo(endRows.flat(), 4 * samples);
    feeds["dropped.rows"] = padTo(droppedRows, droppedRows.length);
    feeds["dropped.mask"] = dropoutMask(droppedRows.length * config.vision.outHiddenSize, contrast);
    if (wholeLength === mainLength) {
      const main = ropeTables(cutPositions(rows.positions, samples, length, mainLength), config.text);
      feeds["main.cos"] = main.cos;
      feeds["main.sin"] = main.sin;
      feeds["main.mask"] = cutMask(rows.mask, samples, length, mainLength);
    }
  }
  return {
    language: {
      samples,
      length,
      mainLength: wholeLength,
      words: wordCount,
      visualTokens: units,
      scored: scoredCount,
      taps: contrast === undefined ? [] : [{ block: contrast.block, rows: 4 * samples }],
      padding: 0,
      dropped: options.blind === true ? 0 : droppedRows.length,
    },
    vision: vision?.shape,
    feeds,
    scored,
    ends,
  };
};

/** 0 with probability p, else 1 / (1 - p). */
const dropoutMask = (
  size: number,
  { dropout, random }: { dropout: number; random: Random },
): Float32Array => {
  const kept = 1 / (1 - dropout);
  return Float32Array.from({ length: size }, () => (random.next() < dropout ? 0 : kept));
};
