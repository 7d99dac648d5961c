/** Writes conversations into the rows of a batch: tokens, who sees whom, and which visual tokens stand where. */
import { BatchRows, type Triple } from "./batch-rows.ts";
import { type BatchRules, visualTokensOfStep } from "./batch-rules.ts";
import type { ConversationPiece } from "./conversations.ts";
import { type MediaStep, MediaSteps } from "./media-step.ts";
import type { SegmentGroupName } from "./segments.ts";
import { blankSource, type TokenBatch, wordSource } from "./token-batch.ts";

/** Where a piece was written. */
export interface WrittenPiece {
  readonly segment: number;
  readonly start: number;
  readonly last: number;
}

/** Writes the pieces of groups into the rows of one batch. */
export class ConversationWriter {
  readonly rows: BatchRows;
  readonly media: MediaSteps = new MediaSteps();
  readonly scoredRows: number[] = [];
  readonly targets: number[] = [];
  readonly viewRows: number[] = [];
  readonly ends: Readonly<Record<SegmentGroupName, number[]>> = {
    complete: [],
    absent: [],
    view: [],
    keywords: [],
  };
  readonly #samples: number;
  readonly #rules: BatchRules;
  /** First visual token of each distinct step. */
  readonly #starts: number[] = [0];

  constructor(samples: number, length: number, rules: BatchRules) {
    this.rows = new BatchRows(samples, length);
    this.#samples = samples;
    this.#rules = rules;
  }

  /** The visual tokens of some steps, by their number among those of all distinct steps. */
  #tokensOf(media: readonly MediaStep[]): number[] {
    return media.flatMap((step) => {
      const place = this.media.add(step);
      const count = visualTokensOfStep(step.rows, step.columns, this.#rules);
      this.#starts[place + 1] ??= this.#starts[place]! + count;
      return Array.from({ length: count }, (_, unit) => this.#starts[place]! + unit);
    });
  }

  /** @returns the row behind it, and its segment */
  piece(
    piece: ConversationPiece,
    start: number,
    parent: WrittenPiece | undefined,
    endBlock: number,
  ): WrittenPiece {
    const { ids, positions, stride, from, size, spoken, places } = piece;
    const segment = this.rows.segment(parent?.segment ?? -1, endBlock);
    const tokens = places === undefined || piece.blind === true ? [] : this.#tokensOf(piece.media);
    for (let i = 0; i < size; i++) {
      const at = from + i;
      const triple: Triple = [positions[at]!, positions[stride + at]!, positions[2 * stride + at]!];
      const place = places?.[at] ?? -1;
      const shown = piece.blind === true ? blankSource : tokens[place]!;
      this.rows.place(start + i, segment, ids[at]!, triple, place < 0 ? wordSource : shown);
      if (piece.dropped === true && place >= 0) this.viewRows.push(start + i);
      const before = i > 0 ? start + i - 1 : parent?.last;
      if (spoken?.[at] !== 1 || before === undefined) continue;
      this.scoredRows.push(before);
      this.targets.push(ids[at]!);
    }
    if (piece.end !== undefined) this.ends[piece.end].push(start + size - 1);
    return { segment, start, last: start + size - 1 };
  }

  /** What stands in the rows, as a batch has it. */
  written(): Omit<TokenBatch, "scale" | "scored" | "taps"> {
    const { rows, media } = this;
    return {
      samples: this.#samples,
      length: rows.length,
      ids: rows.ids,
      positions: rows.positions,
      segments: rows.segments,
      parents: Int32Array.from(rows.parents),
      endBlocks: Int32Array.from(rows.endBlocks),
      media: media.steps,
      source: rows.source,
      sizes: "rounded",
    };
  }
}
