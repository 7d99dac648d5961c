import { blankSource, paddingSegment, wordSource } from "./token-batch.ts";

/** Time, height, width. */
export type Triple = readonly [number, number, number];

/** Equal in all three parts: a text's position. */
export const everywhere = (position: number): Triple => [position, position, position];

/** Collects what stands in every row of a batch: token, source, positions and segment. Begins as padding. */
export class BatchRows {
  readonly length: number;
  /** [N] */
  readonly ids: Int32Array;
  readonly source: Int32Array;
  readonly segments: Int32Array;
  /** [3, N] */
  readonly positions: Int32Array;
  readonly parents: number[] = [];
  readonly endBlocks: number[] = [];
  readonly #count: number;

  constructor(samples: number, length: number) {
    this.length = length;
    this.#count = samples * length;
    this.ids = new Int32Array(this.#count);
    this.source = new Int32Array(this.#count).fill(blankSource);
    this.segments = new Int32Array(this.#count).fill(paddingSegment);
    this.positions = new Int32Array(3 * this.#count);
  }

  /** A new segment. @param endBlock the last block that needs it; 0: all */
  segment(parent: number, endBlock: number): number {
    this.parents.push(parent);
    return this.endBlocks.push(endBlock) - 1;
  }

  /** Puts a token into a row. @param source a visual token, or one of the constants */
  place(row: number, segment: number, token: number, position: Triple, source: number = wordSource): void {
    this.ids[row] = token;
    this.segments[row] = segment;
    this.source[row] = source;
    for (let axis = 0; axis < 3; axis++) this.positions[axis * this.#count + row] = position[axis]!;
  }
}
