import { Worker } from "node:worker_threads";
import { ConfigError, messageOf, UnsupportedError, VideoPerceiverError } from "../../core/errors.ts";
import { nowMilliseconds } from "../../core/progress.ts";
import { describeClip } from "../clip-info.ts";
import { type LoadedDecoder, loadDecoder } from "../decoders.ts";
import type { VideoLimits } from "../limits.ts";
import { PixelWriter } from "../pixel-file.ts";
import { chunkWindow, type Job } from "../protocol.ts";
import { pixelHandle, receive, send } from "./channel.ts";
import { ClipIndices } from "./clip-indices.ts";
import type { Chunk } from "./frame-placer.ts";
import { framesJob } from "./frames-job.ts";
import { rewriteJob } from "./rewrite-job.ts";
import { writeJob } from "./write-job.ts";

/**
 * The worker program: `node main.ts <decoder, as a person writes it> [pixels]`. Reads jobs from handle 3, answers on handle 4, one
 * job at a time; pixels go into the file behind handle 5 where it is told of one. It ends when its parent closes the pipe, and
 * a thread ends it when the parent is gone.
 */
const extension = import.meta.url.endsWith(".ts") ? "ts" : "js";
const indices = new ClipIndices();
/** Where pixels are handed over; the program says whether it has such a file. */
const writer = process.argv[3] === "pixels" ? new PixelWriter(pixelHandle) : undefined;
let lastSign = 0;

/** Says at most twice a second that work goes on. */
const alive = (): void => {
  const now = nowMilliseconds();
  if (now - lastSign < 500) return;
  lastSign = now;
  send({ type: "alive" });
};

/** Sends chunks, at most {@link chunkWindow} ahead of the reader; false once the reader wants no more. */
const chunkSender = (): ((chunk: Chunk) => Promise<boolean>) => {
  let ahead = 0;
  writer?.restart();
  return async ({ pixels, ...rest }) => {
    const place = writer?.put(pixels);
    if (place === undefined) send({ type: "chunk", ...rest }, pixels);
    else send({ type: "chunk", ...rest, place });
    ahead++;
    while (ahead >= chunkWindow) {
      const { message } = await receive();
      if (message.type === "stop") return false;
      if (message.type === "more") ahead--;
    }
    return true;
  };
};

const runJob = async (
  { backend, identity }: LoadedDecoder,
  job: Job,
  limits: VideoLimits,
): Promise<unknown> => {
  if (job.kind === "write") return writeJob(backend, job);
  const clip = await indices.open(backend, job.file, job.index, limits, alive);
  if (job.kind === "probe") return describeClip(clip, identity);
  if (job.kind === "rewrite") return rewriteJob(backend, clip, job, limits, alive);
  return framesJob(backend, clip, job.request, job.threads, limits, chunkSender(), alive);
};

const sendFailure = (error: unknown): void => {
  if (error instanceof UnsupportedError) send({ type: "failed", kind: "unsupported", what: error.message });
  else if (error instanceof ConfigError) send({ type: "failed", kind: "config", what: error.message });
  else if (error instanceof VideoPerceiverError) send({ type: "failed", kind: "video", what: error.message });
  else if (error instanceof RangeError && /allocation failed/i.test(error.message))
    send({
      type: "failed",
      kind: "video",
      what: "decoding gave up; got pictures larger than the memory allowed",
    });
  else {
    const what = error instanceof Error ? (error.stack ?? error.message) : messageOf(error);
    send({ type: "failed", kind: "internal", what });
  }
};

const serve = async (decoder: LoadedDecoder): Promise<never> => {
  send({ type: "ready", decoder: decoder.identity });
  for (;;) {
    const { message } = await receive();
    // "more" and "stop" of a job that has just ended arrive late; they mean nothing any more.
    if (message.type !== "job") continue;
    try {
      send({ type: "done", result: await runJob(decoder, message.job, message.limits) });
    } catch (error) {
      sendFailure(error);
    }
  }
};

new Worker(new URL(`./watchdog.${extension}`, import.meta.url), { execArgv: [] }).unref();
try {
  await serve(await loadDecoder(process.argv[2] ?? ""));
} catch (error) {
  send({ type: "unavailable", reason: messageOf(error) });
}
