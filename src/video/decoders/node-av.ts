import type { DecoderPlugin } from "../backend/backend.ts";
import { decodeFrames } from "../node-av/decode.ts";
import { openEncoder } from "../node-av/encode.ts";
import { loadNodeAv } from "../node-av/library.ts";
import { readIndex } from "../node-av/read-index.ts";

const plugin: DecoderPlugin = {
  summary: "FFmpeg 8 as a library (optional package node-av; its binary is GPL)",
  load: async () => {
    const library = await loadNodeAv();
    return {
      identity: { name: "node-av", version: library.version },
      open: async (...order) => readIndex(library, ...order),
      decode: (clip, order, limits) => decodeFrames(library, clip, order, limits),
      encoder: (settings, besides) => openEncoder(library, settings, besides),
    };
  },
};

export default plugin;
