/**
 * Batches of conversations of any sizes. Groups are packed into rows: none sees another. A batch's rows are as long as
 * its longest group; shorter groups share a row, so that little is padding.
 */
import { ConfigError } from "../core/errors.ts";
import { BatchRows, type Triple } from "./batch-rows.ts";
import { type BatchRules, visualTokensOfStep } from "./batch-rules.ts";
import {
  type ConversationGroup,
  type ConversationPiece,
  contrastPieces,
  endOfPictures,
  mainPieces,
  seesPictures,
} from "./conversations.ts";
import { type MediaStep, MediaSteps } from "./media-step.ts";
import { packRows } from "./pack-rows.ts";
import { rounding, roundUp } from "./rounding.ts";
import { type GroupAtBlock, type SegmentGroupName, type SegmentOptions, segmentGroups } from "./segments.ts";
import { checkStates } from "./segments-sizes.ts";
import { blankSource, paddingSegment, type Tap, type TokenBatch, wordSource } from "./token-batch.ts";
import { dropoutScale } from "./visual-scale.ts";

/** What the batches of a step's conversations depend on. */
export interface ConversationOptions {
  /** Positions of a batch at most, padding included; a longer group has a batch of its own. */
  readonly mostPositions: number;
  /** States that are wanted; what a group is contrasted with is laid out as far as they need it. */
  readonly states?: readonly GroupAtBlock[];
  readonly view?: SegmentOptions["view"];
}

export interface ConversationBatch {
  readonly batch: TokenBatch;
  /** The first so many scored rows are learnt; rows behind them are padding. */
  readonly scored: number;
  /** Groups that show pictures, in the order of the rows of states. */
  readonly seeing: readonly number[];
  /** Positions that hold a token. */
  readonly used: number;
}

/** A group cut into pieces: what goes through all blocks, and what is only contrasted. */
interface CutGroup {
  readonly index: number;
  readonly group: ConversationGroup;
  readonly main: readonly ConversationPiece[];
  readonly tail: readonly ConversationPiece[];
}

const sizeOf = (pieces: readonly ConversationPiece[]): number =>
  pieces.reduce((sum, { size }) => sum + size, 0);

/** Which groups of states stand behind the conversations: all but the complete clip's own, unless it has dropout too. */
const tailGroups = ({ states = [], view }: ConversationOptions): SegmentGroupName[] =>
  segmentGroups.filter(
    (name) => states.some(({ group }) => group === name) && (name !== "complete" || view?.both === true),
  );

/** Writes the pieces of groups into the rows of one batch. */
class Writer {
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
  readonly #rules: BatchRules;
  /** First visual token of each distinct step. */
  readonly #starts: number[] = [0];

  constructor(samples: number, length: number, rules: BatchRules) {
    this.rows = new BatchRows(samples, length);
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
  piece(piece: ConversationPiece, start: number, parent: Written | undefined, endBlock: number): Written {
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
}

/** Where a piece was written. */
interface Written {
  readonly segment: number;
  readonly start: number;
  readonly last: number;
}

/** One tap a block, groups in the order of {@link segmentGroups}. */
const tapsOf = (states: readonly GroupAtBlock[], ends: Writer["ends"]): Tap[] =>
  [...new Set(states.map(({ block }) => block))]
    .sort((a, b) => a - b)
    .map((block) => ({
      block,
      groups: segmentGroups
        .filter((name) => states.some((state) => state.block === block && state.group === name))
        .map((name) => ({ name, rows: Int32Array.from(ends[name]) })),
    }));

const padded = (values: readonly number[], size: number): Int32Array => {
  const result = new Int32Array(size);
  result.set(values);
  return result;
};

/** Row of the state that stands for a group's pictures, where its conversations are written. */
const completeRow = ({ group, main }: CutGroup, written: readonly Written[]): number => {
  const at = endOfPictures(group.texts[0]!);
  const piece = main.findIndex(({ from, size, parent }) => at < from + size || parent !== -1);
  return written[piece]!.start + at - main[piece]!.from;
};

const batchOf = (
  packed: readonly (readonly CutGroup[])[],
  rules: BatchRules,
  options: ConversationOptions,
): ConversationBatch => {
  const { states = [], view } = options;
  const mainLength = roundUp(
    Math.max(...packed.map((row) => sizeOf(row.flatMap(({ main }) => main)))),
    rounding.positions,
  );
  const tailLength = Math.max(...packed.map((row) => sizeOf(row.flatMap(({ tail }) => tail))));
  const length = mainLength + (tailLength === 0 ? 0 : roundUp(tailLength, rounding.positions));
  const writer = new Writer(packed.length, length, rules);
  const endBlock = Math.max(0, ...states.map(({ block }) => block));
  packed.forEach((row, sample) => {
    let [at, behind] = [sample * length, sample * length + mainLength];
    for (const cut of row) {
      const written: Written[] = [];
      for (const piece of cut.main) {
        written.push(writer.piece(piece, at, written[piece.parent], 0));
        at += piece.size;
      }
      if (cut.tail.length > 0 && view?.both !== true) writer.ends.complete.push(completeRow(cut, written));
      for (const piece of cut.tail) {
        writer.piece(piece, behind, undefined, endBlock);
        behind += piece.size;
      }
    }
  });
  const { rows, media, scoredRows, targets, viewRows, ends } = writer;
  if (states.length > 0 && ends.complete.length === 0)
    throw new ConfigError("nothing to contrast", {
      expected: "a clip that shows its pictures in every batch",
      got: "conversations without pictures only",
      hint: "more positions a batch, or fewer blind clips",
    });
  const count = roundUp(Math.max(1, scoredRows.length), rounding.scored);
  const batch: TokenBatch = {
    samples: packed.length,
    length,
    ids: rows.ids,
    positions: rows.positions,
    segments: rows.segments,
    parents: Int32Array.from(rows.parents),
    endBlocks: Int32Array.from(rows.endBlocks),
    media: media.steps,
    source: rows.source,
    scale:
      view === undefined || viewRows.length === 0
        ? undefined
        : dropoutScale(viewRows, rules.visualWidth, view),
    scored: { rows: padded(scoredRows, count), targets: padded(targets, count) },
    taps: tapsOf(states, ends),
    sizes: "rounded",
  };
  const used = rows.segments.reduce((sum, segment) => sum + (segment === paddingSegment ? 0 : 1), 0);
  return {
    batch,
    scored: scoredRows.length,
    seeing: packed.flatMap((row) => row.filter(({ group }) => seesPictures(group)).map(({ index }) => index)),
    used,
  };
};

/**
 * The batches of a step's conversations.
 *
 * @throws {ConfigError} for states of rows that there are not, or a batch without pictures that has nothing to contrast
 */
export const conversationBatches = (
  groups: readonly ConversationGroup[],
  rules: BatchRules,
  options: ConversationOptions,
): ConversationBatch[] => {
  const { states = [], view, mostPositions } = options;
  checkStates(states, view !== undefined);
  const wanted = tailGroups(options);
  const cut = groups.map((group, index): CutGroup => {
    const isContrasted = wanted.length > 0 && seesPictures(group);
    return { index, group, main: mainPieces(group), tail: isContrasted ? contrastPieces(group, wanted) : [] };
  });
  const packed = packRows(
    cut.map(({ main, tail }) => ({ main: sizeOf(main), whole: sizeOf(main) + sizeOf(tail) })),
    mostPositions,
  );
  return packed.map((rows) =>
    batchOf(
      rows.map((row) => row.map((at) => cut[at]!)),
      rules,
      options,
    ),
  );
};
