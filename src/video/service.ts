import { renameSync, rmSync, statSync } from "node:fs";
import { availableParallelism } from "node:os";
import { dirname, resolve } from "node:path";
import { ConfigError, UnsupportedError, VideoError } from "../core/errors.ts";
import { makeFolder } from "../core/files.ts";
import { usualDecoders, videoDecoders } from "./decoders.ts";
import { defaultLimits, type VideoLimits } from "./limits.ts";
import { checkedClip } from "./local-file.ts";
import { feedFrames } from "./pool/feed-frames.ts";
import { runJob, streamJob } from "./pool/run-job.ts";
import { WorkerPool } from "./pool/worker-pool.ts";
import type { Job, KeptIndex, OutputFile } from "./protocol.ts";
import type { FrameRequest, RewriteRequest, RewrittenVideo, VideoToWrite, WrittenVideo } from "./request.ts";
import type { DecoderIdentity, RawFrames, VideoInfo } from "./types.ts";

/** NAME or NAME:key=value of a decoder, also of one from outside; "auto": the first of the usual ones that can be loaded. */
export type DecoderChoice = string;

/** How a {@link VideoService} works. */
export interface VideoServiceOptions {
  readonly decoder?: DecoderChoice;
  /** Worker processes; default: as many as cores. They start when first needed. */
  readonly workers?: number;
  readonly limits?: Partial<VideoLimits>;
  /** Decoder threads for a request that has the machine to itself; default: as many as workers. */
  readonly threads?: number;
  /** Where a clip's index is kept between processes; nowhere when left out. Called for readable files only. */
  readonly indexPath?: (file: string, decoder: DecoderIdentity) => Promise<string>;
}

/**
 * Decoding and encoding in isolated worker processes. Every method throws {@link VideoError} for a file that cannot be
 * used; a worker that crashes, hangs or outgrows its limits costs only the job that it had. Calls may overlap: jobs
 * are spread over the workers in the order in which they come, and a worker lives on, so thousands of small clips
 * cost no process starts.
 */
export interface VideoService extends AsyncDisposable {
  /** Container, streams, every frame's true time, faults. Reads every packet; decodes only what packets cannot tell. */
  probe(file: string, signal?: AbortSignal): Promise<VideoInfo>;
  /** The chosen frames in presentation order, a few megabytes at a time; the next chunk is decoded while one is read. */
  frames(file: string, request: FrameRequest, signal?: AbortSignal): AsyncIterable<RawFrames>;
  /** Writes H.264 MP4 (yuv420p, BT.709, index in front), one file; the file appears whole or not at all. */
  write(file: string, video: VideoToWrite, signal?: AbortSignal): Promise<WrittenVideo>;
  /** Decodes once and writes the clip and/or its twin with replaced frames, times kept, without sound. */
  rewrite(file: string, request: RewriteRequest, signal?: AbortSignal): Promise<RewrittenVideo>;
  /** Name and version of the decoder in use. */
  decoder(): Promise<DecoderIdentity>;
  /** Ends the workers; running jobs fail. */
  close(): Promise<void>;
}

let serial = 0;

const outputFile = (file: string): OutputFile => {
  const full = resolve(file);
  makeFolder(dirname(full));
  return { file: full, temporary: `${full}.${process.pid}.${serial++}.tmp` };
};

