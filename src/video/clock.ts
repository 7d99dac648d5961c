import { type PacketTable, packetFlag } from "./packet-table.ts";

export interface StreamClock {
  readonly container: string;
  /** Seconds per tick as a fraction. */
  readonly timeBase: readonly [number, number];
}

/** Bits of the clocks that begin again at 0; FFmpeg takes every step back over their beginning for that. */
const clockBits: Readonly<Record<string, number>> = { mpegts: 33, mpeg: 33, flv: 32, asf: 32 };

/** A film pauses for less than this where its clock begins again; longer: it was another clock. Seconds. */
const longestPause = 10;

/** Where a clock went back: the frame (or packet) behind the step, and by how many ticks. */
export interface ClockStep {
  readonly at: number;
  readonly back: number;
}

/** Ticks by which a clock goes back from one time to the next; 0: it goes on. */
const stepsBack = (clock: StreamClock): ((before: number, now: number) => number) => {
  const [num, den] = clock.timeBase;
  const bits = clockBits[clock.container];
  const range = bits === undefined ? Number.POSITIVE_INFINITY : 2 ** bits;
  const pause = (longestPause * den) / num;
  const stored = (ticks: number): number => ((ticks % range) + range) % range;
  return (before, now) => {
    if (now < before) return before - now;
    if (bits === undefined || now - before <= pause) return 0;
    return Math.max(0, stored(before) - stored(now));
  };
};

/** Pictures that codecs hold back at most to bring them into presentation order. */
const mostHeldBack = 16;

/** Fewer packets before a step than this do not tell a clock that goes back from pictures out of order. */
const fewest = 4;

/**
 * Packets before which the clock may have gone back. Some containers know no decoding times and FFmpeg repeats the
 * presentation times, which go to and fro: there a step counts that leads below everything lately seen.
 */
const suspects = (packets: PacketTable, back: (before: number, now: number) => number): number[] => {
  const found: number[] = [];
  const decodingTimes = packets.dts.subarray(0, packets.count);
  const onlyShown = decodingTimes.every((dts, i) => Number.isNaN(dts) || dts === packets.pts[i]);
  const times = onlyShown ? packets.pts : packets.dts;
  const lately: number[] = [];
  for (let i = 0; i < packets.count; i++) {
    const now = times[i]!;
    if (Number.isNaN(now)) continue;
    const below = onlyShown
      ? lately.length >= fewest && lately.every((before) => back(before, now) > 0)
      : lately.length > 0 && back(lately.at(-1)!, now) > 0;
    if (below) {
      found.push(i);
      lately.length = 0;
    }
    lately.push(now);
    if (lately.length > mostHeldBack) lately.shift();
  }
  return found;
};

/**
 * Whether the file is several recordings one after another, each with its own clock: times go back in the order of
 * decoding, and pictures behind that would be sorted among those before it.
 */
export const clockGoesBack = (packets: PacketTable, clock: StreamClock): boolean => {
  const back = stepsBack(clock);
  const steps = suspects(packets, back);
  if (steps.length === 0) return false;
  const earliest = new Float64Array(packets.count + 1).fill(Number.POSITIVE_INFINITY);
  const shown = (i: number): boolean => (packets.flags[i]! & (packetFlag.discard | packetFlag.hidden)) === 0;
  for (let i = packets.count - 1; i >= 0; i--)
    earliest[i] = shown(i) && packets.pts[i]! < earliest[i + 1]! ? packets.pts[i]! : earliest[i + 1]!;
  let latest = Number.NEGATIVE_INFINITY;
  let i = 0;
  for (const step of steps) {
    for (; i < step; i++) if (shown(i) && packets.pts[i]! > latest) latest = packets.pts[i]!;
    if (latest >= earliest[step]! || back(latest, earliest[step]!) > 0) return true;
  }
  return false;
};

const middleOf = (gaps: readonly number[]): number | undefined =>
  gaps.toSorted((a, b) => a - b)[gaps.length >> 1];

/** So many frames in a row at one time, and the clock has stopped: two may stand so by rounding. */
const stopped = 3;

