import { type FrameDistances, meanLevel, medianOf } from "./frame-distances.ts";

/** Why a clip, or a part of it, gives no fragment; `ruleId` of `rejected.jsonl`. */
export interface Refusal {
  readonly ruleId: "short" | "static" | "fade" | "cyclic" | "reversible" | "near-duplicate" | "told";
  readonly reason: string;
}

/** What decides; levels are of {@link FrameDistances}. Chosen on real clips and clips made of them (docs/fragments.md). */
export const verdictLimits = {
  /** Fewest frames that a fragment is drawn from. */
  leastFrames: 8,
  /** No two frames differ by more: nothing moves. */
  staticLevels: 5,
  /** Differences of all pairs of frames that vary by less, as a share of their mean: noise, in which nothing lasts. */
  noiseVariation: 0.06,
  /** Neighbours that differ by more than this times what any two frames do: flicker, or a loop of a few frames. */
  flickerFactor: 1.12,
  /** Frames that differ by less are near-duplicates, in levels and as a share of the largest distance. */
  sameLevels: 3,
  sameShare: 0.1,
  /** Below this contrast a picture is blank. */
  blankContrast: 3,
  /** Contrast below this share of the usual one, towards an end: fading. */
  fadedShare: 0.6,
  /** A brightness that only rises or only falls by this factor is a fade; so is one whose rank follows time so closely. */
  fadeFactor: 1.5,
  fadeRank: 0.9,
  /** Cut: so many levels all over the picture, and so many times what its neighbours change. */
  cutLevels: 14,
  cutFactor: 3.5,
  /** A frame that changes less all over repeats the one before; of what is looked at, at most so many do so in a row. */
  repeatedLevels: 0.5,
  repeatedReach: 6,
  /** Frames that return (in a loop, or backwards) are as near as this share of frames that do not. */
  returnShare: 0.3,
  /**
   * A turn between two frames that are looked at: mirrored ones are as near as this share of others, and nearer than this
   * times what neighbours are.
   */
  turnShare: 0.6,
  turnSteps: 0.85,
} as const;

/** A run of frames, half-open. */
export interface FrameRun {
  readonly start: number;
  readonly end: number;
}

/** The frames that are left when blank and faded ones go from both ends. */
export const withoutFades = ({ count, contrast }: FrameDistances): FrameRun => {
  const usual = medianOf(contrast);
  const { blankContrast, fadedShare } = verdictLimits;
  const gone = (at: number): boolean => contrast[at]! < blankContrast || contrast[at]! < fadedShare * usual;
  let [start, end] = [0, count];
  while (start < end && gone(start)) start++;
  while (end > start && gone(end - 1)) end--;
  return { start, end };
};

/** Runs of frames between cuts: everything changes at once, far more than just before and after. */
export const shotsOf = ({ overall }: FrameDistances, { start, end }: FrameRun): FrameRun[] => {
  const { cutLevels, cutFactor, repeatedLevels, repeatedReach } = verdictLimits;
  const cuts: number[] = [];
  // A film of few pictures a second repeats them: what a picture changes is seen at its first frame only.
  const stepsBeside = (from: number, side: 1 | -1): number[] => {
    const found: number[] = [];
    for (let away = 1; away <= repeatedReach && found.length < 3; away++) {
      const at = from + side * away;
      if (at > start && at < end && (away <= 3 || found.length === 0) && overall[at]! >= repeatedLevels)
        found.push(overall[at]!);
    }
    return found;
  };
  for (let at = start + 1; at < end; at++) {
    const usual = medianOf([...stepsBeside(at, -1), ...stepsBeside(at, 1)]);
    if (overall[at]! > cutLevels && overall[at]! > cutFactor * usual) cuts.push(at);
  }
  return [start, ...cuts].map((from, at) => ({ start: from, end: cuts[at] ?? end }));
};

/** Distance below which two frames of a run count as the same. */
export const sameWithin = ({ largest }: FrameDistances): number =>
  Math.max(verdictLimits.sameLevels, verdictLimits.sameShare * largest);

/** How the differences of all pairs of frames vary, as a share of their mean; and neighbours' mean, as such a share. */
const variation = ({ count, between }: FrameDistances): { readonly all: number; readonly near: number } => {
  let [sum, squares, near] = [0, 0, 0];
  for (let a = 0; a < count; a++)
    for (let b = a + 1; b < count; b++) {
      const one = between(a, b);
      sum += one;
      squares += one * one;
      if (b === a + 1) near += one;
    }
  const pairs = (count * (count - 1)) / 2;
  const mean = sum / pairs;
  return {
    all: Math.sqrt(Math.max(0, squares / pairs - mean * mean)) / mean,
    near: near / (count - 1) / mean,
  };
};

