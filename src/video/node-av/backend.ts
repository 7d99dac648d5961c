import type { Backend } from "../backend/backend.ts";
import { decodeFrames } from "./decode.ts";
import { openEncoder } from "./encode.ts";
import { HeldFile } from "./held-file.ts";
import { loadNodeAv } from "./library.ts";
import { readIndex } from "./read-index.ts";

/** FFmpeg as a library. @throws {UnsupportedError} where it is not installed */
export const nodeAvBackend = async (): Promise<Backend> => {
  const library = await loadNodeAv();
  const held = new HeldFile();
  return {
    version: library.version,
    appliesFilters: true,
    open: async (...order) => readIndex(library, held, ...order),
    decode: (clip, order, limits) => decodeFrames(library, held, clip, order, limits),
    encoder: (settings, besides) => openEncoder(library, settings, besides),
  };
};
