import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sha256 } from "../../core/files.ts";
import { frameIndex, seconds } from "../../core/units.ts";
import type { VideoService } from "../../video/service.ts";
import type { RgbPicture, ShownAt } from "../clip-pictures.ts";

/** Films that are remembered: requests come clip by clip, so few are wanted at a time. */
const remembered = 32;

/** Ascending times; equal and unknown ones are told apart. */
const filmTimes = (shown: readonly ShownAt[]): number[] => {
  let last = Number.NEGATIVE_INFINITY;
  return shown.map(({ timeSeconds }, at) => {
    last = timeSeconds > last ? timeSeconds : (Number.isFinite(last) ? last : at) + 0.04;
    return last;
  });
};

/** MP4 files of pictures, in base64; the same pictures at the same times are written once. */
export class Films {
  readonly #video: Pick<VideoService, "write">;
  readonly #hashes = new WeakMap<RgbPicture, string>();
  readonly #films = new Map<string, Promise<string>>();
  constructor(video: Pick<VideoService, "write">) {
    this.#video = video;
  }
  /** @throws {VideoError} when it cannot be written */
  of(shown: readonly ShownAt[]): Promise<string> {
    const times = filmTimes(shown);
    const key = sha256(JSON.stringify(shown.map(({ picture }, at) => [this.#hashOf(picture), times[at]])));
    const film = this.#films.get(key) ?? this.#write(shown, times);
    // What was wanted last stands last.
    this.#films.delete(key);
    this.#films.set(key, film);
    const [oldest] = this.#films.keys();
    if (this.#films.size > remembered) this.#films.delete(oldest!);
    // A failure is told to everybody who waits, and not kept.
    film.catch(() => this.#films.delete(key));
    return film;
  }
  #hashOf(picture: RgbPicture): string {
    const known = this.#hashes.get(picture) ?? sha256(picture.pixels);
    this.#hashes.set(picture, known);
    return known;
  }
  async #write(shown: readonly ShownAt[], times: readonly number[]): Promise<string> {
    const folder = mkdtempSync(join(tmpdir(), "videoperceiver-shown-"));
    try {
      const { width, height } = shown[0]!.picture;
      const frames = shown.map(({ picture }, at) => ({
        width,
        height,
        pixels: picture.pixels,
        frames: [{ index: frameIndex(at), timeSeconds: seconds(times[at]!) }],
      }));
      const { file } = await this.#video.write(join(folder, "shown.mp4"), { width, height, frames });
      return readFileSync(file).toString("base64");
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }
}
