import { ShapeError } from "../core/errors.ts";
import { type FrameBatch, pixelsOf } from "../frames/frame-batch.ts";
import type { PixelOperation } from "./builders.ts";
import type { Replacement } from "./pair.ts";

/** For each wanted frame index, the index of the complete clip's frame that the twin shows there. */
export const twinSources = (indices: readonly number[], replacements: readonly Replacement[]): number[] => {
  const sources = new Map(replacements.map(({ index, from }) => [index, from]));
  return indices.map((index) => sources.get(index) ?? index);
};

/**
 * The twin of frames that are in memory: each frame's pixels are those of its source, times and indices stay.
 * The batch must hold every source that its frames need; `pixels` is applied to declared frames (mask).
 *
 * @throws {ShapeError} when a source frame is not in the batch
 */
export const absentBatch = (
  complete: FrameBatch,
  replacements: readonly Replacement[],
  pixels?: PixelOperation,
): FrameBatch => {
  const positions = new Map(complete.frames.map(({ index }, position) => [index as number, position]));
  const declared = new Set(replacements.map(({ index }) => index));
  const sources = twinSources(
    complete.frames.map(({ index }) => index),
    replacements,
  );
  const result = { ...complete, pixels: Uint8Array.from(complete.pixels) };
  for (let position = 0; position < sources.length; position++) {
    const index = complete.frames[position]!.index;
    if (!declared.has(index)) continue;
    const source = positions.get(sources[position]!);
    if (source === undefined)
      throw new ShapeError("frame for the absent twin is missing", {
        where: `frame ${index}`,
        expected: `frame ${sources[position]} in the batch`,
        hint: "decode the union of the wanted frames and twinSources(...)",
      });
    const target = pixelsOf(result, position);
    target.set(pixelsOf(complete, source));
    pixels?.(target, complete.width, complete.height);
  }
  return result;
};

/**
 * The twin of a stream of all of a clip's frames, piece by piece; only frames that are still needed as a source are
 * kept. A source may lie ahead ("successor"): pieces wait until it has come.
 *
 * @throws {ShapeError} when the stream ends before a source has come
 */
export async function* absentStream(
  complete: AsyncIterable<FrameBatch>,
  replacements: readonly Replacement[],
  pixels?: PixelOperation,
): AsyncGenerator<FrameBatch> {
  const sources = new Map(replacements.map(({ index, from }) => [index, from]));
  const uses = new Map<number, number>();
  for (const from of sources.values()) uses.set(from, (uses.get(from) ?? 0) + 1);
  const kept = new Map<number, Uint8Array>();
  const waiting: FrameBatch[] = [];
  const ready = (batch: FrameBatch): boolean =>
    batch.frames.every(({ index }) => {
      const from = sources.get(index);
      return from === undefined || kept.has(from);
    });
  const twinOf = (batch: FrameBatch): FrameBatch => {
    const result = { ...batch, pixels: Uint8Array.from(batch.pixels) };
    for (let position = 0; position < batch.frames.length; position++) {
      const from = sources.get(batch.frames[position]!.index);
      if (from === undefined) continue;
      const target = pixelsOf(result, position);
      target.set(kept.get(from)!);
      pixels?.(target, batch.width, batch.height);
      const left = uses.get(from)! - 1;
      uses.set(from, left);
      if (left === 0) kept.delete(from);
    }
    return result;
  };
  for await (const batch of complete) {
    for (let position = 0; position < batch.frames.length; position++) {
      const { index } = batch.frames[position]!;
      if (uses.has(index)) kept.set(index, Uint8Array.from(pixelsOf(batch, position)));
    }
    waiting.push(batch);
    while (waiting.length > 0 && ready(waiting[0]!)) yield twinOf(waiting.shift()!);
  }
  if (waiting.length > 0)
    throw new ShapeError("frame for the absent twin is missing", {
      where: `frame ${waiting[0]!.frames[0]!.index}`,
      expected: "every source frame in the stream",
    });
}
