import { ShapeError } from "../core/errors.ts";
import type { Grid } from "../frames/grid.ts";
import type { BatchRules } from "./batch-rules.ts";
import { MediaSteps, mediaStep } from "./media-step.ts";
import { paddingSegment, type Tap, type TokenBatch, wordSource } from "./token-batch.ts";

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

/** Normalised patches [P, channels * temporal * patch^2] in processor order, one visual behind the other. */
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

/** Name of the one group of rows that such a batch taps at a block. */
export const tappedGroup = "rows";

/** Visual tokens of visuals in order, each by its place among the tokens of all distinct steps. */
class VisualTokens {
  readonly media: MediaSteps = new MediaSteps();
  readonly #mergeSize: number;
  /** First visual token of each distinct step. */
  readonly #starts: number[] = [0];

  constructor({ mergeSize }: BatchRules) {
    this.#mergeSize = mergeSize;
  }

  add({ grids, patches }: VisualPatches): number[] {
    const total = grids.reduce((sum, [steps, rows, columns]) => sum + steps * rows * columns, 0);
    const width = patches.length / Math.max(1, total);
    const tokens: number[] = [];
    let at = 0;
    for (const [steps, rows, columns] of grids)
      for (let step = 0; step < steps; step++) {
        const end = at + rows * columns * width;
        const place = this.media.add(mediaStep(patches.subarray(at, end), rows, columns));
        const count = (rows * columns) / this.#mergeSize ** 2;
        this.#starts[place + 1] ??= this.#starts[place]! + count;
        for (let unit = 0; unit < count; unit++) tokens.push(this.#starts[place]! + unit);
        at = end;
      }
    return tokens;
  }
}

/** Where every row comes from: its word, or the next visual token of an image or a video. */
const rowSources = (
  { ids_BT }: TokenIdsBatch,
  images: readonly number[],
  videos: readonly number[],
  { tokens }: BatchRules,
): Int32Array => {
  let [image, video] = [0, 0];
  const source = Int32Array.from(ids_BT, (id) => {
    if (id === tokens.image) return images[image++] ?? 0;
    if (id === tokens.video) return videos[video++] ?? 0;
    return wordSource;
  });
  if (image !== images.length || video !== videos.length)
    throw new ShapeError("visual tokens of a batch", {
      expected: `${image} of images and ${video} of videos, as the ids say`,
      got: `${images.length} and ${videos.length} from the grids`,
    });
  return source;
};

/** A batch of token ids with their visuals: causal attention, padding hidden. @throws {ShapeError} when ids and grids disagree */
export const idsBatch = (batch: TokenIdsBatch, rules: BatchRules, wanted: WantedRows): TokenBatch => {
  const { rows, columns, images, videos } = batch;
  const visuals = new VisualTokens(rules);
  const imageTokens = images === undefined ? [] : visuals.add(images);
  const videoTokens = videos === undefined ? [] : visuals.add(videos);
  const taps = (wanted.taps ?? []).map(
    ({ block, rows: tapped }): Tap => ({
      block,
      groups: [{ name: tappedGroup, rows: Int32Array.from(tapped) }],
    }),
  );
  return {
    samples: rows,
    length: columns,
    ids: Int32Array.from(batch.ids_BT),
    positions: Int32Array.from(batch.positions_3BT),
    segments: Int32Array.from({ length: rows * columns }, (_, at) =>
      batch.mask_BT[at] === 0 ? paddingSegment : Math.floor(at / columns),
    ),
    parents: new Int32Array(rows).fill(-1),
    endBlocks: new Int32Array(rows),
    media: visuals.media.steps,
    source: rowSources(batch, imageTokens, videoTokens, rules),
    scale: undefined,
    scored: { rows: Int32Array.from(wanted.scoredRows), targets: Int32Array.from(wanted.targets) },
    taps,
    sizes: "exact",
  };
};
