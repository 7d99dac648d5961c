import { ConfigError } from "../core/errors.ts";
import type { Seconds, TimeSpan } from "../core/units.ts";
import { endOf, indicesInRange } from "../video/timeline.ts";
import type { VideoInfo } from "../video/types.ts";
import type { BenchmarkSample } from "./benchmarks.ts";

/** The stretch of its clip that a question is about: its own, or what its message says of the video; undefined: all of it. */
export const rangeOf = ({
  range,
  messages,
}: Pick<BenchmarkSample, "range" | "messages">): TimeSpan | undefined => {
  if (range !== undefined) return range;
  for (const { content } of messages)
    for (const part of content)
      if (part.type === "video" && (part.video_start ?? part.video_end) !== undefined)
        return {
          startSeconds: part.video_start ?? 0,
          endSeconds: part.video_end ?? Number.POSITIVE_INFINITY,
        };
  return undefined;
};

/** Equal for questions about the same stretch of the same clip, or about the same chosen frames of it. */
export const stretchKey = (
  file: string,
  sample: Pick<BenchmarkSample, "range" | "messages" | "frames">,
): string => {
  const range = rangeOf(sample);
  const { frames } = sample;
  return JSON.stringify([
    file,
    range?.startSeconds ?? null,
    range?.endSeconds ?? null,
    ...(frames === undefined ? [] : [frames]),
  ]);
};

/**
 * A stretch of a clip as a clip of its own, so that whoever chooses frames spreads them over the stretch: times begin
 * at 0 and the duration is the stretch's. Indices stay those of the whole clip.
 *
 * @throws {ConfigError} for a stretch without any frame
 */
export const stretchOf = (info: VideoInfo, range: TimeSpan | undefined): VideoInfo => {
  if (range === undefined) return info;
  const { startSeconds, endSeconds } = range;
  const clipEnd = endOf(info.timeline, info.durationSeconds);
  // The very end counts as inside a clip of one frame, whose length nobody knows.
  const isInside =
    endSeconds > startSeconds && (startSeconds < clipEnd || startSeconds <= 0) && endSeconds > 0;
  if (!isInside)
    throw new ConfigError("the question is about a stretch that the clip does not have", {
      expected: `start before end, within 0 to ${clipEnd.toFixed(2)} s`,
      got: `${startSeconds} to ${endSeconds} s`,
    });
  const frames = indicesInRange(info.timeline, range).map((position) => info.timeline[position]!);
  const begin = frames[0]!.timeSeconds as number;
  return {
    ...info,
    timeline: frames.map(({ index, timeSeconds }) => ({
      index,
      timeSeconds: (timeSeconds - begin) as Seconds,
    })),
    durationSeconds: Math.min(endSeconds, clipEnd) - begin,
  };
};
