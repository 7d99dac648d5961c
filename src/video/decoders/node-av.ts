import { z } from "zod";
import { type DecoderPlugin, defineDecoder } from "../decoders.ts";

const nodeAv: DecoderPlugin = defineDecoder({
  summary: "FFmpeg 8 as a library (optional package node-av; its binary is GPL)",
  source: "node-av, FFmpeg",
  params: z.strictObject({}),
  create: () => ({ load: async () => (await import("../node-av/backend.ts")).nodeAvBackend() }),
});

export default nodeAv;
