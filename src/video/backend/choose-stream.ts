import { VideoError } from "../../core/errors.ts";
import { tooLarge, type VideoLimits } from "../limits.ts";
import type { StreamInfo } from "../types.ts";

/** Streams that may be the film: moving pictures, as far as the container says. */
export const filmsAmong = (streams: readonly StreamInfo[]): StreamInfo[] =>
  streams.filter((stream) => stream.kind === "video" && !stream.attachedPicture);

/**
 * The film among the streams: the largest picture that is no cover art and none of `notFilms`.
 * @throws {VideoError} with the reason
 */
export const chooseStream = (
  file: string,
  streams: readonly StreamInfo[],
  limits: VideoLimits,
  notFilms: readonly number[] = [],
): StreamInfo => {
  const films = filmsAmong(streams).filter(({ index }) => !notFilms.includes(index));
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
    throw tooLarge(file, limits, { width: best.width ?? 0, height: best.height ?? 0 });
  if (area(best) <= 0)
    throw new VideoError("no frame can be decoded", {
      where: file,
      got: `a stream of ${best.codec} whose pictures have no size`,
    });
  return best;
};
