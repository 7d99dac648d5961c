/**
 * Batches of conversations of any sizes. Groups are packed into rows: none sees another. A batch's rows are as long as
 * its longest group; shorter groups share a row, so that little is padding.
 */
import { ConfigError } from "../core/errors.ts";
import type { BatchRules } from "./batch-rules.ts";
import { ConversationWriter, type WrittenPiece } from "./conversation-writer.ts";
import {
  type ConversationGroup,
  type ConversationPiece,
  contrastPieces,
  endOfPictures,
  mainPieces,
  seesPictures,
} from "./conversations.ts";
import { packRows } from "./pack-rows.ts";
import { rounding, roundUp } from "./rounding.ts";
import { type GroupAtBlock, type SegmentGroupName, type SegmentOptions, segmentGroups } from "./segments.ts";
import { paddingTarget } from "./segments-batch.ts";
import { checkStates } from "./segments-sizes.ts";
import { type DrawnUnder, paddingSegment, type Tap, type TokenBatch } from "./token-batch.ts";
import { dropoutScale } from "./visual-scale.ts";

/** What the batches of a step's conversations depend on. */
export interface ConversationOptions {
  /** Positions of a batch at most, padding included; a longer group has a batch of its own. */
  readonly mostPositions: number;
  /** States that are wanted; what a group is contrasted with is laid out as far as they need it. */
  readonly states?: readonly GroupAtBlock[];
  readonly view?: SegmentOptions["view"];
  /** The distribution that targets are scored under; left out: the model's own. */
  readonly drawn?: DrawnUnder;
}

/** Whose a scored row is. */
export interface ScoredText {
  readonly group: number;
  /** Which of the group's texts. */
  readonly text: number;
}

export interface ConversationBatch {
  readonly batch: TokenBatch;
  /** The first so many scored rows are learnt; rows behind them are padding. */
  readonly scored: number;
  /** [scored] The text that each learnt row is of; of a text's rows, the first token's comes first. */
  readonly scoredTexts: readonly ScoredText[];
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

/** One tap a block, groups in the order of {@link segmentGroups}. */
const tapsOf = (states: readonly GroupAtBlock[], ends: ConversationWriter["ends"]): Tap[] =>
  [...new Set(states.map(({ block }) => block))]
    .sort((a, b) => a - b)
    .map((block) => ({
      block,
      groups: segmentGroups
        .filter((name) => states.some((state) => state.block === block && state.group === name))
        .map((name) => ({ name, rows: Int32Array.from(ends[name]) })),
    }));

/** @param rest fills what is behind the values */
const padded = (values: readonly number[], size: number, rest: number): Int32Array => {
  const result = new Int32Array(size).fill(rest);
  result.set(values);
  return result;
};

/** Row of the state that stands for a group's pictures, where its conversations are written. */
const completeRow = ({ group, main }: CutGroup, written: readonly WrittenPiece[]): number => {
  const at = endOfPictures(group.texts[0]!);
  const piece = main.findIndex(({ from, size, parent }) => at < from + size || parent !== -1);
  return written[piece]!.start + at - main[piece]!.from;
};

const batchOf = (
  packed: readonly (readonly CutGroup[])[],
  rules: BatchRules,
  options: ConversationOptions,
): ConversationBatch => {
  const { states = [], view, drawn } = options;
  const mainLength = roundUp(
    Math.max(...packed.map((row) => sizeOf(row.flatMap(({ main }) => main)))),
    rounding.positions,
  );
  const tailLength = Math.max(...packed.map((row) => sizeOf(row.flatMap(({ tail }) => tail))));
  const length = mainLength + (tailLength === 0 ? 0 : roundUp(tailLength, rounding.positions));
  const writer = new ConversationWriter(packed.length, length, rules);
  const endBlock = Math.max(0, ...states.map(({ block }) => block));
  const scoredTexts: ScoredText[] = [];
  packed.forEach((row, sample) => {
    let [at, behind] = [sample * length, sample * length + mainLength];
    for (const cut of row) {
      const written: WrittenPiece[] = [];
      for (const piece of cut.main) {
        written.push(writer.piece(piece, at, written[piece.parent], 0));
        at += piece.size;
        while (scoredTexts.length < writer.scoredRows.length)
          scoredTexts.push({ group: cut.index, text: piece.text });
      }
      if (cut.tail.length > 0 && view?.both !== true) writer.ends.complete.push(completeRow(cut, written));
      for (const piece of cut.tail) {
        writer.piece(piece, behind, undefined, endBlock);
        behind += piece.size;
      }
    }
  });
  const { rows, scoredRows, targets, viewRows, ends } = writer;
  if (states.length > 0 && ends.complete.length === 0)
    throw new ConfigError("nothing to contrast", {
      expected: "a clip that shows its pictures in every batch",
      got: "conversations without pictures only",
      hint: "more positions a batch, or fewer blind clips",
    });
  const count = roundUp(Math.max(1, scoredRows.length), rounding.scored);
  const batch: TokenBatch = {
    ...writer.written(),
    scale:
      view === undefined || viewRows.length === 0
        ? undefined
        : dropoutScale(viewRows, rules.visualWidth, view),
    scored: {
      rows: padded(scoredRows, count, 0),
      targets: padded(targets, count, paddingTarget(drawn)),
      ...(drawn && { drawn }),
    },
    taps: tapsOf(states, ends),
  };
  const used = rows.segments.reduce((sum, segment) => sum + (segment === paddingSegment ? 0 : 1), 0);
  return {
    batch,
    scored: scoredRows.length,
    scoredTexts,
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
