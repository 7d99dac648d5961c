import type { FrameBatch } from "./frame-batch.ts";

/** A piece of a stream with frames around it. */
export interface FramePiece {
  /** The piece itself and the frames around it that are there. */
  readonly batch: FrameBatch;
  /** Position in `batch` of the piece's first frame. */
  readonly first: number;
  /** Frames of the piece. */
  readonly count: number;
}

/** Consecutive frames of one size as one batch. */
const joined = (parts: readonly FrameBatch[]): FrameBatch => {
  const [only] = parts;
  if (only !== undefined && parts.length === 1) return only;
  const pixels = new Uint8Array(parts.reduce((sum, part) => sum + part.pixels.length, 0));
  let at = 0;
  for (const part of parts) {
    pixels.set(part.pixels, at);
    at += part.pixels.length;
  }
  return { ...parts[0]!, pixels, frames: parts.flatMap(({ frames }) => frames) };
};

/** Frames `from` to `to` of a batch (a view). */
const slice = (batch: FrameBatch, from: number, to: number): FrameBatch => {
  const bytes = batch.width * batch.height * 3;
  const { width, height } = batch;
  const pixels = batch.pixels.subarray(from * bytes, to * bytes);
  return { width, height, pixels, frames: batch.frames.slice(from, to) };
};

/**
 * A stream cut anew: pieces of `size` frames (the last one may be shorter), each beside up to `around` frames before and
 * after it. What is computed from a piece so does not depend on how the decoder or the cache happened to cut the stream.
 * Holds `size + 2 * around` frames and one chunk of the stream.
 */
export async function* regrouped(
  stream: AsyncIterable<FrameBatch>,
  size: number,
  around = 0,
): AsyncGenerator<FramePiece> {
  // `held` begins with the frames before the next piece.
  let held: FrameBatch | undefined;
  let before = 0;
  for await (const batch of stream) {
    if (batch.frames.length === 0) continue;
    held = held === undefined || held.frames.length === 0 ? batch : joined([held, batch]);
    while (held.frames.length >= before + size + around) {
      yield { batch: slice(held, 0, before + size + around), first: before, count: size };
      const kept = Math.min(around, before + size);
      held = slice(held, before + size - kept, held.frames.length);
      before = kept;
    }
  }
  while (held !== undefined && held.frames.length > before) {
    const count = Math.min(size, held.frames.length - before);
    const end = Math.min(held.frames.length, before + count + around);
    yield { batch: slice(held, 0, end), first: before, count };
    const kept = Math.min(around, before + count);
    held = slice(held, before + count - kept, held.frames.length);
    before = kept;
  }
}