/** How closely values rise (1) or fall (-1) with their places: Spearman's coefficient, equal values in the middle of their ranks. */
const rankWithTime = (values: Float64Array): number => {
  const sorted = values.toSorted();
  const middle = (values.length - 1) / 2;
  let [products, ranks, places] = [0, 0, 0];
  for (const [at, value] of values.entries()) {
    const rank = (sorted.indexOf(value) + sorted.lastIndexOf(value)) / 2 - middle;
    products += rank * (at - middle);
    ranks += rank ** 2;
    places += (at - middle) ** 2;
  }
  return ranks === 0 ? 0 : products / Math.sqrt(ranks * places);
};

/** Whether enough moves in a run, and not only its brightness. */
export const motionRefusal = (distances: FrameDistances): Refusal | undefined => {
  const { leastFrames, staticLevels, noiseVariation, fadeFactor, fadeRank } = verdictLimits;
  const { count, brightness, largest: most } = distances;
  if (count < leastFrames)
    return {
      ruleId: "short",
      reason: `${count} usable frames without a cut; a fragment is drawn from ${leastFrames}`,
    };
  if (most < staticLevels)
    return {
      ruleId: "static",
      reason: `no two frames differ by more than ${most.toFixed(1)} levels where they differ most`,
    };
  const { all } = variation(distances);
  if (all < noiseVariation)
    return {
      ruleId: "static",
      reason: `every frame differs from every other alike (by ${(100 * all).toFixed(1)} % more or less): noise, in which nothing moves`,
    };
  const steps = Array.from(brightness.slice(1), (value, at) => value - brightness[at]!);
  const [first, last] = [brightness[0]! + 1, brightness.at(-1)! + 1];
  const oneWay = Math.max(steps.filter((step) => step > 0).length, steps.filter((step) => step < 0).length);
  const goesOneWay = oneWay >= 0.9 * steps.length || Math.abs(rankWithTime(brightness)) >= fadeRank;
  if (Math.max(first / last, last / first) > fadeFactor && goesOneWay)
    return {
      ruleId: "fade",
      reason: `brightness goes one way, from ${(first - 1).toFixed(0)} to ${(last - 1).toFixed(0)}: it tells the order`,
    };
  return undefined;
};

/** Mean distance at every lag, by lag. */
const byLag = ({ count, between }: FrameDistances): number[] =>
  Array.from({ length: count }, (_, lag) =>
    meanLevel(Array.from({ length: count - lag }, (_, at) => between(at, at + lag))),
  );

/** How near frames mirrored about some middle frame are, where they are nearest. */
export interface Mirrored {
  /** As a share of frames as far apart in time. */
  readonly share: number;
  /** As a multiple of what neighbours differ by: below 1 where the turn lies between two frames that are looked at. */
  readonly steps: number;
}

/** The nearest that frames of a run are when it is mirrored about its middle, or not far from that. */
export const mirrored = (distances: FrameDistances): Mirrored => {
  const { count, between } = distances;
  const lags = byLag(distances);
  let best: Mirrored = { share: Number.POSITIVE_INFINITY, steps: Number.POSITIVE_INFINITY };
  // The mirror may stand on a frame or between two: twice its place is counted.
  for (let twice = Math.ceil(0.7 * count); twice <= 1.3 * count; twice++) {
    let [pairs, level, usual] = [0, 0, 0];
    for (let a = 0; a < count; a++) {
      const b = twice - a;
      if (b <= a + 2 || b >= count) continue;
      level += between(a, b);
      usual += lags[b - a]!;
      pairs++;
    }
    if (usual > 0 && level / usual < best.share)
      best = { share: level / usual, steps: level / pairs / lags[1]! };
  }
  return best;
};

/** The smallest share that frames one period apart have of those half a period apart. */
export const periodShare = (distances: FrameDistances): number => {
  const lags = byLag(distances);
  let [best, highest] = [Number.POSITIVE_INFINITY, 0];
  for (let lag = 1; lag <= 0.6 * distances.count; lag++) {
    const level = lags[lag]!;
    if (lag >= 3 && highest > verdictLimits.sameLevels) best = Math.min(best, level / highest);
    highest = Math.max(highest, level);
  }
  return best;
};

/** Whether frames of a run have an order that can be told. */
export const orderRefusal = (distances: FrameDistances): Refusal | undefined => {
  const { returnShare, turnShare, turnSteps, flickerFactor } = verdictLimits;
  const shown = (share: number): string => `${Math.round(100 * share)} % as different as others`;
  const period = periodShare(distances);
  if (period < returnShare)
    return {
      ruleId: "cyclic",
      reason: `the motion repeats itself: frames one period apart are ${shown(period)}`,
    };
  const { near } = variation(distances);
  if (near > flickerFactor)
    return {
      ruleId: "cyclic",
      reason: `frames differ from their neighbours by ${near.toFixed(2)} times what they differ from others: flicker, or a loop of a few frames`,
    };
  const { share: mirror, steps } = mirrored(distances);
  if (mirror < returnShare || (mirror < turnShare && steps < turnSteps))
    return {
      ruleId: "reversible",
      reason: `the motion goes there and back: frames mirrored about the turn are ${shown(mirror)}`,
    };
  return undefined;
};
