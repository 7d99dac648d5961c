import { VideoError } from "../../core/errors.ts";
import type { VideoLimits } from "../limits.ts";
import type { StreamInfo } from "../types.ts";

/** The film among the streams: the largest picture that is no cover art. @throws {VideoError} with the reason */
export const chooseStream = (
  file: string,
  streams: readonly StreamInfo[],
  limits: VideoLimits,
): StreamInfo => {
  const films = streams.filter((stream) => stream.kind === "video" && !stream.attachedPicture);
  const area = (stream: StreamInfo): number => (stream.width ?? 0) * (stream.height ?? 0);
  let best = films[0];
  if (best === undefined) {
    const cover = streams.some((stream) => stream.attachedPicture);
    const kinds = [...new Set(streams.map((stream) => (stream.attachedPicture ? "cover art" : stream.kind)))];
    throw new VideoError(cover ? "only cover art, no video stream" : "no video stream", {
      where: file,
      got: kinds.length === 0 ? "a file without streams" : kinds.join(", "),
    });
  }
  for (const film of films) if (area(film) > area(best)) best = film;
  if (area(best) > limits.maxPixels)
    throw new VideoError("picture is too large", {
      where: file,
      expected: `at most ${limits.maxPixels} pixels`,
      got: `${best.width}x${best.height}`,
      hint: "raise maxPixels if this is meant",
    });
  if (area(best) <= 0)
    throw new VideoError("picture has no size", {
      where: file,
      got: `${best.codec} ${best.width}x${best.height}`,
    });
  return best;
};