class PooledVideoService implements VideoService {
  #limits: VideoLimits;
  #workers: number;
  #threads: number;
  #choice: DecoderChoice;
  #indexPath: VideoServiceOptions["indexPath"];
  #pool: Promise<{ pool: WorkerPool; identity: DecoderIdentity }> | undefined;
  constructor(options: VideoServiceOptions) {
    const workers = options.workers ?? availableParallelism();
    if (!Number.isInteger(workers) || workers < 1)
      throw new ConfigError("bad number of workers", { expected: "an integer >= 1", got: String(workers) });
    this.#workers = workers;
    this.#threads = options.threads ?? workers;
    this.#limits = { ...defaultLimits, ...options.limits };
    this.#choice = options.decoder ?? "auto";
    this.#indexPath = options.indexPath;
  }
  async probe(file: string, signal?: AbortSignal): Promise<VideoInfo> {
    const full = checkedClip(file);
    const pool = await this.#started();
    const job: Job = { kind: "probe", file: full, ...(await this.#index(full)) };
    const info = (await runJob(pool, job, this.#limits, file, signal)) as VideoInfo;
    return { ...info, file };
  }
  async *frames(file: string, request: FrameRequest, signal?: AbortSignal): AsyncGenerator<RawFrames> {
    const full = checkedClip(file);
    const pool = await this.#started();
    const index = await this.#index(full);
    const makeJob = (): Job => {
      const threads = this.#threadsNow(pool);
      return { kind: "frames", file: full, ...index, request, threads };
    };
    const lent = request.lent === true;
    yield* streamJob(pool, { clip: full, file, lent }, makeJob, this.#limits, signal);
  }
  async write(file: string, video: VideoToWrite, signal?: AbortSignal): Promise<WrittenVideo> {
    const { width, height } = video;
    if (!Number.isInteger(width) || !Number.isInteger(height) || width < 1 || height < 1)
      throw new ConfigError("bad picture size to write", { got: `${width}x${height}` });
    const output = outputFile(file);
    const job: Job = {
      kind: "write",
      output,
      width,
      height,
      encode: video.encode ?? {},
      ...(video.endSeconds !== undefined && { endSeconds: video.endSeconds }),
    };
    return this.#writing([output], async () => {
      const pool = await this.#started();
      return (await feedFrames(pool, job, this.#limits, file, video, signal)) as WrittenVideo;
    });
  }
  async rewrite(file: string, request: RewriteRequest, signal?: AbortSignal): Promise<RewrittenVideo> {
    const full = checkedClip(file);
    if (request.complete === undefined && request.absent === undefined)
      throw new ConfigError("nothing to write", { expected: "a name for the complete or the absent file" });
    const complete = request.complete === undefined ? undefined : outputFile(request.complete);
    const absent = request.absent === undefined ? undefined : outputFile(request.absent);
    const outputs = [complete, absent].filter((output) => output !== undefined);
    return this.#writing(outputs, async () => {
      const pool = await this.#started();
      const job: Job = {
        kind: "rewrite",
        file: full,
        ...(await this.#index(full)),
        replacements: request.replacements,
        encode: request.encode ?? {},
        threads: this.#threadsNow(pool),
        ...(complete && { complete }),
        ...(absent && { absent }),
      };
      return (await runJob(pool, job, this.#limits, file, signal)) as RewrittenVideo;
    });
  }
  async decoder(): Promise<DecoderIdentity> {
    await this.#started();
    return (await this.#pool!).identity;
  }
  async close(): Promise<void> {
    const started = this.#pool;
    this.#pool = Promise.reject(new VideoError("the video service is closed"));
    this.#pool.catch(() => {});
    const ended = await started?.catch(() => undefined);
    ended?.pool.close();
  }
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
  /** Gives files their names when all went well; leaves nothing behind when not. */
  async #writing<T>(outputs: readonly OutputFile[], work: () => Promise<T>): Promise<T> {
    try {
      const result = await work();
      for (const { temporary, file } of outputs) renameSync(temporary, file);
      return result;
    } finally {
      for (const { temporary } of outputs) rmSync(temporary, { force: true });
    }
  }
  async #index(full: string): Promise<{ index?: KeptIndex }> {
    if (this.#indexPath === undefined) return {};
    const { size, mtimeMs } = statSync(full);
    return { index: { path: await this.#indexPath(full, await this.decoder()), size, mtimeMs } };
  }
  #threadsNow(pool: WorkerPool): number {
    return pool.quiet ? this.#threads : 1;
  }
  async #started(): Promise<WorkerPool> {
    this.#pool ??= this.#start();
    return (await this.#pool).pool;
  }
  async #start(): Promise<{ pool: WorkerPool; identity: DecoderIdentity }> {
    const isAuto = this.#choice === "auto" && !videoDecoders.names().includes("auto");
    const reasons: string[] = [];
    for (const chosen of isAuto ? usualDecoders : [this.#choice]) {
      const { recipe } = await videoDecoders.choose(chosen);
      const decoder = { chosen, preloads: videoDecoders.elsewhere(recipe.name) };
      const pool = new WorkerPool(decoder, this.#workers, this.#limits);
      try {
        const first = await pool.acquire();
        const identity = await first.ready;
        pool.giveBack(first);
        return { pool, identity };
      } catch (error) {
        pool.close();
        if (!(error instanceof UnsupportedError)) throw error;
        reasons.push(error.message);
      }
    }
    throw new UnsupportedError("no decoder can be used", {
      got: reasons.join("; "),
      hint: "install the npm package node-av, or ffmpeg and ffprobe",
    });
  }
}

/** A service; workers start with the first call. Close it, or let the program end: idle workers hold nobody up. */
export const openVideoService = (options: VideoServiceOptions = {}): VideoService =>
  new PooledVideoService(options);
