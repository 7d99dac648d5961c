/**
 * Batches of some samples of a batch: what engines of many processes give to each. Legend: B samples, T positions, N = B T
 * rows, M scored rows, S segments.
 */
import type { MediaStep } from "./media-step.ts";
import {
  paddingSegment,
  type TapGroup,
  type TokenBatch,
  type VisualScale,
  wordSource,
} from "./token-batch.ts";

/** A batch whose patches need not be at hand. */
export interface NamedBatch extends Omit<TokenBatch, "media"> {
  readonly media: readonly Omit<MediaStep, "patches">[];
}

/** A part of a batch, and where its numbers stand among those of the whole. */
export interface BatchPart {
  readonly batch: NamedBatch;
  /** Place of each scored row among the whole batch's. */
  readonly scored: Int32Array;
  /** Places of tapped rows among those of the whole batch, by block. */
  readonly tapped: ReadonlyMap<number, Int32Array>;
}

/** Visual tokens of each step, counted through: the first one of each, and the number of all behind them. */
const stepStarts = ({ media }: NamedBatch, mergeSize: number): number[] => {
  const starts = [0];
  for (const { rows, columns } of media) starts.push(starts.at(-1)! + (rows * columns) / mergeSize ** 2);
  return starts;
};

/** Step that each visual token is of, whatever stands at rows without one. */
const stepsOfTokens = (starts: readonly number[], tokens: Int32Array): Int32Array => {
  const steps = new Int32Array(tokens.length);
  // Neighbours are mostly of one step.
  let step = 0;
  for (let row = 0; row < tokens.length; row++) {
    const token = tokens[row]!;
    if (token < 0) continue;
    if (token < starts[step]! || token >= starts[step + 1]!) {
      let [low, high] = [0, starts.length - 1];
      while (high - low > 1) {
        const middle = (low + high) >> 1;
        if (starts[middle]! <= token) low = middle;
        else high = middle;
      }
      step = low;
    }
    steps[row] = step;
  }
  return steps;
};

/** How long the samples of a batch take to compute, about: positions in use, and visual tokens that they show. */
export const sampleCosts = ({ samples, length, segments, source }: NamedBatch): number[] =>
  Array.from({ length: samples }, (_, b) => {
    let cost = 0;
    for (let row = b * length; row < (b + 1) * length; row++)
      cost += (segments[row] === paddingSegment ? 0 : 1) + (source[row]! >= 0 ? 1 : 0);
    return cost;
  });

/** Where the rows of chosen samples go. */
interface Rows {
  /** Positions of a sample: before, and in the part. */
  readonly lengths: { readonly whole: number; readonly part: number };
  /** [B] number of each sample in the part; -1: not in it. */
  readonly samples: Int32Array;
}

/** New number of a row; -1: not in the part. */
const newRow = ({ lengths, samples }: Rows, row: number): number => {
  const sample = Math.floor(row / lengths.whole);
  const column = row - sample * lengths.whole;
  const own = samples[sample]!;
  return own < 0 || column >= lengths.part ? -1 : own * lengths.part + column;
};

/** Places in a list of those of its rows that are in a part, and their new numbers. */
const placesOf = (
  rows: Int32Array,
  own: Rows,
): { readonly places: Int32Array; readonly rows: Int32Array } => {
  const [places, numbers] = [new Int32Array(rows.length), new Int32Array(rows.length)];
  let count = 0;
  for (let place = 0; place < rows.length; place++) {
    const row = newRow(own, rows[place]!);
    if (row < 0) continue;
    places[count] = place;
    numbers[count++] = row;
  }
  return { places: places.slice(0, count), rows: numbers.slice(0, count) };
};

/** The numbers of rows of chosen samples, which stand one behind the other. */
const pick = (
  numbers: Int32Array,
  samples: readonly number[],
  { whole, part }: Rows["lengths"],
): Int32Array => {
  const out = new Int32Array(samples.length * part);
  for (let b = 0; b < samples.length; b++) {
    const start = samples[b]! * whole;
    out.set(numbers.subarray(start, start + part), b * part);
  }
  return out;
};

/** Bits of some rows of dropout, in their new places. */
const partOfScale = (scale: VisualScale, own: Rows): VisualScale | undefined => {
  const { places, rows } = placesOf(scale.rows, own);
  if (places.length === 0) return undefined;
  const { width } = scale;
  const kept = new Uint8Array(Math.ceil((places.length * width) / 8));
  for (let k = 0; k < places.length; ) {
    // Neighbours are copied together.
    let count = 1;
    while (k + count < places.length && places[k + count] === places[k]! + count) count++;
    const [from, to] = [places[k]! * width, k * width];
    if (width % 8 === 0) kept.set(scale.kept.subarray(from / 8, (from + count * width) / 8), to / 8);
    else
      for (let d = 0; d < count * width; d++)
        if (((scale.kept[(from + d) >> 3]! >> ((from + d) & 7)) & 1) === 1)
          kept[(to + d) >> 3]! |= 1 << ((to + d) & 7);
    k += count;
  }
  return { ...scale, rows, kept };
};

/**
 * Positions that the chosen samples need: all in use, and all that are read. A row that sees nothing spreads its attention
 * over all positions: where one is read none is left out.
 */
