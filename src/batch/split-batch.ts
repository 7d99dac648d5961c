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

/** Step that a visual token is of. */
const stepOf = (starts: readonly number[], token: number): number => {
  let [low, high] = [0, starts.length - 1];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (starts[middle]! <= token) low = middle;
    else high = middle;
  }
  return low;
};

/** How long the samples of a batch take to compute, about: positions in use, and visual tokens that they show. */
export const sampleCosts = ({ samples, length, segments, source }: NamedBatch): number[] =>
  Array.from({ length: samples }, (_, b) => {
    let cost = 0;
    for (let row = b * length; row < (b + 1) * length; row++)
      cost += (segments[row] === paddingSegment ? 0 : 1) + (source[row]! >= 0 ? 1 : 0);
    return cost;
  });

/** Places in a list of those of its rows that are in a part. */
const placesOf = (rows: Int32Array, own: Int32Array): Int32Array => {
  const places = new Int32Array(rows.length);
  let count = 0;
  for (let place = 0; place < rows.length; place++) if (own[rows[place]!]! >= 0) places[count++] = place;
  return places.slice(0, count);
};

/** Bits of some rows of dropout, in their new places. */
const partOfScale = (scale: VisualScale, own: Int32Array): VisualScale | undefined => {
  const places = placesOf(scale.rows, own);
  if (places.length === 0) return undefined;
  const { width } = scale;
  const kept = new Uint8Array(Math.ceil((places.length * width) / 8));
  places.forEach((place, k) => {
    if (width % 8 === 0)
      kept.set(scale.kept.subarray((place * width) / 8, ((place + 1) * width) / 8), (k * width) / 8);
    else
      for (let d = 0; d < width; d++) {
        const [from, to] = [place * width + d, k * width + d];
        if (((scale.kept[from >> 3]! >> (from & 7)) & 1) === 1) kept[to >> 3]! |= 1 << (to & 7);
      }
  });
  return { ...scale, rows: places.map((place) => own[scale.rows[place]!]!), kept };
};

/**
 * Positions that the chosen samples need: all in use, and all that are read. A row that sees nothing spreads its attention
 * over all positions: where one is read none is left out.
 */
const neededLength = (
  { length, segments, scored, taps }: NamedBatch,
  isChosen: ReadonlySet<number>,
): number => {
  let needed = 1;
  const use = (row: number): void => {
    if (isChosen.has(Math.floor(row / length)))
      needed = segments[row] === paddingSegment ? length : Math.max(needed, (row % length) + 1);
  };
  for (const sample of isChosen)
    for (let row = sample * length; row < (sample + 1) * length; row++)
      if (segments[row] !== paddingSegment) use(row);
  scored.rows.forEach(use);
  for (const { groups } of taps) for (const { rows } of groups) rows.forEach(use);
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
  const shown = new Set<number>();
  for (const token of source) if (token >= 0) shown.add(stepOf(starts, token));
  const steps = [...shown].sort((a, b) => a - b);
  const shifts = new Map<number, number>();
  let at = 0;
  for (const step of steps) {
    shifts.set(step, at - starts[step]!);
    at += starts[step + 1]! - starts[step]!;
  }
  return {
    media: steps.map((step) => batch.media[step]!),
    source: source.map((token) => (token < 0 ? token : token + shifts.get(stepOf(starts, token))!)),
  };
};

/**
 * The batch of some samples, in the order given, as long as they need: the same numbers as in the whole batch.
 *
 * @param mergeSize rows and columns of patches that become one visual token
 */
export const partOfBatch = (batch: NamedBatch, samples: readonly number[], mergeSize: number): BatchPart => {
  const length = neededLength(batch, new Set(samples));
  /** New number of each row; -1: not in the part. */
  const own = new Int32Array(batch.samples * batch.length).fill(-1);
  const rows = new Int32Array(samples.length * length);
  samples.forEach((sample, b) => {
    for (let t = 0; t < length; t++) {
      rows[b * length + t] = sample * batch.length + t;
      own[sample * batch.length + t] = b * length + t;
    }
  });
  const pick = (numbers: Int32Array, offset = 0): Int32Array => rows.map((row) => numbers[offset + row]!);
  const segments = pick(batch.segments);
  const numbered = newSegments(segments, batch.parents);
  const isOwn = (_: number, segment: number): boolean => numbered[segment]! >= 0;
  const positions = new Int32Array(3 * rows.length);
  for (let part = 0; part < 3; part++)
    positions.set(pick(batch.positions, part * own.length), part * rows.length);
  const scored = placesOf(batch.scored.rows, own);
  const tapped = new Map<number, Int32Array>();
  const taps = batch.taps.map(({ block, groups }) => {
    const places: number[] = [];
    let before = 0;
    const kept = groups.map(({ name, rows: all }): TapGroup => {
      const chosen = placesOf(all, own);
      for (const place of chosen) places.push(before + place);
      before += all.length;
      return { name, rows: chosen.map((place) => own[all[place]!]!) };
    });
    tapped.set(block, Int32Array.from(places));
    return { block, groups: kept };
  });
  const part: NamedBatch = {
    ...batch,
    samples: samples.length,
    length,
    ids: pick(batch.ids),
    positions,
    segments: segments.map((segment) => (segment === paddingSegment ? segment : numbered[segment]!)),
    parents: batch.parents.filter(isOwn).map((parent) => (parent < 0 ? parent : numbered[parent]!)),
    endBlocks: batch.endBlocks.filter(isOwn),
    ...ownPictures(batch, pick(batch.source), mergeSize),
    scale: batch.scale && partOfScale(batch.scale, own),
    scored: {
      ...batch.scored,
      rows: scored.map((place) => own[batch.scored.rows[place]!]!),
      targets: scored.map((place) => batch.scored.targets[place]!),
    },
    taps,
  };
  return { batch: part, scored, tapped };
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
