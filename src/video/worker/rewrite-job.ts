import { ConfigError, VideoError } from "../../core/errors.ts";
import type { Backend, ClipIndex, Encoder, EncoderSettings } from "../backend/backend.ts";
import { displayedSize, timelineOf, uprightSize } from "../clip-info.ts";
import { padToEven } from "../even-size.ts";
import { rgbChain } from "../filter-chain.ts";
import type { VideoLimits } from "../limits.ts";
import { resizePicture, resizePlan } from "../pillow-bicubic.ts";
import type { Job, OutputFile } from "../protocol.ts";
import type { FrameReplacement, RewrittenVideo } from "../request.ts";
import { describeWritten, encoderSettings, TickClock } from "./write-job.ts";

/** For every frame the one that it shows in the twin. @throws {ConfigError} for frames that are not there */
const sourcesOf = (replacements: readonly FrameReplacement[], count: number): Int32Array => {
  const sources = Int32Array.from({ length: count }, (_, i) => i);
  for (const { index, from } of replacements) {
    for (const value of [index, from])
      if (!Number.isInteger(value) || value < 0 || value >= count)
        throw new ConfigError("no such frame to replace", {
          expected: `0 to ${count - 1}`,
          got: String(value),
        });
    sources[index] = from;
  }
  return sources;
};

/** Frames at which a run of replaced or of kept frames begins: both files get a key packet there. */
const runStarts = (sources: Int32Array): number[] => {
  const starts: number[] = [];
  for (let i = 1; i < sources.length; i++)
    if ((sources[i] !== i) !== (sources[i - 1] !== i - 1)) starts.push(i);
  return starts;
};

interface Output {
  readonly file: OutputFile;
  readonly settings: EncoderSettings;
  readonly encoder: Encoder;
  readonly shows: (frame: number) => number;
}

/** Decodes a clip once and encodes it and/or its twin; frames that are not replaced decode to equal pixels in both. */
export const rewriteJob = async (
  backend: Backend,
  clip: ClipIndex,
  job: Extract<Job, { kind: "rewrite" }>,
  limits: VideoLimits,
  alive: () => void,
): Promise<RewrittenVideo> => {
  const timeline = timelineOf(clip);
  const count = timeline.length;
  const sources = sourcesOf(job.replacements, count);
  const size = displayedSize(clip);
  const [num, den] = clip.facts.timeBase;
  const ownClock = num === 1 && den <= 1_000_000 ? den : 90_000;
  const encode = { ...job.encode, ticksPerSecond: job.encode.ticksPerSecond ?? ownClock };
  const clock = new TickClock(encode.ticksPerSecond);
  const ticks = timeline.map(({ timeSeconds }) => clock.next(timeSeconds));
  const lastEnd =
    ((clip.frames.pts[count - 1]! - clip.frames.pts[0]! + clip.frames.lastDuration) * num) / den;
  const end =
    clip.frames.lastDuration > 0 ? clock.end(timeline[0]!.timeSeconds + lastEnd) : clock.end(undefined);
  const keyTicks = runStarts(sources).map((frame) => ticks[frame]!);
  const outputs: Output[] = [];
  const open = (file: OutputFile | undefined, shows: (frame: number) => number): void => {
    if (file === undefined) return;
    const settings = encoderSettings(file, size.width, size.height, encode, {
      independentGroups: true,
      keyTicks,
    });
    outputs.push({ file, settings, encoder: backend.encoder(settings, outputs[0]?.encoder), shows });
  };
  const upright = uprightSize(clip);
  const chain = rgbChain(clip.facts.colour, clip.facts.orientation);
  const order = { chain, ...upright, threads: job.threads, alive };
  // Pictures that the twin shows at another time than their own, by the frame they are of.
  const needed = new Map<number, number>();
  sources.forEach((from, index) => {
    if (from !== index) needed.set(from, Math.max(index, needed.get(from) ?? 0));
  });
  const kept = new Map<number, Uint8Array>();
  const unchanged: number[] = [];
  const toSize = (rgb: Uint8Array, width: number, height: number): Uint8Array => {
    const pixels = new Uint8Array(size.width * size.height * 3);
    resizePicture(rgb, resizePlan(width, height, size.width, size.height), pixels);
    return padToEven(pixels, size.width, size.height);
  };
  try {
    if (job.absent !== undefined) {
      const ahead = [...needed.keys()].filter((from) =>
        sources.some((s, index) => s === from && index < from),
      );
      if (ahead.length > 0) {
        const deliver = (frame: number, rgb: Uint8Array, width: number, height: number): boolean => {
          kept.set(frame, toSize(rgb, width, height));
          return true;
        };
        await backend.decode(clip, { ...order, targets: Int32Array.from(ahead).sort(), deliver }, limits);
      }
    }
    open(job.complete, (frame) => frame);
    open(job.absent, (frame) => sources[frame]!);
    let next = 0;
    const encodeFrame = async (frame: number, picture: Uint8Array): Promise<void> => {
      if (needed.has(frame)) kept.set(frame, picture);
      for (const { encoder, shows } of outputs) {
        const from = shows(frame);
        const shown = from === frame ? picture : kept.get(from);
        if (shown === undefined)
          throw new VideoError("a replacing frame could not be decoded", { got: `frame ${from}` });
        if (from !== frame && Buffer.compare(shown, picture) === 0) unchanged.push(frame);
        await encoder.add(shown, ticks[frame]!);
      }
      for (const [from, until] of needed) if (until <= frame && from <= frame) kept.delete(from);
      alive();
      // Native frames are given back by tasks, not by microtasks: without a turn of the loop they pile up.
      await new Promise((done) => setImmediate(done));
    };
    let last: Uint8Array | undefined;
    const deliver = async (
      frame: number,
      rgb: Uint8Array,
      width: number,
      height: number,
    ): Promise<boolean> => {
      const picture = toSize(rgb, width, height);
      // A frame that the decoder could not give shows the one before, as in `frames`.
      while (next < frame) await encodeFrame(next++, last ?? picture);
      await encodeFrame(next++, picture);
      last = picture;
      return true;
    };
    const targets = Int32Array.from({ length: count }, (_, i) => i);
    await backend.decode(clip, { ...order, targets, deliver }, limits);
    if (last === undefined) throw new VideoError("no frame can be decoded", { where: clip.file });
    while (next < count) await encodeFrame(next++, last);
    for (const { encoder } of outputs) await encoder.finish(end);
  } catch (error) {
    for (const { encoder } of outputs) encoder.abort();
    throw error;
  }
  const described = async (file: OutputFile | undefined): Promise<RewrittenVideo["complete"]> => {
    const output = outputs.find((one) => one.file === file);
    return output === undefined ? undefined : describeWritten(output.file, output.settings, count);
  };
  const complete = await described(job.complete);
  const absent = await described(job.absent);
  return { ...(complete && { complete }), ...(absent && { absent }), unchanged };
};
