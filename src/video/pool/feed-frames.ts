import { VideoError } from "../../core/errors.ts";
import type { VideoLimits } from "../limits.ts";
import type { Job } from "../protocol.ts";
import type { VideoToWrite } from "../request.ts";
import type { RawFrames } from "../types.ts";
import { reportedError, withWorker } from "./run-job.ts";
import type { WorkerPool } from "./worker-pool.ts";

const checked = (chunk: RawFrames, video: VideoToWrite, file: string): RawFrames => {
  const bytes = chunk.frames.length * video.width * video.height * 3;
  if (chunk.width !== video.width || chunk.height !== video.height || chunk.pixels.length !== bytes)
    throw new VideoError("frames do not fit the video that is written", {
      where: file,
      expected: `${chunk.frames.length} of ${video.width}x${video.height} in ${bytes} bytes`,
      got: `${chunk.width}x${chunk.height} in ${chunk.pixels.length} bytes`,
    });
  return chunk;
};

/** Runs a write: sends each chunk while the worker encodes the one before, and says with the last that it is the last. */
export const feedFrames = (
  pool: WorkerPool,
  job: Job,
  limits: VideoLimits,
  file: string,
  video: VideoToWrite,
  signal: AbortSignal | undefined,
): Promise<unknown> =>
  withWorker(pool, undefined, signal, async (worker) => {
    let fed: (() => void) | undefined;
    let outstanding = 0;
    const result = new Promise<unknown>((resolve, reject) => {
      worker.take({
        onMessage: (message) => {
          if (message.type === "fed") {
            outstanding--;
            fed?.();
          } else if (message.type === "done") resolve(message.result);
          else if (message.type === "failed") reject(reportedError(message, file));
        },
        onDeath: (error) => reject(new VideoError(`${error.message} (${file})`)),
      });
    });
    let failed = false;
    const failure = result.then(
      () => {},
      () => {
        failed = true;
        fed?.();
      },
    );
    await worker.send({ type: "job", job, limits });
    const source =
      Symbol.asyncIterator in video.frames
        ? video.frames[Symbol.asyncIterator]()
        : video.frames[Symbol.iterator]();
    try {
      let ended = false;
      let held: RawFrames | undefined;
      while (!ended && !failed) {
        pool.setWaitingOutside(worker, true);
        const step = await source.next();
        pool.setWaitingOutside(worker, false);
        ended = step.done === true;
        const sent = held;
        held = ended ? undefined : checked(step.value as RawFrames, video, file);
        if (sent === undefined && !ended) continue;
        const timesSeconds = sent?.frames.map((frame) => frame.timeSeconds as number) ?? [];
        while (outstanding >= 2 && !failed)
          await new Promise<void>((resolve) => {
            fed = resolve;
          });
        if (failed) break;
        outstanding++;
        await worker.send({ type: "frames", timesSeconds, last: ended }, sent?.pixels);
      }
    } catch (error) {
      await worker.send({ type: "stop" });
      await failure;
      throw error;
    } finally {
      await source.return?.();
    }
    return result;
  });
