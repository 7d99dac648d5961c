import type { Encoder, EncoderSettings } from "../backend/backend.ts";
import { isRefusal, writeFailure } from "../backend/cannot-write.ts";
import { x264Options } from "../backend/x264-options.ts";
import { encodeChain } from "../filter-chain.ts";
import { matroskaHead, matroskaPictureHead } from "./matroska.ts";
import { reasonIn, start } from "./program.ts";

const commandOf = (settings: EncoderSettings): string[] => {
  const { ticksPerSecond, keyTicks, temporary } = settings;
  const keys = keyTicks.map((ticks) => ticks / ticksPerSecond);
  const colours = [
    "-colorspace",
    "bt709",
    "-color_primaries",
    "bt709",
    "-color_trc",
    "bt709",
    "-color_range",
    "tv",
  ];
  const options = Object.entries(x264Options(settings)).flatMap(([name, value]) => [`-${name}`, value]);
  return [
    ...["-v", "error", "-y", "-f", "matroska", "-i", "pipe:0", "-map", "0:v", "-vf", encodeChain],
    ...["-c:v", "libx264", "-threads", "1", ...options, ...colours],
    ...["-fps_mode", "passthrough", "-enc_time_base", `1:${ticksPerSecond}`],
    ...(keys.length > 0 ? ["-force_key_frames", keys.join(",")] : []),
    // The last picture's duration cannot come through the pipe: it is set to 1/25 s, the others follow from the times.
    ...[
      "-bsf:v",
      `filter_units=remove_types=6,setts=pts=PTS:dts=DTS:duration=${Math.round(ticksPerSecond / 25)}`,
    ],
    ...["-fflags", "+bitexact", "-flags:v", "+bitexact"],
    ...[
      "-map_metadata",
      "-1",
      "-metadata:s:v",
      "encoder=H.264",
      "-movflags",
      "+faststart",
      "-video_track_timescale",
      String(ticksPerSecond),
    ],
    ...["-f", "mp4", temporary],
  ];
};

/** An encoder that feeds one ffmpeg process. */
export const openEncoder = (settings: EncoderSettings): Encoder => {
  const { child, ended } = start("ffmpeg", commandOf(settings), 0);
  const input = child.stdin!;
  input.on("error", () => {});
  child.stdout?.resume();
  let over = false;
  ended.then(
    () => {
      over = true;
    },
    () => {
      over = true;
    },
  );
  const failure = async (): Promise<never> => {
    const { complaint } = await ended;
    const reason = reasonIn(complaint, settings.temporary).replace(`${settings.temporary}: `, "");
    throw writeFailure(settings, reason);
  };
  const write = async (bytes: Uint8Array): Promise<void> => {
    if (over) return failure();
    if (input.write(bytes)) return;
    await new Promise<void>((resolve) => {
      input.once("drain", resolve);
      ended.then(() => resolve()).catch(() => resolve());
    });
  };
  const nanoseconds = (ticks: number): bigint =>
    (BigInt(ticks) * 1_000_000_000n * 2n + BigInt(settings.ticksPerSecond)) /
    (2n * BigInt(settings.ticksPerSecond));
  let begun = false;
  return {
    add: async (rgb, ticks) => {
      if (!begun) await write(matroskaHead(settings.width, settings.height));
      begun = true;
      await write(matroskaPictureHead(nanoseconds(ticks), rgb.length));
      // The pipe may hold on to the bytes after this call, the caller's memory is used again.
      await write(rgb.slice());
    },
    finish: async () => {
      input.end();
      const { code, complaint } = await ended;
      // A disk that fills up while the file is being closed leaves half a file and status 0.
      if (code !== 0 || isRefusal(complaint)) await failure();
    },
    abort: () => {
      child.kill("SIGKILL");
    },
  };
};