/**
 * Takes out times that no clock shows: a single one far from both of its neighbours, which go on without it, and those of
 * a clock that has stopped, all but the first.
 */
const withoutStrays = (times: ArrayLike<number>): { kept: number[]; repeated: number } => {
  const kept = Array.from(times);
  let repeated = 0;
  for (let from = 0, to = 0; from < kept.length; from = to) {
    while (to < kept.length && kept[to] === kept[from]) to++;
    if (to - from >= stopped) {
      kept.fill(Number.NaN, from + 1, to);
      repeated += to - from - 1;
    }
    to = Math.max(to, from + 1);
  }
  for (let i = 1; i + 1 < kept.length; i++) {
    const [before, now, after] = [kept[i - 1]!, kept[i]!, kept[i + 1]!];
    if (before < after && (now > after || now < before)) kept[i] = Number.NaN;
  }
  return { kept, repeated };
};

/** Times in the order of the frames, made into one clock. */
export interface ContinuedTimes {
  /** Ascending ticks. */
  readonly pts: Float64Array;
  readonly steps: readonly ClockStep[];
  /** Frames at which the clock stood still; they go on by the usual distance. */
  readonly repeated: number;
  /** How long the last frame is shown if it is shown as long as is usual behind the last step. */
  readonly usual: number;
}

/**
 * Goes on where the frame before ends when a clock goes back, and by the usual distance where a time is missing.
 * `otherwise`: the usual distance when the times do not tell it.
 */
export const continuedTimes = (
  decoded: ArrayLike<number>,
  clock: StreamClock,
  otherwise: number,
): ContinuedTimes => {
  const back = stepsBack(clock);
  const { kept: times, repeated } = withoutStrays(decoded);
  const allGaps: number[] = [];
  for (let i = 1; i < times.length; i++) {
    const gap = times[i]! - times[i - 1]!;
    if (gap > 0 && back(times[i - 1]!, times[i]!) === 0) allGaps.push(gap);
  }
  const usual = middleOf(allGaps) ?? otherwise;
  const pts = new Float64Array(times.length);
  const steps: ClockStep[] = [];
  const firstKnown = times.findIndex((time) => !Number.isNaN(time));
  let before = firstKnown < 0 ? -usual : times[firstKnown]! - usual * (firstKnown + 1);
  let known = Number.NaN;
  let offset = 0;
  let gaps: number[] = [];
  times.forEach((time, i) => {
    const step = back(known, time);
    if (step > 0) {
      offset = before + (middleOf(gaps) ?? usual) - time;
      steps.push({ at: i, back: step });
      gaps = [];
    } else if (time - known > 0) gaps.push(time - known);
    if (Number.isNaN(time)) {
      const next = times.slice(i + 1, i + 50).find((later) => !Number.isNaN(later));
      const room = next === undefined || back(known, next) > 0 ? Number.POSITIVE_INFINITY : next + offset;
      before = before + usual <= room ? before + usual : Math.max(before, (before + room) / 2);
    } else {
      before = Math.max(before, time + offset);
      known = time;
    }
    pts[i] = before;
  });
  return { pts, steps, repeated, usual: middleOf(gaps) ?? usual };
};

/** One sentence on the steps, undefined when there are none. Neighbouring ones count as one. */
export const describeSteps = (
  { pts, steps }: Pick<ContinuedTimes, "pts" | "steps">,
  { timeBase: [num, den] }: StreamClock,
): string | undefined => {
  const apart = steps.filter(({ at }, i) => i === 0 || at - steps[i - 1]!.at > 3);
  if (apart.length === 0) return undefined;
  const seconds = (ticks: number): string => `${((ticks * num) / den).toFixed(3)} s`;
  const shown = apart
    .slice(0, 3)
    .map(({ at, back }) => `at frame ${at} (${seconds(pts[at]! - pts[0]!)}) by ${seconds(back)}`);
  const further = apart.length - shown.length;
  const more = further === 0 ? "" : ` and ${further === 1 ? "once" : `${further} times`} more`;
  return `the clock goes back ${shown.join(", ")}${more}: frames stay in the order of the file and times go on`;
};
