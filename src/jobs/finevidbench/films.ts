import { readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { sha256, writeFileAtomic } from "../../core/files.ts";
import type { Random } from "../../core/random.ts";
import { frameIndex, seconds } from "../../core/units.ts";
import {
  type BlendedFrame,
  blendedPicture,
  type FilmSpeed,
  filmSpeeds,
  type SpeedPlan,
} from "../../fragments/finevidbench/speed-variants.ts";
import { type FrameBatch, pixelsOf } from "../../frames/frame-batch.ts";
import type { EncodeOptions } from "../../video/request.ts";
import type { VideoService } from "../../video/service.ts";
import type { Film } from "./protocol.ts";

/** Where films go, and who writes them. */
export interface FilmPlace {
  readonly out: string;
  readonly video: Pick<VideoService, "write">;
  /** Begins the names of unfinished files; no other clip has it. */
  readonly unique: string;
  readonly signal: AbortSignal;
}

interface FilmToWrite {
  readonly pictures: readonly { readonly pixels: Uint8Array; readonly timeSeconds: number }[];
  readonly width: number;
  readonly height: number;
  readonly endSeconds: number;
  readonly encode: EncodeOptions;
}

/** Writes a film under a name for the time being. */
const writeBegun = async (
  { pictures, width, height, endSeconds, encode }: FilmToWrite,
  name: string,
  { out, video, unique, signal }: FilmPlace,
): Promise<string> => {
  const file = join(out, "clips", `.${unique}-${name}.mp4`);
  // One picture at a time: a film of a minute need not be in memory twice.
  const frames = pictures.map(
    ({ pixels, timeSeconds }, at): FrameBatch => ({
      pixels,
      width,
      height,
      frames: [{ index: frameIndex(at), timeSeconds: seconds(timeSeconds) }],
    }),
  );
  await video.write(file, { width, height, frames, endSeconds, encode }, signal);
  return file;
};

/** Bytes of an empty box of MP4: its length and its name. */
const boxHead = 8;
/** Films that must be equally long are padded to multiples of this. */
const paddedTo = 1024;

/** Gives a film the name of its content; with `length` an empty box at its end makes it so long. */
const finished = (begun: string, frames: number, out: string, length?: number): Film => {
  let bytes: Uint8Array = readFileSync(begun);
  if (length !== undefined) {
    const box = Buffer.alloc(length - bytes.length);
    box.writeUInt32BE(box.length, 0);
    box.write("free", 4, "latin1");
    bytes = Buffer.concat([bytes, box]);
  }
  const file = `clips/${sha256(bytes)}.mp4`;
  if (length === undefined) renameSync(begun, join(out, file));
  else {
    writeFileAtomic(join(out, file), bytes);
    rmSync(begun);
  }
  return { file, frames };
};

/** Writes one film. @returns its name from the benchmark's folder */
export const writeFilm = async (film: FilmToWrite, name: string, place: FilmPlace): Promise<Film> =>
  finished(await writeBegun(film, name, place), film.pictures.length, place.out);

/**
 * Writes the films of one stretch at all speeds: equally many pictures at equal times, every one a key packet, files of
 * one length.
 */
export const writeSpeeds = async (
  source: FrameBatch,
  { films, stepSeconds }: SpeedPlan,
  random: Random,
  place: FilmPlace,
): Promise<Record<FilmSpeed, Film>> => {
  const { width, height } = source;
  const begun: { readonly speed: FilmSpeed; readonly file: string; readonly frames: number }[] = [];
  for (const speed of filmSpeeds) {
    const plan: readonly BlendedFrame[] = films[speed];
    const pictures = plan.map(({ at, share }, k) => ({
      pixels: blendedPicture(pixelsOf(source, at), pixelsOf(source, at + 1), share, random.fork(speed, k)),
      timeSeconds: k * stepSeconds,
    }));
    const endSeconds = plan.length * stepSeconds;
    const film = { pictures, width, height, endSeconds, encode: { gop: 1, crf: 20 } };
    begun.push({ speed, file: await writeBegun(film, speed, place), frames: plan.length });
  }
  const longest = Math.max(...begun.map(({ file }) => readFileSync(file).length));
  const length = Math.ceil((longest + boxHead) / paddedTo) * paddedTo;
  return Object.fromEntries(
    begun.map(({ speed, file, frames }) => [speed, finished(file, frames, place.out, length)]),
  ) as Record<FilmSpeed, Film>;
};

/** The whole of a clip as films: slow with pictures in between, normal, fast without every other one. */
export const writeScene = async (
  scene: FrameBatch,
  endSeconds: number,
  place: FilmPlace,
): Promise<Record<"slow" | "normal" | "fast", Film>> => {
  const { width, height, frames } = scene;
  const start: number = frames[0]!.timeSeconds;
  const whole = Math.max(endSeconds - start, frames.at(-1)!.timeSeconds - start + 0.01);
  const picture = (at: number): Uint8Array => pixelsOf(scene, at);
  const timeOf = (at: number): number => frames[at]!.timeSeconds - start;
  const places = frames.map((_, at) => at);
  const normal = places.map((at) => ({ pixels: picture(at), timeSeconds: timeOf(at) }));
  const slow = places.flatMap((at) => {
    const own = { pixels: picture(at), timeSeconds: 2 * timeOf(at) };
    if (at + 1 === places.length) return [own];
    const between = blendedPicture(picture(at), picture(at + 1), 0.5, undefined);
    return [own, { pixels: between, timeSeconds: timeOf(at) + timeOf(at + 1) }];
  });
  const fast = places
    .filter((at) => at % 2 === 0)
    .map((at) => ({ pixels: picture(at), timeSeconds: timeOf(at) / 2 }));
  const size = { width, height, encode: { crf: 20 } };
  return {
    slow: await writeFilm({ ...size, pictures: slow, endSeconds: 2 * whole }, "scene-slow", place),
    normal: await writeFilm({ ...size, pictures: normal, endSeconds: whole }, "scene-normal", place),
    fast: await writeFilm({ ...size, pictures: fast, endSeconds: whole / 2 }, "scene-fast", place),
  };
};

/** The whole of a clip backwards, each picture as long as it was. */
export const writeReversed = async (
  scene: FrameBatch,
  endSeconds: number,
  place: FilmPlace,
): Promise<Film> => {
  const { width, height, frames } = scene;
  const last: number = frames.at(-1)!.timeSeconds;
  const pictures = frames
    .map(({ timeSeconds }, at) => ({ pixels: pixelsOf(scene, at), timeSeconds: last - timeSeconds }))
    .toReversed();
  const whole = Math.max(endSeconds - frames[0]!.timeSeconds, pictures.at(-1)!.timeSeconds + 0.01);
  return await writeFilm(
    { width, height, pictures, endSeconds: whole, encode: { crf: 20 } },
    "reversed",
    place,
  );
};
