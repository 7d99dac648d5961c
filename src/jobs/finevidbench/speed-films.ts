import { seededRandom } from "../../core/random.ts";
import { planSpeeds } from "../../fragments/finevidbench/speed-variants.ts";
import { type ClipPart, usableParts } from "../../fragments/parts.ts";
import type { Refusal } from "../../fragments/verdict.ts";
import { type FrameBatch, pixelsOf } from "../../frames/frame-batch.ts";
import { type FilmPlace, writeSpeeds } from "./films.ts";
import type { BenchmarkClip } from "./protocol.ts";

/** Frames by which a stretch is judged. */
const judgedFrames = 48;

const some = (batch: FrameBatch, places: readonly number[]): FrameBatch => ({
  ...batch,
  frames: places.map((at) => batch.frames[at]!),
  pixels: Buffer.concat(places.map((at) => pixelsOf(batch, at))),
});

/** The longest part of a stretch in which something moves. */
const movingPart = (parts: readonly ClipPart[]): ClipPart | Refusal => {
  const [longest] = parts
    .filter(({ motion }) => motion === undefined)
    .toSorted((a, b) => b.distances.count - a.distances.count);
  return longest ?? parts[0]?.motion ?? { ruleId: "static", reason: "every frame is blank" };
};

const isRefusal = (one: ClipPart | Refusal): one is Refusal => "ruleId" in one;

/** How much moves in a slow film, at least, as a share of what moves in the part at most. */
const leastShare = 0.1;

/**
 * Films of one stretch of a clip at all speeds, or why there are none: nothing moves there, it is too short, or has a
 * cut too soon.
 */
export const speedFilms = async (
  stretch: FrameBatch,
  key: readonly (string | number)[],
  place: FilmPlace,
): Promise<NonNullable<BenchmarkClip["speeds"]> | Refusal> => {
  const step = Math.max(1, Math.ceil(stretch.frames.length / judgedFrames));
  const judged = stretch.frames.map((_, at) => at).filter((at) => at % step === 0);
  const part = movingPart(judged.length < 2 ? [] : usableParts([some(stretch, judged)]));
  if (isRefusal(part))
    return judged.length < 2 ? { ruleId: "short", reason: `${judged.length} usable frames` } : part;
  const first = judged[part.start]!;
  const last = judged[part.start + part.distances.count - 1]!;
  const source = some(
    stretch,
    Array.from({ length: last - first + 1 }, (_, at) => first + at),
  );
  const { frames } = source;
  const frameSeconds = (frames.at(-1)!.timeSeconds - frames[0]!.timeSeconds) / (frames.length - 1);
  const inPart = (at: number): number =>
    Math.min(part.distances.count - 1, Math.max(0, Math.round(at / step)));
  const motionAt = (start: number, end: number): number => {
    let sum = 0;
    for (let at = inPart(start); at < inPart(end); at++) sum += part.distances.between(at, at + 1);
    return sum;
  };
  const random = seededRandom(...key);
  const plan = planSpeeds(frames.length, frameSeconds, motionAt, random.fork("plan"));
  if (plan === undefined)
    return {
      ruleId: "short",
      reason: `${frames.length} frames without a cut do not give a film at twice the speed`,
    };
  const slow = plan.films.slow;
  const seen = part.distances.between(inPart(slow[0]!.at), inPart(slow.at(-1)!.at));
  const moved = motionAt(slow[0]!.at, slow.at(-1)!.at);
  const whole = motionAt(0, frames.length - 1);
  if (seen === 0 || moved < leastShare * whole)
    return { ruleId: "static", reason: "hardly anything moves in the stretch that a slow film shows" };
  return await writeSpeeds(source, plan, random.fork("grain"), place);
};