const neededLength = (
  { length, segments, scored, taps }: NamedBatch,
  samples: readonly number[],
  chosen: Int32Array,
): number => {
  let needed = 1;
  for (const sample of samples) {
    let column = length - 1;
    while (column >= needed && segments[sample * length + column] === paddingSegment) column--;
    needed = Math.max(needed, column + 1);
  }
  // All other rows that are read are padding.
  for (const rows of [scored.rows, ...taps.flatMap(({ groups }) => groups.map((group) => group.rows))])
    for (let i = 0; i < rows.length; i++) {
      const row = rows[i]!;
      if (segments[row] === paddingSegment && chosen[Math.floor(row / length)]! >= 0) return length;
    }
  return needed;
};

/** Segments of some rows and those that they continue, as they are numbered anew; -1: not among them. */
const newSegments = (segments: Int32Array, parents: Int32Array): Int32Array => {
  const isUsed = new Uint8Array(parents.length);
  for (const segment of segments) if (segment !== paddingSegment) isUsed[segment] = 1;
  for (let segment = parents.length - 1; segment >= 0; segment--)
    if (isUsed[segment] === 1 && parents[segment]! >= 0) isUsed[parents[segment]!] = 1;
  let next = 0;
  return Int32Array.from(isUsed, (used) => (used === 1 ? next++ : -1));
};

/** Steps that some rows show, and these rows' sources among them. */
const ownPictures = (
  batch: NamedBatch,
  source: Int32Array,
  mergeSize: number,
): Pick<NamedBatch, "media" | "source"> => {
  const starts = stepStarts(batch, mergeSize);
  const isShown = new Uint8Array(batch.media.length);
  const stepsOf = stepsOfTokens(starts, source);
  for (let row = 0; row < source.length; row++) if (source[row]! >= 0) isShown[stepsOf[row]!] = 1;
  const shifts = new Int32Array(batch.media.length);
  let at = 0;
  for (let step = 0; step < isShown.length; step++) {
    if (isShown[step] === 0) continue;
    shifts[step] = at - starts[step]!;
    at += starts[step + 1]! - starts[step]!;
  }
  const moved = source.slice();
  for (let row = 0; row < moved.length; row++)
    if (moved[row]! >= 0) moved[row] = moved[row]! + shifts[stepsOf[row]!]!;
  return { media: batch.media.filter((_, step) => isShown[step] === 1), source: moved };
};

/**
 * The batch of some samples, in the order given, as long as they need: the same numbers as in the whole batch.
 *
 * @param mergeSize rows and columns of patches that become one visual token
 */
export const partOfBatch = (batch: NamedBatch, samples: readonly number[], mergeSize: number): BatchPart => {
  const chosen = new Int32Array(batch.samples).fill(-1);
  samples.forEach((sample, b) => {
    chosen[sample] = b;
  });
  const length = neededLength(batch, samples, chosen);
  const lengths = { whole: batch.length, part: length };
  const own: Rows = { lengths, samples: chosen };
  const segments = pick(batch.segments, samples, lengths);
  const numbered = newSegments(segments, batch.parents);
  for (let row = 0; row < segments.length; row++)
    if (segments[row] !== paddingSegment) segments[row] = numbered[segments[row]!]!;
  const isOwn = (_: number, segment: number): boolean => numbered[segment]! >= 0;
  const positions = new Int32Array(3 * segments.length);
  const rows = batch.samples * batch.length;
  for (let part = 0; part < 3; part++)
    positions.set(
      pick(batch.positions.subarray(part * rows, (part + 1) * rows), samples, lengths),
      part * segments.length,
    );
  const scored = placesOf(batch.scored.rows, own);
  const tapped = new Map<number, Int32Array>();
  const taps = batch.taps.map(({ block, groups }) => {
    const places: number[] = [];
    let before = 0;
    const kept = groups.map(({ name, rows: all }): TapGroup => {
      const its = placesOf(all, own);
      for (const place of its.places) places.push(before + place);
      before += all.length;
      return { name, rows: its.rows };
    });
    tapped.set(block, Int32Array.from(places));
    return { block, groups: kept };
  });
  const part: NamedBatch = {
    ...batch,
    samples: samples.length,
    length,
    ids: pick(batch.ids, samples, lengths),
    positions,
    segments,
    parents: batch.parents.filter(isOwn).map((parent) => (parent < 0 ? parent : numbered[parent]!)),
    endBlocks: batch.endBlocks.filter(isOwn),
    ...ownPictures(batch, pick(batch.source, samples, lengths), mergeSize),
    scale: batch.scale && partOfScale(batch.scale, own),
    scored: {
      ...batch.scored,
      rows: scored.rows,
      targets: scored.places.map((place) => batch.scored.targets[place]!),
    },
    taps,
  };
  return { batch: part, scored: scored.places, tapped };
};

/** A batch of one word that nobody reads: what a process computes that has nothing to do while others have. */
export const emptyBatch: NamedBatch = {
  samples: 1,
  length: 1,
  ids: new Int32Array(1),
  positions: new Int32Array(3),
  segments: new Int32Array(1),
  parents: Int32Array.of(-1),
  endBlocks: new Int32Array(1),
  media: [],
  source: Int32Array.of(wordSource),
  scale: undefined,
  scored: { rows: new Int32Array(0), targets: new Int32Array(0) },
  taps: [],
  sizes: "exact",
};
