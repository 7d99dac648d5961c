import { type Decision, framePrint } from "../absent/build-pair.ts";
import type { FrameBatch } from "../frames/frame-batch.ts";
import type { VideoService } from "../video/service.ts";
import { type AnalysedClip, scoringSize } from "./clip-analysis.ts";

/** Longest side at which frames are compared, in pixels. */
const comparedPixels = 192;

/** Which sampled frames of a clip look the same: a print of each one's pixels, by its index in the clip. */
export class FramePrints {
  readonly #prints = new Map<number, string>();

  /** Takes the prints of frames that were decoded anyway. */
  readonly look = (batch: FrameBatch): void => {
    for (let at = 0; at < batch.frames.length; at++)
      this.#prints.set(batch.frames[at]!.index, framePrint(batch, at));
  };

  /** Makes sure that every frame of a decision has a print: scores that were known from before left none to look at. */
  async complete(
    video: VideoService,
    file: string,
    { sampled, info }: Pick<AnalysedClip, "sampled" | "info">,
    { replacements }: Decision,
    signal: AbortSignal,
  ): Promise<void> {
    const positions = [...new Set(replacements.flatMap(({ position, from }) => [position, from]))];
    const indices = positions.sort((a, b) => a - b).map((position) => sampled[position]!.index);
    if (indices.every((index) => this.#prints.has(index))) return;
    const select = { kind: "indices", indices } as const;
    const size = scoringSize(info, comparedPixels);
    for await (const batch of video.frames(file, { select, size, resizer: "zscale" }, signal))
      this.look(batch);
  }

  /** True when two frames, by index, have equal pixels. */
  same(index: number, other: number): boolean {
    return this.#prints.get(index) === this.#prints.get(other);
  }
}
