import { VideoError } from "../../core/errors.ts";
import { foreignFile } from "../../core/foreign-file.ts";
import type { ByteSource } from "./byte-source.ts";
import type { FilmMarks } from "./film-marks.ts";
import { isCluster, matroskaFilms } from "./matroska-films.ts";
import { hasMovie, isInitSegment, isMediaSegment, mp4Films } from "./mp4-films.ts";

/** Kind of a file by its first bytes, of those that are looked into. */
export const kindOf = (source: ByteSource): "webp" | "moving webp" | "mp4" | "matroska" | undefined => {
  const head = source.read(0, 32);
  const text = head.toString("latin1");
  if (text.startsWith("RIFF") && text.slice(8, 12) === "WEBP")
    return text.slice(12, 16) === "VP8X" && (head[20]! & 2) !== 0 ? "moving webp" : "webp";
  if (text.startsWith("\x1a\x45\xdf\xa3") || text.startsWith("\x1f\x43\xb6\x75")) return "matroska";
  return /^(ftyp|styp|moov|moof|mdat|sidx|emsg|prft|free|skip|wide|pnot)$/.test(text.slice(4, 8))
    ? "mp4"
    : undefined;
};

/** @throws {VideoError} for files that FFmpeg refuses without a word that helps */
export const refuseByName = (file: string, source: ByteSource): void => {
  const kind = kindOf(source);
  if (kind === "moving webp")
    throw new VideoError("animated WebP is not decoded", {
      where: file,
      hint: "write it as GIF, APNG or MP4 first, e.g. with ImageMagick: magick clip.webp clip.gif",
    });
  if (kind === "webp")
    throw new VideoError("not a video that can be opened", { where: file, got: "a picture (WebP)" });
  if ((kind === "mp4" && isMediaSegment(source)) || (kind === "matroska" && isCluster(source)))
    throw new VideoError("a media segment without its init segment", {
      where: file,
      expected: "a film that begins with its description",
      hint: `put them together first: cat init.${kind === "mp4" ? "mp4" : "webm"} SEGMENT... > clip.${kind === "mp4" ? "mp4" : "webm"}`,
    });
};

/** @throws {VideoError} saying what is missing or what else it is, for files that FFmpeg could not open */
export const refuseWithoutFilm = (file: string, source: ByteSource): void => {
  if (kindOf(source) === "mp4" && !hasMovie(source))
    throw new VideoError("an MP4 without its index (moov)", {
      where: file,
      expected: "a film that was written to its end",
      got: `${source.size} bytes of one that was cut off`,
      hint: "fetch or copy it again; a recording that broke off may be mended with a whole one of the same camera (untrunc)",
    });
  if (kindOf(source) === "mp4" && isInitSegment(source))
    throw new VideoError("an init segment without its media segments", {
      where: file,
      hint: "put them together first: cat init.mp4 SEGMENT... > clip.mp4",
    });
  const found = foreignFile(source.read(0, 64).toString("latin1"));
  if (found === undefined) return;
  const { what, hint } = found;
  throw new VideoError("not a video that can be opened", { where: file, got: what, ...(hint && { hint }) });
};

/** What the container says of its films, in their order; nothing for containers that are not read. */
export const filmMarks = (source: ByteSource): FilmMarks[] => {
  const kind = kindOf(source);
  if (kind === "mp4") return mp4Films(source);
  return kind === "matroska" ? matroskaFilms(source) : [];
};

/** @throws {VideoError} for a film whose packets are secret */
export const refuseEncrypted = (file: string, encryption: string | undefined): void => {
  if (encryption !== undefined)
    throw new VideoError("no frame can be decoded", {
      where: file,
      got: `an encrypted film (${encryption})`,
      hint: "decrypt it first",
    });
};
