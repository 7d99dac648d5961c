import { messageOf, UnsupportedError } from "../../core/errors.ts";

/** node-av's low-level classes. Its `api` entry is left alone: it costs 80 ms and 35 MB a process. */
export type Library = typeof import("node-av/lib");
/** FFmpeg's constants. */
export type Constants = typeof import("node-av/constants");

/** Both halves, loaded. */
export interface NodeAv {
  readonly av: Library;
  readonly constants: Constants;
  /** "node-av 6.1.1 / FFmpeg 8.1" without the words. */
  readonly version: string;
}

/** Loads the library. Only worker programs may call this: the binary is GPL and native. @throws {UnsupportedError} */
export const loadNodeAv = async (): Promise<NodeAv> => {
  try {
    const av = await import("node-av/lib");
    const constants = await import("node-av/constants");
    av.Log.setLevel(constants.AV_LOG_QUIET);
    const info = av.getFFmpegInfo();
    return { av, constants, version: String((info as { version?: unknown }).version ?? "unknown") };
  } catch (error) {
    throw new UnsupportedError("node-av cannot be loaded", {
      got: messageOf(error).split("\n")[0]!,
      hint: "npm install node-av, or use --decoder ffmpeg",
      cause: error,
    });
  }
};

/** FFmpeg's 64-bit "no value" as NaN, everything else as a number. */
export const ticks = (value: bigint): number =>
  value === -9223372036854775808n ? Number.NaN : Number(value);
