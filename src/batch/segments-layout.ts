/**
 * Where the tokens of clips and their texts stand, what each sees and at which rotary position.
 *
 * A sample's sequence: the clip's prefix, its texts one behind the other, padding; with contrast then the tail: the
 * absent twin's prefix, the complete clip's once more under dropout, the keywords.
 *
 * Legend: B samples (clips), T positions of a sample, N = B T rows.
 */

import type { ClipPatches } from "../frames/clip-patches.ts";
import type { ModelConfig } from "../model/config.ts";
import { positionsOf } from "../model/positions.ts";
import { hiddenScore } from "../model/qwen2_5_vl/batch.ts";
import { rounding, roundUp } from "./rounding.ts";
import type { ClipSegments, ScoredToken, SegmentOptions, SegmentTokens, TextSegment } from "./segments.ts";

/** What stands in a row: nothing, a word, a visual token, a visual token under dropout. */
export const rowKind = { nothing: 0, word: 1, visual: 2, dropped: 3 } as const;

/** Sizes of a batch in positions. */
interface Sizes {
  readonly samples: number;
  /** Temporal steps of a clip, and visual tokens of a step. */
  readonly steps: number;
  readonly perStep: number;
  /** Start, visual tokens, end of the vision part, end of the segment. */
  readonly prefix: number;
  /** Prefix and texts, rounded up. */
  readonly main: number;
  /** T: main and tail. */
  readonly length: number;
}

/** Everything about a batch except its feeds. */
export interface SegmentsLayout {
  readonly sizes: Sizes;
  readonly rows: Rows;
  /** Vision steps to encode, each once: all clips' own, then those of twins that differ. */
  readonly encoded: readonly Uint8Array[];
  /** Visual tokens that appear again under dropout. */
  readonly dropped: readonly number[];
  readonly scored: readonly ScoredToken[];
  /** Position, in its sample, of the row that predicts each scored token; and the token. */
  readonly scoredAt: readonly number[];
  readonly targets: readonly number[];
  /** Rows of segment ends: complete clips, twins, second views, texts. */
  readonly endRows: readonly [number[], number[], number[], number[]];
  readonly ends: readonly { readonly length: number; readonly nextPosition: number }[];
}

/** Time, height, width. */
type Triple = readonly [number, number, number];

const everywhere = (position: number): Triple => [position, position, position];

/** A segment at its place in a sample: it sees itself causally, and positions [0, prefix). */
interface Placed {
  readonly start: number;
  readonly length: number;
  readonly prefix: number;
}

/** Collects words, sources, positions and visibility of every row. */
export class Rows {
  readonly words: number[] = [];
  /** [N] {@link rowKind}, and which one of its kind. */
  readonly kind: Uint8Array;
  readonly source: Int32Array;
  /** [3, N] */
  readonly positions: Int32Array;
  /** [B, 1, T, T] */
  readonly mask: Float32Array;
  readonly length: number;
  readonly #count: number;

