import { UnsupportedError } from "../../core/errors.ts";
import type { DecoderPlugin } from "../backend/backend.ts";
import { decodeFrames } from "../ffmpeg/decode.ts";
import { openEncoder } from "../ffmpeg/encode.ts";
import { runText } from "../ffmpeg/program.ts";
import { readIndex } from "../ffmpeg/read-index.ts";

const versionOf = async (name: string): Promise<string> => {
  const { text } = await runText(name, ["-version"]);
  const version = /version (\S+)/.exec(text)?.[1];
  if (version === undefined) throw new UnsupportedError(`${name} does not say its version`);
  return version;
};

const plugin: DecoderPlugin = {
  summary: "the ffmpeg and ffprobe programs, 5.1 or later",
  load: async () => {
    const version = await versionOf("ffmpeg");
    await versionOf("ffprobe");
    const [major, minor] = version.replace(/^n/, "").split(".").map(Number);
    if (major !== undefined && (major < 5 || (major === 5 && (minor ?? 0) < 1)))
      throw new UnsupportedError("ffmpeg is too old", { expected: "5.1 or later", got: version });
    return {
      identity: { name: "ffmpeg", version },
      open: readIndex,
      decode: decodeFrames,
      encoder: openEncoder,
    };
  },
};

export default plugin;
