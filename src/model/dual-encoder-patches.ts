import { normalizePatches, stepPatches } from "../frames/patch-bytes.ts";
import type { DualEncoderConfig } from "./dual-encoder-config.ts";

/**
 * Patches of every frame beside those of its surroundings (the average of the frames `reach` before and after; at
 * the ends of the clip the first or last frame stands in): bytes [T, P, 6 patch^2].
 *
 * @param frames  rgb24 pictures of `pixels` x `pixels`
 */
export const surroundedPatches = (frames: readonly Uint8Array[], config: DualEncoderConfig): Uint8Array[] => {
  const { pixels, patch, reach } = config;
  const around = new Uint8Array(pixels * pixels * 3);
  const sizes = { patchSize: patch, spatialMergeSize: 1 };
  return frames.map((frame, t) => {
    const before = frames[Math.max(0, t - reach)]!;
    const after = frames[Math.min(frames.length - 1, t + reach)]!;
    for (let i = 0; i < around.length; i++) around[i] = (before[i]! + after[i]! + 1) >> 1;
    const out = new Uint8Array(pixels * pixels * 6);
    stepPatches([frame, around], pixels, pixels, sizes, out);
    return out;
  });
};

/** Bytes of several frames as the encoder's input. */
export const patchFloats = (frames: readonly Uint8Array[], config: DualEncoderConfig): Float32Array => {
  const size = config.pixels ** 2 * 6;
  const out = new Float32Array(frames.length * size);
  frames.forEach((frame, i) => {
    normalizePatches(frame, 2 * config.patch ** 2, out, i * size);
  });
  return out;
};

/** Share of each word in each text: [C, V]. Unknown words are told by `unknown`. */
export const wordBags = (
  texts: readonly (readonly string[])[],
  config: DualEncoderConfig,
  unknown: (word: string) => never,
): Float32Array => {
  const places = new Map(config.words.map((word, i) => [word, i]));
  const bags = new Float32Array(texts.length * config.words.length);
  texts.forEach((words, c) => {
    for (const word of words) {
      const place = places.get(word) ?? unknown(word);
      bags[c * config.words.length + place]! += 1 / words.length;
    }
  });
  return bags;
};
