import { statSync } from "node:fs";
import { VideoError } from "../../core/errors.ts";
import { sha256OfFile } from "../../core/files.ts";
import type { Backend, EncoderSettings } from "../backend/backend.ts";
import { evenSide, padToEven } from "../even-size.ts";
import type { Job, OutputFile } from "../protocol.ts";
import type { EncodeOptions, WrittenVideo } from "../request.ts";
import { receive, send } from "./channel.ts";

/** Options with their defaults. */
export const encoderSettings = (
  output: OutputFile,
  width: number,
  height: number,
  options: EncodeOptions,
  more: { independentGroups: boolean; keyTicks: readonly number[] },
): EncoderSettings => ({
  temporary: output.temporary,
  output: output.file,
  width: evenSide(width),
  height: evenSide(height),
  crf: options.crf ?? 18,
  preset: options.preset ?? "veryfast",
  gop: options.gop ?? 250,
  ticksPerSecond: options.ticksPerSecond ?? 90_000,
  ...more,
});

/** Describes a finished file that still has its temporary name. */
export const describeWritten = async (
  output: OutputFile,
  settings: EncoderSettings,
  frames: number,
): Promise<WrittenVideo> => ({
  file: output.file,
  sha256: await sha256OfFile(output.temporary),
  bytes: statSync(output.temporary).size,
  width: settings.width,
  height: settings.height,
  frames,
});

/** Turns times into ticks from the first frame. @throws {VideoError} when two frames fall on one tick */
export class TickClock {
  #ticksPerSecond: number;
  #first: number | undefined;
  #before = -1;
  #spread: boolean;
  /** Distance of the last two frames. */
  gap: number;
  /** @param spread frames at one time, which no MP4 can hold, follow one another by a tick instead of being an error */
  constructor(ticksPerSecond: number, spread = false) {
    this.#ticksPerSecond = ticksPerSecond;
    this.#spread = spread;
    this.gap = Math.round(ticksPerSecond / 25);
  }
  /** Ticks of the next frame. */
  next(timeSeconds: number): number {
    this.#first ??= timeSeconds;
    const exact = Math.round((timeSeconds - this.#first) * this.#ticksPerSecond);
    const ticks = this.#spread ? Math.max(exact, this.#before + 1) : exact;
    if (!(ticks > this.#before))
      throw new VideoError("frame times must ascend", {
        expected: `more than ${this.#before / this.#ticksPerSecond} s at ${this.#ticksPerSecond} ticks a second`,
        got: `${timeSeconds - this.#first} s`,
      });
    if (this.#before >= 0) this.gap = ticks - this.#before;
    this.#before = ticks;
    return ticks;
  }
  /** When the last frame ends. */
  end(endSeconds: number | undefined): number {
    if (endSeconds === undefined) return this.#before + this.gap;
    return Math.max(this.#before + 1, Math.round((endSeconds - (this.#first ?? 0)) * this.#ticksPerSecond));
  }
}

/** Encodes the frames that the program sends, message by message. */
export const writeJob = async (
  backend: Backend,
  job: Extract<Job, { kind: "write" }>,
): Promise<WrittenVideo> => {
  const { output, width, height } = job;
  const settings = encoderSettings(output, width, height, job.encode, {
    independentGroups: false,
    keyTicks: [],
  });
  const encoder = backend.encoder(settings);
  const clock = new TickClock(settings.ticksPerSecond);
  const frameBytes = width * height * 3;
  let count = 0;
  try {
    for (;;) {
      const { message, payload } = await receive();
      if (message.type === "stop") throw new VideoError("writing was given up", { where: output.file });
      if (message.type !== "frames") continue;
      const pixels = new Uint8Array(payload.buffer, payload.byteOffset, payload.length);
      for (const [i, time] of message.timesSeconds.entries()) {
        const rgb = pixels.subarray(i * frameBytes, (i + 1) * frameBytes);
        await encoder.add(padToEven(rgb, width, height), clock.next(time));
        count++;
      }
      if (message.last) break;
      send({ type: "fed" });
    }
    if (count === 0) throw new VideoError("nothing to write: no frames came", { where: output.file });
    await encoder.finish(clock.end(job.endSeconds));
  } catch (error) {
    encoder.abort();
    throw error;
  }
  return describeWritten(output, settings, count);
};
