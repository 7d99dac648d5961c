import { ConfigError, ShapeError } from "../core/errors.ts";
import { type BatchRules, visualTokensOfStep } from "./batch-rules.ts";
import { rounding, roundUp } from "./rounding.ts";
import {
  type ClipSegments,
  type GroupAtBlock,
  type SegmentGroupName,
  type SegmentOptions,
  segmentGroups,
  type TextSegment,
} from "./segments.ts";

/** Where a part of the tail starts: in a clip's own sample (`turn` 0), or in the `turn`-th one behind all clips. */
export interface TailPlace {
  readonly turn: number;
  readonly start: number;
}

/** What is only contrasted: which parts of it, where they start, and the last block that needs them. */
export interface Tail {
  readonly endBlock: number;
  /** The complete clip under dropout, where both views have it. */
  readonly first: TailPlace | undefined;
  readonly absent: TailPlace | undefined;
  readonly view: TailPlace | undefined;
  readonly keywords: TailPlace | undefined;
}

/** Sizes of a batch in positions. */
export interface SegmentsSizes {
  readonly samples: number;
  readonly clips: number;
  /** Temporal steps of a clip, and visual tokens of a step. */
  readonly steps: number;
  readonly perStep: number;
  /** Start, visual tokens, end of the vision part, end of the segment. */
  readonly prefix: number;
  /** T: prefix, texts and tail. */
  readonly length: number;
  readonly tail: Tail | undefined;
}

const checkEqualClips = (clips: readonly ClipSegments[]): void => {
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
};

/** @throws {ConfigError} for states of rows that a batch of clips does not have */
export const checkStates = (states: readonly GroupAtBlock[], hasView: boolean): void => {
  for (const { block, group } of states) {
    if (!(segmentGroups as readonly string[]).includes(group))
      throw new ConfigError("states of unknown rows", {
        where: `block ${block}`,
        expected: `one of ${segmentGroups.join(", ")}`,
        got: group,
      });
    if (group === "view" && !hasView)
      throw new ConfigError("states of the second view without its dropout", { where: `block ${block}` });
  }
};

const textLength = (texts: readonly TextSegment[]): number =>
  texts.reduce((total, text) => total + text.tokens.length, 0);

/** Of a tail only the keywords' length changes from batch to batch, so it is rounded to the least multiple. */
const tailIsFixed = 8;

/** Places of the parts of the tail behind `main` positions, or in samples of their own. */
const tailOf = (
  clips: readonly ClipSegments[],
  { states = [], view, encoding }: SegmentOptions,
  prefix: number,
  main: number,
): { readonly tail: Tail | undefined; readonly length: number; readonly turns: number } => {
  const isInTail = (group: string): boolean => group !== "complete" || view?.both === true;
  const inTail = states.filter(({ group }) => isInTail(group));
  if (inTail.length === 0) return { tail: undefined, length: main, turns: 0 };
  const keywords = Math.max(0, ...clips.map(({ contrast }) => contrast?.keywords.length ?? 0)) + 1;
  const separate = encoding === "separate";
  let [end, turns, longest] = [main, 0, main];
  const place = (group: SegmentGroupName, size: number): TailPlace | undefined => {
    if (!inTail.some((state) => state.group === group)) return undefined;
    longest = Math.max(longest, size);
    if (separate) return { turn: ++turns, start: 0 };
    end += size;
    return { turn: 0, start: end - size };
  };
  const tail = {
    endBlock: Math.max(...inTail.map(({ block }) => block)),
    first: place("complete", prefix),
    absent: place("absent", prefix),
    view: place("view", prefix),
    keywords: place("keywords", keywords),
  };
  const length = separate
    ? roundUp(longest, rounding.positions, 1)
    : main + roundUp(end - main, rounding.positions, tailIsFixed);
  return { tail, length, turns };
};

/**
 * Sizes of a batch of clips of one size.
 * @throws {ShapeError} when clips have different sizes
 * @throws {ConfigError} for states of rows that such a batch does not have
 */
export const segmentsSizes = (
  clips: readonly ClipSegments[],
  rules: BatchRules,
  options: SegmentOptions,
): SegmentsSizes => {
  const { states = [], view, blind, leastLength = 0 } = options;
  checkEqualClips(clips);
  checkStates(states, view !== undefined);
  if (states.length > 0 && (blind === true || clips.every((one) => one.blind === true)))
    throw new ConfigError("nothing to contrast", {
      expected: "a clip that shows its pictures in every batch",
      got: "blind clips only",
      hint: "fewer blind clips, or fewer batches a step",
    });
  const { steps, rows, columns } = clips[0]!.clip;
  const perStep = visualTokensOfStep(rows, columns, rules);
  const prefix = steps.length * perStep + 3;
  const texts = Math.max(...clips.map((one) => textLength(one.texts)));
  const main = Math.max(leastLength, roundUp(prefix + texts, rounding.positions, 1));
  const { tail, length, turns } = tailOf(clips, options, prefix, main);
  const samples = clips.length * (1 + turns);
  return { samples, clips: clips.length, steps: steps.length, perStep, prefix, length, tail };
};
