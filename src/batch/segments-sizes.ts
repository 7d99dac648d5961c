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

/** What is only contrasted: which parts of it, where they start in a sample, and the last block that needs them. */
export interface Tail {
  readonly endBlock: number;
  readonly absent: number | undefined;
  readonly view: number | undefined;
  readonly keywords: number | undefined;
}

/** Sizes of a batch in positions. */
export interface SegmentsSizes {
  readonly samples: number;
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

/** Places of the parts of the tail behind `main` positions. */
const tailOf = (
  clips: readonly ClipSegments[],
  states: readonly GroupAtBlock[],
  prefix: number,
  main: number,
): { readonly tail: Tail | undefined; readonly length: number } => {
  const inTail = states.filter(({ group }) => group !== "complete");
  if (inTail.length === 0) return { tail: undefined, length: main };
  const keywords = Math.max(0, ...clips.map(({ contrast }) => contrast?.keywords.length ?? 0)) + 1;
  let end = main;
  const place = (group: SegmentGroupName, size: number): number | undefined => {
    if (!inTail.some((state) => state.group === group)) return undefined;
    end += size;
    return end - size;
  };
  const tail = {
    endBlock: Math.max(...inTail.map(({ block }) => block)),
    absent: place("absent", prefix),
    view: place("view", prefix),
    keywords: place("keywords", keywords),
  };
  return { tail, length: main + roundUp(end - main, rounding.positions) };
};

/**
 * Sizes of a batch of clips of one size.
 * @throws {ShapeError} when clips have different sizes
 * @throws {ConfigError} for states of rows that such a batch does not have
 */
export const segmentsSizes = (
  clips: readonly ClipSegments[],
  rules: BatchRules,
  { states = [], view }: SegmentOptions,
): SegmentsSizes => {
  checkEqualClips(clips);
  checkStates(states, view !== undefined);
  const { steps, rows, columns } = clips[0]!.clip;
  const perStep = visualTokensOfStep(rows, columns, rules);
  const prefix = steps.length * perStep + 3;
  const main = roundUp(prefix + Math.max(...clips.map(({ texts }) => textLength(texts))), rounding.positions);
  const { tail, length } = tailOf(clips, states, prefix, main);
  return { samples: clips.length, steps: steps.length, perStep, prefix, length, tail };
};
