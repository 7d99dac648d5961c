import type { Random } from "../../core/random.ts";

/** How fast a film runs. */
export const filmSpeeds = ["slow", "normal", "fast", "still"] as const;

/** One of {@link filmSpeeds}. */
export type FilmSpeed = (typeof filmSpeeds)[number];

/** How much of the source goes by in one picture of a film, against normal speed. */
const paceOf: Readonly<Record<FilmSpeed, number>> = { slow: 0.5, normal: 1, fast: 2, still: 0 };

/** A picture of a film: so much of one source frame, the rest of the one behind it. */
export interface BlendedFrame {
  /** Place among the source frames. */
  readonly at: number;
  /** Share of the frame behind. */
  readonly share: number;
}

/** Films of one stretch at all speeds: equally long, with equally many pictures at equal times. */
export interface SpeedPlan {
  readonly films: Readonly<Record<FilmSpeed, readonly BlendedFrame[]>>;
  readonly stepSeconds: number;
}

/** Pictures a second of a film, and its length, at most. */
const [mostRate, mostSeconds] = [12, 3];
/** Pictures of a film: so many if the source has them, and the fewest. */
const [wantedPictures, fewestPictures] = [12, 8];
/**
 * Every picture of every film is three quarters of one source frame and a quarter of its neighbour: pictures between two
 * frames are blurred where something moves, so those of slow films would be told by that alone.
 */
const quarter = 0.25;

/** Pictures of a film at a stride, so that the fast one still fits into `count` source frames. */
const picturesAt = (stride: number, count: number, frameSeconds: number): number =>
  Math.min(Math.floor((count - 2) / (2 * stride)) + 1, Math.round(mostSeconds / (stride * frameSeconds)));

const filmOf = (start: number, step: number, pictures: number): BlendedFrame[] =>
  Array.from({ length: pictures }, (_, k) => {
    const place = start + k * step;
    const at = Math.floor(place);
    return { at, share: place - at < 0.5 ? quarter : 1 - quarter };
  });

/**
 * Plans slow, normal, fast and still films out of `count` source frames without a cut between them.
 *
 * @param frameSeconds time between two source frames
 * @param motionAt how much moves around a source frame; slow films show the stretch where most does
 * @returns undefined when the source has too few frames
 * @source SF2T (arXiv 2504.07745): slow by interpolation, fast by skipping; that all are blended alike is ours
 */
export const planSpeeds = (
  count: number,
  frameSeconds: number,
  motionAt: (start: number, end: number) => number,
  random: Random,
): SpeedPlan | undefined => {
  let stride = Math.max(1, Math.round(1 / (mostRate * frameSeconds)));
  while (stride > 1 && picturesAt(stride, count, frameSeconds) < wantedPictures) stride--;
  const pictures = picturesAt(stride, count, frameSeconds);
  if (pictures < fewestPictures) return undefined;
  const span = (pace: number): number => Math.floor(pace * stride * (pictures - 1));
  const room = count - 2 - span(paceOf.fast);
  // The slow film shows least of the source: it stands where most moves, the others about it as far as there is room.
  const places = Math.min(9, count - 1 - span(paceOf.slow));
  let [best, most] = [0, Number.NEGATIVE_INFINITY];
  for (let one = 0; one < places; one++) {
    const start = Math.round((one * (count - 2 - span(paceOf.slow))) / Math.max(1, places - 1));
    const motion = motionAt(start, start + span(paceOf.slow));
    if (motion > most) [best, most] = [start, motion];
  }
  const centre = best + span(paceOf.slow) / 2;
  const startOf = (pace: number): number =>
    Math.min(count - 2 - span(pace), Math.max(0, Math.round(centre - span(pace) / 2)));
  const still = startOf(0) + Math.round((random.next() - 0.5) * span(paceOf.slow));
  return {
    stepSeconds: stride * frameSeconds,
    films: {
      slow: filmOf(startOf(paceOf.slow), paceOf.slow * stride, pictures),
      normal: filmOf(startOf(paceOf.normal), stride, pictures),
      fast: filmOf(Math.min(room, startOf(paceOf.fast)), paceOf.fast * stride, pictures),
      still: filmOf(Math.min(count - 2, Math.max(0, still)), 0, pictures),
    },
  };
};

/** Grain in levels: no two pictures of a film are the same bytes, whatever its speed. */
const grain = 3;

/** Blends two pictures and adds grain, whose strength does not hang on the speed: rgb24 in and out. */
export const blendedPicture = (
  one: Uint8Array,
  next: Uint8Array,
  share: number,
  random: Random | undefined,
): Uint8Array => {
  const result = new Uint8Array(one.length);
  if (random === undefined) {
    for (let at = 0; at < one.length; at++)
      result[at] = Math.round(one[at]! * (1 - share) + next[at]! * share);
    return result;
  }
  let state = random.integer(2 ** 32) | 1;
  for (let at = 0; at < one.length; at++) {
    // Xorshift: one number a value is all that grain needs.
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    const more = (((state >>> 0) / 2 ** 32) * 2 - 1) * grain;
    const value = one[at]! * (1 - share) + next[at]! * share + more;
    result[at] = value < 0 ? 0 : value > 255 ? 255 : Math.round(value);
  }
  return result;
};
