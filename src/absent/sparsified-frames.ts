import { type Sparsified, sparsifiedIndices, type TimeSpan } from "../absent/sparsify.ts";
import { ConfigError } from "../core/errors.ts";
import { basinOf } from "../selection/basin.ts";
import { smoothed } from "../selection/peaks.ts";
import type { AnalysedClip } from "./clip-analysis.ts";

/** Frames outside the events are sampled at this rate. */
const otherFps = 8;

/** The share that `--sparsify` asks for. @throws {ConfigError} when it is no share */
export const sparsifyShare = (text: string | undefined): number | undefined => {
  if (text === undefined) return undefined;
  const share = Number(text);
  if (!(share > 0 && share < 1))
    throw new ConfigError("bad --sparsify", { expected: "a share between 0 and 1, such as 0.05", got: text });
  return share;
};

/** The time around each key frame in which the curve stays in the upper half of its way down to the valleys. */
const keyEvents = ({
  scores,
  rule,
  keyFrames,
  sampled,
  info,
}: Pick<AnalysedClip, "scores" | "rule" | "keyFrames" | "sampled" | "info">): TimeSpan[] => {
  const curve = smoothed(scores, rule.smoothingFrames ?? 1);
  return keyFrames.map((peak) => {
    const { first, last } = basinOf(curve, peak, 0.5);
    return {
      startSeconds: sampled[first]!.timeSeconds,
      endSeconds: sampled[last + 1]?.timeSeconds ?? info.durationSeconds,
    };
  });
};

/** Frames of the clip sampled so that about `share` of them lie in the events around its key frames. */
export const sparsifiedFrames = (clip: AnalysedClip, share: number): Sparsified & { events: TimeSpan[] } => {
  const events = keyEvents(clip);
  const { timeline, durationSeconds } = clip.info;
  return { ...sparsifiedIndices(timeline, durationSeconds, events, share, otherFps), events };
};
