import { paddingSegment, type TokenBatch } from "../../../batch/token-batch.ts";
import { longSections } from "../../../model/attention.ts";
import { hiddenScore } from "../../../model/position-tables.ts";

/** Consecutive positions of a sample that are of one segment. */
interface Run {
  readonly segment: number;
  readonly start: number;
  readonly end: number;
}

const runsOf = ({ length, segments }: TokenBatch, sample: number): Run[] => {
  const runs: Run[] = [];
  for (let start = 0; start < length; ) {
    const segment = segments[sample * length + start]!;
    let end = start + 1;
    while (end < length && segments[sample * length + end] === segment) end++;
    runs.push({ segment, start, end });
    start = end;
  }
  return runs;
};

/**
 * What rows see as a mask [B, 1, T, T]: 0 where a row sees a column, else {@link hiddenScore}. A row sees itself and
 * earlier rows of its own segment and of the segments that it continues; padding sees nothing.
 */
export const visibilityMask = (batch: TokenBatch): Float32Array => {
  const { samples, length, parents } = batch;
  const mask = new Float32Array(samples * length * length).fill(hiddenScore);
  for (let sample = 0; sample < samples; sample++) {
    const runs = runsOf(batch, sample);
    runs.forEach((run, index) => {
      if (run.segment === paddingSegment) return;
      const seen = new Set<number>();
      for (let segment = run.segment; segment !== -1; segment = parents[segment]!) seen.add(segment);
      const before = runs.slice(0, index).filter(({ segment }) => seen.has(segment));
      for (let row = run.start; row < run.end; row++) {
        const to = (sample * length + row) * length;
        for (const { start, end } of before) mask.fill(0, to + start, to + end);
        mask.fill(0, to + run.start, to + row + 1);
      }
    });
  }
  return mask;
};

/** What goes through all blocks, and what ends on the way. */
export interface TailCut {
  /** Positions of every sample that go through all blocks. */
  readonly mainLength: number;
  /** The last block of the others; 0: there are none. */
  readonly tailEnd: number;
}

/** The positions behind which nothing but ending segments stands, if these end before the last of `layers` blocks. */
export const tailCut = (batch: TokenBatch, layers: number): TailCut => {
  const { samples, length, segments, endBlocks } = batch;
  const whole = { mainLength: length, tailEnd: 0 };
  let [firstEnding, behindLasting, tailEnd] = [length, 0, 0];
  for (let row = 0; row < samples * length; row++) {
    const segment = segments[row]!;
    if (segment === paddingSegment) continue;
    const end = endBlocks[segment]!;
    if (end === 0) behindLasting = Math.max(behindLasting, (row % length) + 1);
    else {
      firstEnding = Math.min(firstEnding, row % length);
      tailEnd = Math.max(tailEnd, end);
    }
  }
  const isCut = firstEnding < length && firstEnding >= Math.max(1, behindLasting) && tailEnd < layers;
  return isCut ? { mainLength: firstEnding, tailEnd } : whole;
};

/**
 * Positions from `mainLength` on where in every sample a part begins that sees nothing before it and is not seen from
 * behind it: what is only contrasted. Cuts among the conversations themselves would be other ones in every batch, and
 * each needs a graph of its own.
 */
export const tailSections = (batch: TokenBatch, { mainLength, tailEnd }: TailCut): readonly number[] => {
  const { samples, length, segments, parents } = batch;
  if (tailEnd === 0) return [];
  /** Of each position in how many samples a family of segments stands on both sides of it. */
  const crossed = new Int32Array(length + 1);
  for (let sample = 0; sample < samples; sample++) {
    const span = new Map<number, [first: number, last: number]>();
    for (let t = 0; t < length; t++) {
      let root = segments[sample * length + t]!;
      if (root === paddingSegment) continue;
      while (parents[root]! !== -1) root = parents[root]!;
      span.set(root, [span.get(root)?.[0] ?? t, t]);
    }
    for (const [first, last] of span.values()) for (let t = first + 1; t <= last; t++) crossed[t]!++;
  }
  const tail = Array.from({ length: length - mainLength }, (_, i) => mainLength + i);
  // Not those in the padding, nor the keywords, whose number is another one in every batch.
  return longSections(
    tail.filter((t) => crossed[t] === 0),
    length,
  ).slice(1);
};
