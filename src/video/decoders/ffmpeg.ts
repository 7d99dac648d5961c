import { z } from "zod";
import { type DecoderPlugin, defineDecoder } from "../decoders.ts";

const ffmpeg: DecoderPlugin = defineDecoder({
  summary: "the ffmpeg and ffprobe programs, 5.1 or later",
  source: "FFmpeg",
  params: z.strictObject({}),
  create: () => ({ load: async () => (await import("../ffmpeg/backend.ts")).ffmpegBackend() }),
});

export default ffmpeg;
