import { createHash } from "node:crypto";
import { type FrameBatch, pixelsOf } from "../frames/frame-batch.ts";
import type { PictureSize } from "../video/frame-size.ts";
import type { Resizer } from "../video/request.ts";
import { fittedWithin, type PairSource } from "./pair-source.ts";

/** Longest side, in pixels, at which frames are compared, whatever scored them and whatever was remembered. */
const comparedPixels = 192;
const comparedBy: Resizer = "zscale";

/** Which frames of a clip look the same: a print of each one's pixels at one fixed size, by its index in the clip. */
export class FramePrints {
  readonly #source: PairSource;
  readonly #size: PictureSize;
  readonly #prints = new Map<number, string>();

  /** @param exact compare whole pictures, so that nothing is too small to be seen */
  constructor(source: PairSource, exact = false) {
    this.#source = source;
    this.#size = fittedWithin(source, exact ? Number.POSITIVE_INFINITY : comparedPixels);
  }

  /** Takes the prints of frames that were decoded anyway, if they are of the compared size and form. */
  look(batch: FrameBatch, resizer: Resizer): void {
    const { width, height } = this.#size;
    if (batch.width !== width || batch.height !== height || resizer !== comparedBy) return;
    for (let at = 0; at < batch.frames.length; at++)
      this.#prints.set(
        batch.frames[at]!.index,
        createHash("sha1").update(pixelsOf(batch, at)).digest("base64"),
      );
  }

  /** Makes sure that frames, by index, have a print, if they can be had; decodes those that have none. */
  async complete(indices: Iterable<number>, signal?: AbortSignal): Promise<void> {
    const missing = [...new Set(indices)]
      .filter((index) => !this.#prints.has(index) && this.#source.holds?.(index) !== false)
      .sort((a, b) => a - b);
    if (missing.length === 0) return;
    for await (const batch of this.#source.frames(missing, this.#size, comparedBy, signal))
      this.look(batch, comparedBy);
  }

  /** Whether two frames, by index, have equal pixels; undefined when one of them cannot be had. */
  same(index: number, other: number): boolean | undefined {
    const [one, two] = [this.#prints.get(index), this.#prints.get(other)];
    return one === undefined || two === undefined ? undefined : one === two;
  }
}
