import { ConfigError, VideoError } from "../../core/errors.ts";
import type { Backend, ClipIndex, DecodeOrder, Encoder, EncoderSettings } from "../backend/backend.ts";
import { displayedSize, timelineOf, uprightSize } from "../clip-info.ts";
import { padToEven } from "../even-size.ts";
import { rgbChain } from "../filter-chain.ts";
import type { PictureSize } from "../frame-size.ts";
import type { VideoLimits } from "../limits.ts";
import { resizePicture, resizePlan } from "../pillow-bicubic.ts";
import type { Job, OutputFile } from "../protocol.ts";
import type { EncodeOptions, FrameReplacement, RewrittenVideo } from "../request.ts";
import { KeptPictures, type TwinSources } from "./kept-pictures.ts";
import { describeWritten, encoderSettings, TickClock } from "./write-job.ts";

type RewriteJob = Extract<Job, { kind: "rewrite" }>;

/** What the twin shows. @throws {ConfigError} for frames that are not there */
const sourcesOf = (replacements: readonly FrameReplacement[], count: number): TwinSources => {
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
const runStarts = (sources: TwinSources): number[] => {
  const starts: number[] = [];
  for (let i = 1; i < sources.length; i++)
    if ((sources[i] !== i) !== (sources[i - 1] !== i - 1)) starts.push(i);
  return starts;
};

/** When the frames of the written files are shown, in ticks. */
interface Schedule {
  readonly encode: EncodeOptions;
  readonly ticks: readonly number[];
  /** When the last frame ends. */
  readonly end: number;
}

/** The clip's own clock where an MP4 can have it, else 90 kHz. @throws {VideoError} when two times fall on one tick */
const scheduleOf = (clip: ClipIndex, encode: EncodeOptions): Schedule => {
  const { frames, facts } = clip;
  const timeline = timelineOf(clip);
  const [num, den] = facts.timeBase;
  const repeats = frames.pts.some((pts, i) => pts === frames.pts[i - 1]);
  // Frames at one time are spread over neighbouring ticks: these must be short.
  const ownClock = num === 1 && den <= 1_000_000 && (!repeats || den >= 10_000) ? den : 90_000;
  const ticksPerSecond = encode.ticksPerSecond ?? ownClock;
  const clock = new TickClock(ticksPerSecond, repeats);
  const ticks = timeline.map(({ timeSeconds }) => clock.next(timeSeconds));
  const length = ((frames.pts[timeline.length - 1]! - frames.pts[0]! + frames.lastDuration) * num) / den;
  const end = clock.end(frames.lastDuration > 0 ? timeline[0]!.timeSeconds + length : undefined);
  return { encode: { ...encode, ticksPerSecond }, ticks, end };
};

/** A file that is being written, and what it shows at every frame. */
interface Output {
  readonly file: OutputFile;
  readonly settings: EncoderSettings;
  readonly encoder: Encoder;
  readonly shows: (frame: number) => number;
}

/** The files of a clip and of its twin, encoded side by side. */
class PairWriter {
  readonly #pictures: KeptPictures;
  readonly #schedule: Schedule;
  readonly #outputs: readonly Output[];
  /** Frames that show another one and look the same. */
  readonly unchanged: number[] = [];

  constructor(pictures: KeptPictures, schedule: Schedule, outputs: readonly Output[]) {
    this.#pictures = pictures;
    this.#schedule = schedule;
    this.#outputs = outputs;
  }

  /** The next frame in every file. @throws {VideoError} when the picture that stands for it is not there */
  async add(frame: number, picture: Uint8Array): Promise<void> {
    this.#pictures.offer(frame, picture);
    for (const { encoder, shows } of this.#outputs) {
      const from = shows(frame);
      const shown = from === frame ? picture : this.#pictures.get(from);
      if (shown === undefined)
        throw new VideoError("a replacing frame could not be decoded", { got: `frame ${from}` });
      if (from !== frame && Buffer.compare(shown, picture) === 0) this.unchanged.push(frame);
      await encoder.add(shown, this.#schedule.ticks[frame]!);
    }
    this.#pictures.passed(frame);
  }

  async finish(): Promise<void> {
    for (const { encoder } of this.#outputs) await encoder.finish(this.#schedule.end);
  }
}

/** Opens the files of a job into `outputs`, so that the caller can abort those that were opened when one fails. */
const openOutputs = (
  backend: Backend,
  job: RewriteJob,
  size: PictureSize,
  schedule: Schedule,
  sources: TwinSources,
  outputs: Output[],
): void => {
  const keyTicks = runStarts(sources).map((frame) => schedule.ticks[frame]!);
  const open = (file: OutputFile | undefined, shows: (frame: number) => number): void => {
    if (file === undefined) return;
    const more = { independentGroups: true, keyTicks };
    const settings = encoderSettings(file, size.width, size.height, schedule.encode, more);
    outputs.push({ file, settings, encoder: backend.encoder(settings, outputs[0]?.encoder), shows });
  };
  open(job.complete, (frame) => frame);
  open(job.absent, (frame) => sources[frame]!);
};

/**
 * Decodes a clip once and encodes it and/or its twin; frames that are not replaced decode to equal pixels in both.
 *
 * @throws {ConfigError} for replacements that name frames that are not there
 * @throws {VideoError} when no frame can be decoded, or a file cannot be written
 */
export const rewriteJob = async (
  backend: Backend,
  clip: ClipIndex,
  job: RewriteJob,
  limits: VideoLimits,
  alive: () => void,
): Promise<RewrittenVideo> => {
  const count = timelineOf(clip).length;
  const sources = sourcesOf(job.replacements, count);
  const schedule = scheduleOf(clip, job.encode);
  const size = displayedSize(clip);
  const pictures = new KeptPictures(sources);
  const toSize = (rgb: Uint8Array, width: number, height: number): Uint8Array => {
    const pixels = new Uint8Array(size.width * size.height * 3);
    resizePicture(rgb, resizePlan(width, height, size.width, size.height), pixels);
    return padToEven(pixels, size.width, size.height);
  };
  const decode = async (targets: Int32Array, deliver: DecodeOrder["deliver"]): Promise<void> => {
    const chain = rgbChain(clip.facts.colour, clip.facts.orientation);
    const order = { chain, ...uprightSize(clip), threads: job.threads, alive, targets, deliver };
    await backend.decode(clip, order, limits);
  };
  const outputs: Output[] = [];
  const writer = new PairWriter(pictures, schedule, outputs);
  const add = async (frame: number, picture: Uint8Array): Promise<void> => {
    await writer.add(frame, picture);
    alive();
    // Native frames are given back by tasks, not by microtasks: without a turn of the loop they pile up.
    await new Promise((done) => setImmediate(done));
  };
  try {
    if (job.absent !== undefined && pictures.ahead.length > 0)
      await decode(Int32Array.from(pictures.ahead), (frame, rgb, width, height) => {
        pictures.offer(frame, toSize(rgb, width, height));
        return true;
      });
    openOutputs(backend, job, size, schedule, sources, outputs);
    let next = 0;
    let last: Uint8Array | undefined;
    await decode(
      Int32Array.from({ length: count }, (_, i) => i),
      async (frame, rgb, width, height) => {
        const picture = toSize(rgb, width, height);
        // A frame that the decoder could not give shows the one before, as in `frames`.
        while (next < frame) await add(next++, last ?? picture);
        await add(next++, picture);
        last = picture;
        return true;
      },
    );
    if (last === undefined) throw new VideoError("no frame can be decoded", { where: clip.file });
    while (next < count) await add(next++, last);
    await writer.finish();
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
  return { ...(complete && { complete }), ...(absent && { absent }), unchanged: writer.unchanged };
};