  constructor(samples: number, length: number) {
    this.length = length;
    this.#count = samples * length;
    this.kind = new Uint8Array(this.#count).fill(rowKind.nothing);
    this.source = new Int32Array(this.#count);
    this.positions = new Int32Array(3 * this.#count);
    this.mask = new Float32Array(samples * length * length).fill(hiddenScore);
  }

  /** Puts a word at position `at` of a sample. */
  word(sample: number, at: number, token: number, position: Triple): void {
    this.place(sample, at, rowKind.word, this.words.push(token) - 1, position);
  }

  /** Puts the `source`-th of a kind at position `at` of a sample. */
  place(sample: number, at: number, kind: number, source: number, position: Triple): void {
    const row = sample * this.length + at;
    this.kind[row] = kind;
    this.source[row] = source;
    for (let axis = 0; axis < 3; axis++) this.positions[axis * this.#count + row] = position[axis]!;
  }

  /** Lets a segment see. */
  see(sample: number, { start, length, prefix }: Placed): void {
    for (let row = start; row < start + length; row++) {
      const to = (sample * this.length + row) * this.length;
      this.mask.fill(0, to, to + prefix);
      this.mask.fill(0, to + start, to + row + 1);
    }
  }
}

const sizesOf = (clips: readonly ClipSegments[], merge: number, contrasts: boolean): Sizes => {
  const { steps, rows, columns } = clips[0]!.clip;
  const perStep = (rows * columns) / merge ** 2;
  const prefix = steps.length * perStep + 3;
  const textLength = (texts: readonly TextSegment[]): number =>
    texts.reduce((total, text) => total + text.tokens.length, 0);
  const main = roundUp(prefix + Math.max(...clips.map(({ texts }) => textLength(texts))), rounding.positions);
  const keywords = Math.max(0, ...clips.map(({ contrast }) => contrast?.keywords.length ?? 0)) + 1;
  const tail = contrasts ? roundUp(2 * prefix + keywords, rounding.positions) : 0;
  return { samples: clips.length, steps: steps.length, perStep, prefix, main, length: main + tail };
};

/** Position triples of a clip's prefix, and where text goes on. */
const prefixPositions = (
  clip: ClipPatches,
  tokens: SegmentTokens,
  config: ModelConfig,
): { at: (index: number) => Triple; next: number } => {
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
  return { at, next: next_B[0]! };
};

/** A clip's prefix to be written: where, what its visual tokens are, which token ends it. */
interface Prefix {
  readonly start: number;
  readonly end: number;
  readonly kind: number;
  /** Which one of its kind stands at a unit of a step. */
  readonly source: (step: number, unit: number) => number;
}

/** Lays out a batch of clips of one size. */
export const layOutSegments = (
  clips: readonly ClipSegments[],
  config: ModelConfig,
  { tokens, contrast }: SegmentOptions,
): SegmentsLayout => {
  const sizes = sizesOf(clips, config.vision.spatialMergeSize, contrast !== undefined);
  const { samples, steps, perStep, prefix: prefixLength, main, length } = sizes;
  const rows = new Rows(samples, length);
  const encoded = clips.flatMap(({ clip }) => [...clip.steps]);
  const dropped: number[] = [];
  const scored: ScoredToken[] = [];
  const scoredAt: number[] = [];
  const targets: number[] = [];
  const endRows: SegmentsLayout["endRows"] = [[], [], [], []];
  const ends: { length: number; nextPosition: number }[] = [];
  const positions = clips.map(({ clip }) => prefixPositions(clip, tokens, config));

  const writePrefix = (sample: number, { start, end, kind, source }: Prefix): void => {
    const { at: positionAt, next } = positions[sample]!;
    rows.word(sample, start, tokens.visionStart, positionAt(0));
    for (let step = 0; step < steps; step++)
      for (let unit = 0; unit < perStep; unit++) {
        const at = 1 + step * perStep + unit;
        rows.place(sample, start + at, kind, source(step, unit), positionAt(at));
      }
    rows.word(sample, start + prefixLength - 2, tokens.visionEnd, positionAt(prefixLength - 2));
    rows.word(sample, start + prefixLength - 1, end, everywhere(next));
    rows.see(sample, { start, length: prefixLength, prefix: 0 });
  };

  const score = (clip: number, text: number, token: number, at: number, target: number): void => {
    scored.push({ clip, text, token });
    scoredAt.push(at);
    targets.push(target);
  };

  const writeTexts = (sample: number, texts: readonly TextSegment[]): void => {
    const first = positions[sample]!.next + 1;
    let start = prefixLength;
    texts.forEach((text, t) => {
      const count = text.tokens.length;
      text.tokens.forEach((token, i) => {
        rows.word(sample, start + i, token, everywhere(first + i));
        if (i >= text.scoredFrom && i > 0) score(sample, t, i, start + i - 1, token);
      });
      if (text.next === true) score(sample, t, count, start + count - 1, 0);
      rows.see(sample, { start, length: count, prefix: prefixLength });
      start += count;
    });
    ends.push({ length: start, nextPosition: first + (texts.at(-1)?.tokens.length ?? 0) });
  };

  const writeTail = (
    sample: number,
    against: ClipSegments["contrast"],
    own: (step: number, unit: number) => number,
  ): void => {
    const [twin, view, text] = [main, main + prefixLength, main + 2 * prefixLength];
    const places = new Map<number, number>();
    for (const [step, patches] of against?.absentSteps ?? []) places.set(step, encoded.push(patches) - 1);
    const ofTwin = (step: number, unit: number): number => {
      const place = places.get(step);
      return place === undefined ? own(step, unit) : place * perStep + unit;
    };
    writePrefix(sample, { start: twin, end: tokens.endAbsent, kind: rowKind.visual, source: ofTwin });
    const drop = (step: number, unit: number): number => dropped.push(own(step, unit)) - 1;
    writePrefix(sample, { start: view, end: tokens.endComplete, kind: rowKind.dropped, source: drop });
    const words = [...(against?.keywords ?? []), tokens.endText];
    words.forEach((token, i) => {
      rows.word(sample, text + i, token, everywhere(i));
    });
    rows.see(sample, { start: text, length: words.length, prefix: 0 });
    const lasts = [prefixLength, twin + prefixLength, view + prefixLength, text + words.length];
    lasts.forEach((end, group) => {
      endRows[group]!.push(sample * length + end - 1);
    });
  };

  clips.forEach(({ texts, blind, contrast: against }, sample) => {
    const own = (step: number, unit: number): number => (sample * steps + step) * perStep + unit;
    const kind = blind === true ? rowKind.nothing : rowKind.visual;
    writePrefix(sample, { start: 0, end: tokens.endComplete, kind, source: own });
    writeTexts(sample, texts);
    if (contrast !== undefined) writeTail(sample, against, own);
  });
  return { sizes, rows, encoded, dropped, scored, scoredAt, targets, endRows, ends };
};
