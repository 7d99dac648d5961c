import { UnsupportedError } from "../../core/errors.ts";
import type { Backend } from "../backend/backend.ts";
import { decodeFrames } from "./decode.ts";
import { openEncoder } from "./encode.ts";
import { runText } from "./program.ts";
import { readIndex } from "./read-index.ts";

const versionOf = async (name: string): Promise<string> => {
  const { text } = await runText(name, ["-version"]);
  const version = /version (\S+)/.exec(text)?.[1];
  if (version === undefined) throw new UnsupportedError(`${name} does not say its version`);
  return version;
};

/** FFmpeg by its programs. @throws {UnsupportedError} where they are missing or older than 5.1 */
export const ffmpegBackend = async (): Promise<Backend> => {
  const version = await versionOf("ffmpeg");
  await versionOf("ffprobe");
  const [major, minor] = version.replace(/^n/, "").split(".").map(Number);
  if (major !== undefined && (major < 5 || (major === 5 && (minor ?? 0) < 1)))
    throw new UnsupportedError("ffmpeg is too old", { expected: "5.1 or later", got: version });
  return { version, appliesFilters: true, open: readIndex, decode: decodeFrames, encoder: openEncoder };
};
