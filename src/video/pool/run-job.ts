import { ConfigError, InternalError, UnsupportedError, VideoError } from "../../core/errors.ts";
import { frameIndex, seconds } from "../../core/units.ts";
import type { VideoLimits } from "../limits.ts";
import type { FromWorker, Job } from "../protocol.ts";
import type { RawFrames } from "../types.ts";
import type { WorkerPool } from "./worker-pool.ts";
import type { WorkerProcess } from "./worker-process.ts";

/** The error that a worker reported, with the file's name in it. */
export const reportedError = (message: Extract<FromWorker, { type: "failed" }>, file: string): Error => {
  // What cannot be written is told at the place where it should go.
  const isPlaced = message.what.includes(file) || message.what.startsWith("cannot write: ");
  const text = isPlaced ? message.what : `${message.what} (${file})`;
  if (message.kind === "config") return new ConfigError(text);
  if (message.kind === "unsupported") return new UnsupportedError(text);
  return message.kind === "video" ? new VideoError(text) : new InternalError(`${text}`);
};

const hasAborted = (signal: AbortSignal | undefined): boolean => signal?.aborted === true;

const aborted = (): Error => new DOMException("stopped", "AbortError");

/** A worker for a job that reads `file`. One that is found dead is replaced. */
const liveWorker = async (pool: WorkerPool, file: string | undefined): Promise<WorkerProcess> => {
  let worker = await pool.acquire(file);
  for (let tries = 0; !worker.alive && tries < 3; tries++) {
    pool.giveBack(worker);
    worker = await pool.acquire(file);
  }
  return worker;
};

const clipOf = (job: Job): string | undefined => ("file" in job ? job.file : undefined);

/** Runs `use` with a worker of its own, ended at once when `signal` aborts. `file`: the clip that it reads. */
export const withWorker = async <T>(
  pool: WorkerPool,
  file: string | undefined,
  signal: AbortSignal | undefined,
  use: (worker: WorkerProcess) => Promise<T>,
): Promise<T> => {
  if (hasAborted(signal)) throw aborted();
  const worker = await liveWorker(pool, file);
  const stop = (): void => worker.kill("stopped");
  signal?.addEventListener("abort", stop);
  try {
    if (hasAborted(signal)) throw aborted();
    return await use(worker);
  } catch (error) {
    throw hasAborted(signal) ? aborted() : error;
  } finally {
    signal?.removeEventListener("abort", stop);
    pool.giveBack(worker);
  }
};

/** Runs a job that answers once. */
export const runJob = (
  pool: WorkerPool,
  job: Job,
  limits: VideoLimits,
  file: string,
  signal: AbortSignal | undefined,
): Promise<unknown> =>
  withWorker(
    pool,
    clipOf(job),
    signal,
    (worker) =>
      new Promise((resolve, reject) => {
        worker.take({
          onMessage: (message) => {
            if (message.type === "done") resolve(message.result);
            else if (message.type === "failed") reject(reportedError(message, file));
          },
          onDeath: (error) => reject(new VideoError(`${error.message} (${file})`)),
        });
        worker.send({ type: "job", job, limits }).catch(reject);
      }),
  );

const toRawFrames = (message: Extract<FromWorker, { type: "chunk" }>, payload: Buffer): RawFrames => ({
  pixels: new Uint8Array(payload.buffer, payload.byteOffset, payload.length),
  frames: message.indices.map((index, i) => ({
    index: frameIndex(index),
    timeSeconds: seconds(message.timesSeconds[i]!),
  })),
  width: message.width,
  height: message.height,
  ...(message.repeated.length > 0 && { repeated: message.repeated }),
});

/** What a stream of chunks has in store for its reader. */
class Inbox {
  #chunks: RawFrames[] = [];
  #end: { error?: Error } | undefined;
  #wake: (() => void) | undefined;
  put(chunk: RawFrames): void {
    this.#chunks.push(chunk);
    this.#wake?.();
  }
  finish(error?: Error): void {
    this.#end ??= error === undefined ? {} : { error };
    this.#wake?.();
  }
  get over(): boolean {
    return this.#end !== undefined;
  }
  get empty(): boolean {
    return this.#chunks.length === 0;
  }
  /** The next chunk, or undefined at the end. @throws what the job failed with, after the chunks that came before */
  async next(): Promise<RawFrames | undefined> {
    while (this.#chunks.length === 0) {
      if (this.#end?.error !== undefined) throw this.#end.error;
      if (this.#end !== undefined) return undefined;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    return this.#chunks.shift();
  }
  /** Settles when the job is over, chunks left or not. */
  async drained(): Promise<void> {
    while (this.#end === undefined) {
      this.#chunks = [];
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}

/** What a stream of frames is read from, and how. */
export interface StreamOrder {
  /** Full path of the clip, and its name for messages. */
  readonly clip: string;
  readonly file: string;
  /** Whether the memory of a chunk is used again when the next one is asked for. */
  readonly lent: boolean;
}

/** Runs a job that answers with chunks of frames. A reader that leaves early stops the job without ending its worker. */
export async function* streamJob(
  pool: WorkerPool,
  { clip, file, lent }: StreamOrder,
  makeJob: () => Job,
  limits: VideoLimits,
  signal: AbortSignal | undefined,
): AsyncGenerator<RawFrames> {
  if (hasAborted(signal)) throw aborted();
  const worker = await liveWorker(pool, clip);
  const inbox = new Inbox();
  const stop = (): void => worker.kill("stopped");
  signal?.addEventListener("abort", stop);
  worker.take({
    onMessage: (message, payload) => {
      if (message.type === "chunk") inbox.put(toRawFrames(message, payload));
      else if (message.type === "done") inbox.finish();
      else if (message.type === "failed") inbox.finish(reportedError(message, file));
    },
    onDeath: (error) => inbox.finish(new VideoError(`${error.message} (${file})`)),
    ...(lent && { memory: (bytes) => Buffer.from(pool.chunks.take(bytes).buffer, 0, bytes) }),
  });
  try {
    await worker.send({ type: "job", job: makeJob(), limits });
    for (;;) {
      const chunk = await inbox.next();
      if (hasAborted(signal)) throw aborted();
      if (chunk === undefined) return;
      // While the reader has the chunk the worker may run dry; then others may use its share of the machine.
      pool.setWaitingOutside(worker, true);
      yield chunk;
      pool.setWaitingOutside(worker, false);
      if (lent) pool.chunks.giveBack(chunk.pixels);
      if (!inbox.over) await worker.send({ type: "more" });
    }
  } catch (error) {
    throw hasAborted(signal) ? aborted() : error;
  } finally {
    signal?.removeEventListener("abort", stop);
    if (!inbox.over) {
      pool.setWaitingOutside(worker, false);
      await worker.send({ type: "stop" });
      await inbox.drained();
    }
    pool.giveBack(worker);
  }
}
