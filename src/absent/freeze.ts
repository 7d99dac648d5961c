import type { Random } from "../core/random.ts";
import type { PositionReplacement } from "./builders.ts";

/**
 * The freeze-artefact control: the same operation on random other frames, for the complete side, so that a model cannot
 * tell the twins apart by frozen frames alone. Each run of declared frames is laid, at its length, on frames that are
 * neither declared nor key; all of it shows the frame before it. Longest runs first; a run that fits nowhere is left
 * out (compare lengths). Positions count sampled frames.
 *
 * @source ours (the paper has no such control)
 */
export const freezeControl = (
  count: number,
  keyFrames: readonly number[],
  declared: readonly PositionReplacement[],
  random: Random,
): PositionReplacement[] => {
  const taken = new Set([...keyFrames, ...declared.map(({ position }) => position)]);
  const result: PositionReplacement[] = [];
  for (const length of runLengths(declared).sort((a, b) => b - a)) {
    const starts: number[] = [];
    let free = 0;
    for (let position = 0; position < count; position++) {
      free = taken.has(position) ? 0 : free + 1;
      if (free > length) starts.push(position - length + 1);
    }
    if (starts.length === 0) continue;
    const start = random.pick(starts);
    for (let position = start; position < start + length; position++)
      result.push({ position, from: start - 1 });
    for (let position = start - 1; position <= start + length; position++) taken.add(position);
  }
  return result.sort((a, b) => a.position - b.position);
};

/** Lengths of the runs of consecutive positions that show one frame. */
const runLengths = (declared: readonly PositionReplacement[]): number[] => {
  const lengths: number[] = [];
  declared.forEach(({ position, from }, at) => {
    const before = declared[at - 1];
    if (before !== undefined && before.position === position - 1 && before.from === from)
      lengths[lengths.length - 1]!++;
    else lengths.push(1);
  });
  return lengths;
};
