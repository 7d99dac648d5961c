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

  constructor(source: PairSource) {
    this.#source = source;
    this.#size = fittedWithin(source, comparedPixels);
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

  /** Makes sure that frames, by ascending index, have a print; decodes them when one is missing. */
  async complete(indices: readonly number[], signal?: AbortSignal): Promise<void> {
    if (indices.every((index) => this.#prints.has(index))) return;
    for await (const batch of this.#source.frames(indices, this.#size, comparedBy, signal))
      this.look(batch, comparedBy);
  }

  /** True when two frames, by index, have equal pixels. */
  same(index: number, other: number): boolean {
    return this.#prints.get(index) === this.#prints.get(other);
  }
}
