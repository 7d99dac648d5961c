import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { InternalError, VideoError } from "../core/errors.ts";
import { chunkClips, type FromWorldWorker, type ToWorldWorker, type WorldOrder } from "./protocol.ts";

const extension = import.meta.url.endsWith(".ts") ? "ts" : "js";
const program = fileURLToPath(new URL(`./generate-worker.${extension}`, import.meta.url));

/** How often one chunk may kill its worker. */
const attemptsPerChunk = 2;

/** Work for a group of worker processes. */
export interface ChunkWork {
  readonly order: WorldOrder;
  readonly chunks: readonly number[];
  readonly workers: number;
  readonly signal?: AbortSignal;
  /** Every worker's encoder, before its first chunk; may throw to stop everything. */
  readonly onEncoder: (encoder: { readonly name: string; readonly version: string }) => void;
  readonly onClip: () => void;
  /** A worker died and so many clips that were counted have to be made again. */
  readonly onLost: (clips: number) => void;
}

/** What is thrown when the person stops the work. */
const stopped = (): Error => {
  const error = new Error("stopped; the same command goes on where it was");
  error.name = "AbortError";
  return error;
};

const forkWorker = (): ChildProcess =>
  fork(program, [], {
    execArgv: ["--disable-warning=ExperimentalWarning"],
    stdio: ["ignore", "ignore", "inherit", "ipc"],
    env: { ...process.env, NODE_OPTIONS: "", UV_THREADPOOL_SIZE: "1" },
  });

/** Ends processes; when they have ended, nobody writes into the folder any more. */
const killed = (children: Iterable<ChildProcess>): Promise<unknown> =>
  Promise.all(
    [...children].map(
      (child) =>
        new Promise<void>((ended) => {
          child.once("exit", () => ended());
          child.kill("SIGKILL");
        }),
    ),
  );

/** A worker's death as the person who waits is told it. */
const death = (chunk: number | undefined, got: string): VideoError =>
  new VideoError("a worker that makes clips died", {
    ...(chunk === undefined ? {} : { where: `clips ${chunk * chunkClips} and following` }),
    got,
  });

/**
 * Has every chunk made. A worker that dies costs its chunk a second attempt by a new worker.
 * @throws {VideoError} when a chunk kills two workers
 */
export const makeChunks = (work: ChunkWork): Promise<void> =>
  new Promise((resolve, reject) => {
    const waiting = [...work.chunks].reverse();
    const attempts = new Map<number, number>();
    const running = new Set<ChildProcess>();
    let open = work.chunks.length;
    let over = false;
    const finish = (error?: unknown): void => {
      if (over) return;
      over = true;
      work.signal?.removeEventListener("abort", onAbort);
      void killed(running).then(() => (error === undefined ? resolve() : reject(error)));
    };
    const onAbort = (): void => finish(stopped());
    const start = (): void => {
      const child = forkWorker();
      running.add(child);
      let current: number | undefined;
      let clips = 0;
      const tell = (message: ToWorldWorker): void => {
        child.send(message, () => {});
      };
      const next = (): void => {
        current = waiting.pop();
        clips = 0;
        if (current === undefined) child.disconnect();
        else tell({ type: "chunk", chunk: current });
      };
      const onMessage = (message: FromWorldWorker): void => {
        if (message.type === "ready") {
          work.onEncoder(message.encoder);
          next();
        } else if (message.type === "clip") {
          clips++;
          work.onClip();
        } else if (message.type === "failed")
          throw message.usersFault
            ? new VideoError("cannot make the clips", { got: message.message })
            : new InternalError(message.message);
        else if (--open === 0) finish();
        else next();
      };
      child.on("message", (message: FromWorldWorker) => {
        if (over) return;
        try {
          onMessage(message);
        } catch (error) {
          finish(error);
        }
      });
      child.on("error", (error) => finish(error));
      child.on("exit", (code, signal) => {
        running.delete(child);
        if (over || (current === undefined && code === 0)) return;
        const chunk = current;
        if (chunk !== undefined) {
          work.onLost(clips);
          waiting.push(chunk);
          attempts.set(chunk, (attempts.get(chunk) ?? 0) + 1);
        }
        if (chunk === undefined || attempts.get(chunk)! >= attemptsPerChunk)
          finish(death(chunk, signal ?? `status ${code}`));
        else start();
      });
      tell({ type: "begin", order: work.order });
    };
    if (work.signal?.aborted === true) {
      finish(stopped());
      return;
    }
    work.signal?.addEventListener("abort", onAbort);
    for (let i = 0; i < work.workers; i++) start();
  });
