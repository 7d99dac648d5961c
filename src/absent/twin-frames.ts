import { ShapeError } from "../core/errors.ts";
import { type FrameBatch, pixelsOf } from "../frames/frame-batch.ts";
import { shownPicture, type TwinView } from "./twin-view.ts";

/** Indices of the complete clip's frames that are needed to show the twin at `indices`, ascending, each once. */
export const neededFrames = (indices: readonly number[], view: TwinView): number[] =>
  [...new Set(indices.flatMap((index) => [index, view.at(index).source]))].sort((a, b) => a - b);

/**
 * The twin of frames that are in memory: each frame's pixels are what the view shows there, times and indices stay.
 * The batch must hold every source that its frames need.
 *
 * @throws {ShapeError} when a source frame is not in the batch
 */
export const absentBatch = (complete: FrameBatch, view: TwinView): FrameBatch => {
  const { width, height } = complete;
  const positions = new Map(complete.frames.map(({ index }, position) => [index as number, position]));
  const result = { ...complete, pixels: Uint8Array.from(complete.pixels) };
  complete.frames.forEach(({ index }, position) => {
    if (!view.changes(index)) return;
    const shown = view.at(index);
    const source = positions.get(shown.source);
    if (source === undefined)
      throw new ShapeError("frame for the absent twin is missing", {
        where: `frame ${index}`,
        expected: `frame ${shown.source} in the batch`,
        hint: "decode neededFrames(...) of the wanted frames",
      });
    pixelsOf(result, position).set(shownPicture(shown, pixelsOf(complete, source), width, height));
  });
  return result;
};

/** How often each frame is still needed as a source; a frame's picture is kept until then. */
class Sources {
  readonly #view: TwinView;
  readonly #uses = new Map<number, number>();
  readonly #kept = new Map<number, Uint8Array>();
  constructor(view: TwinView) {
    this.#view = view;
    for (const index of view.changed) {
      const { source } = view.at(index);
      this.#uses.set(source, (this.#uses.get(source) ?? 0) + 1);
    }
  }
  keep(batch: FrameBatch): void {
    batch.frames.forEach(({ index }, position) => {
      if (this.#uses.has(index)) this.#kept.set(index, Uint8Array.from(pixelsOf(batch, position)));
    });
  }
  /** True when the pictures that a batch's twin shows have come. */
  ready(batch: FrameBatch): boolean {
    return batch.frames.every(
      ({ index }) => !this.#view.changes(index) || this.#kept.has(this.#view.at(index).source),
    );
  }
  twinOf(batch: FrameBatch): FrameBatch {
    const { width, height } = batch;
    const result = { ...batch, pixels: Uint8Array.from(batch.pixels) };
    batch.frames.forEach(({ index }, position) => {
      if (!this.#view.changes(index)) return;
      const shown = this.#view.at(index);
      const picture = this.#kept.get(shown.source)!;
      pixelsOf(result, position).set(shownPicture(shown, picture, width, height));
      const left = this.#uses.get(shown.source)! - 1;
      this.#uses.set(shown.source, left);
      if (left === 0) this.#kept.delete(shown.source);
    });
    return result;
  }
}

/**
 * The twin of a stream of all of a clip's frames, piece by piece; only frames that are still needed as a source are
 * kept. A source may lie ahead ("successor"): pieces wait until it has come.
 *
 * @throws {ShapeError} when the stream ends before a source has come
 */
export async function* absentStream(
  complete: AsyncIterable<FrameBatch>,
  view: TwinView,
): AsyncGenerator<FrameBatch> {
  const sources = new Sources(view);
  const waiting: FrameBatch[] = [];
  for await (const batch of complete) {
    sources.keep(batch);
    waiting.push(batch);
    while (waiting.length > 0 && sources.ready(waiting[0]!)) yield sources.twinOf(waiting.shift()!);
  }
  if (waiting.length > 0)
    throw new ShapeError("frame for the absent twin is missing", {
      where: `frame ${waiting[0]!.frames[0]!.index}`,
      expected: "every source frame in the stream",
    });
}
